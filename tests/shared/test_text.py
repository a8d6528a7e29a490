from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.shared.text import MAX_TEXT, ago, cut


def test_a_short_text_stays_and_a_long_one_ends_with_a_mark() -> None:
    assert cut("x" * MAX_TEXT) == "x" * MAX_TEXT
    assert cut("x" * (MAX_TEXT + 1)) == "x" * (MAX_TEXT - 5) + "[cut]"


@given(st.text(), st.integers(5, 300))
def test_no_text_is_longer_than_it_may_be(text: str, length: int) -> None:
    assert len(cut(text, length)) <= length


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "just now"),
        (59.9, "just now"),
        (60, "1 minute ago"),
        (7199, "1 hour ago"),
        (2 * 86_400, "2 days ago"),
    ],
)
def test_a_time_span_is_said_in_its_largest_unit(seconds: float, said: str) -> None:
    assert ago(seconds) == said
