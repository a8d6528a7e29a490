from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.shared.text import CUT, ago, cut, cut_and_count, cut_middle, left_out


@given(st.text(), st.integers(0, 50))
def test_a_text_is_never_longer_than_its_length(text: str, length: int) -> None:
    shown = cut(text, length)
    assert len(shown) <= length
    assert shown == text or len(text) > length


@given(st.text(min_size=20), st.integers(len(CUT), 19))
def test_a_cut_shows_and_keeps_the_beginning(text: str, length: int) -> None:
    shown = cut(text, length)
    assert shown.endswith(CUT) and text.startswith(shown.removesuffix(CUT))


@given(st.text(), st.integers(0, 50))
def test_a_text_cut_in_the_middle_is_as_long_as_it_may_be_at_most(text: str, length: int) -> None:
    shown = cut_middle(text, length)
    assert len(shown) <= length
    assert shown == text or len(text) > length


@given(st.text(min_size=200, max_size=3000), st.integers(40, 199))
def test_a_text_cut_in_the_middle_keeps_both_ends_and_counts_the_rest(text: str, length: int) -> None:
    shown = cut_middle(text, length)
    left = re.findall(r"\[cut: (\d+) characters\]", shown)
    assert any(
        text.startswith(head) and text.endswith(tail) and len(text) == len(head) + len(tail) + int(count)
        for count in left
        for head, tail in [shown.split(f"[cut: {count} characters]", 1)]
    )


def test_anything_can_be_cut() -> None:
    assert cut(12345678, 7) == "12[cut]"
    assert cut(None, 7) == "None"


def test_a_raw_alert_says_how_much_was_left_out() -> None:
    assert cut_and_count("abcdef", 4) == "abcd[cut: 2 more characters]"
    assert cut_and_count("abcd", 4) == "abcd"
    assert left_out(3, "entries") == "[cut: 3 more entries]"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "just now"), (60, "1 minute ago"), (7200, "2 hours ago"), (86_400, "1 day ago")],
)
def test_a_time_span_is_said_in_its_largest_unit(seconds: float, words: str) -> None:
    assert ago(seconds) == words
