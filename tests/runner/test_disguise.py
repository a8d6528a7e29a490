from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner.disguise import MAX_DEPTH, replace_encoded, without_unseen
from tests.harness.credentials import wrapped

NEEDLE = "the needle in the haystack"


def has_needle(text: str) -> bool:
    return NEEDLE in text


def found(text: str) -> str:
    return replace_encoded(text, has_needle, "!")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_piece_is_replaced_as_a_whole_and_nothing_around_it() -> None:
    assert found(f"a: {encoded(NEEDLE)}, b: {quote(NEEDLE)} c") == "a: !, b: ! c"
    assert found(f"a\n{wrapped(NEEDLE * 9)}\nb c") == "a\n!\nb c"
    assert found(f"a {base64.urlsafe_b64encode(f'???>>>{NEEDLE}'.encode()).decode()} b") == "a ! b"


@pytest.mark.parametrize("by", [encoded, lambda text: quote(text, safe="")])
def test_two_encodings_are_removed_and_no_more(by: object) -> None:
    told = NEEDLE
    for _ in range(MAX_DEPTH):
        told = by(told)  # type: ignore[operator]
        assert found(told) == "!"
    assert found(by(told)) == by(told)  # type: ignore[operator]


def test_what_encodes_no_text_is_left_as_it_is() -> None:
    for told in ("0123456789abcdef" * 4, "/var/lib/kubelet/pods/volumes", "%zz %f", "a" * 17, "=" * 20):
        assert found(told) == told


def test_the_end_of_a_piece_that_was_cut_hides_nothing() -> None:
    whole = encoded(NEEDLE + " and more of it")
    assert {found(whole[:length]) for length in range(37, len(whole))} == {"!"}


@given(st.text(max_size=200))
def test_only_what_shows_nothing_is_removed(text: str) -> None:
    plain = without_unseen(text)
    assert without_unseen(plain) == plain
    assert [each for each in text if each.isprintable() and each.isascii()] == [
        each for each in plain if each.isprintable() and each.isascii()
    ]


@given(st.text(max_size=200), st.integers(0, 3))
def test_a_text_without_the_needle_stays_in_any_encoding(text: str, depth: int) -> None:
    for _ in range(depth):
        text = encoded(text)
    assert found(text) == text


@given(st.text(alphabet="abc %\n:=/", max_size=40), st.text(alphabet="abc %\n:/", max_size=40), st.booleans())
def test_the_needle_is_found_between_any_words(before: str, after: str, by_percent: bool) -> None:
    told = quote(NEEDLE, safe="") if by_percent else encoded(NEEDLE)
    assert told not in found(f"{before} {told} {after}")


def test_the_work_grows_with_the_length_alone() -> None:
    """Counted in characters that are looked at, and not in time."""
    looked: list[int] = []

    def look(text: str) -> bool:
        looked.append(len(text))
        return False

    def work(text: str) -> int:
        looked.clear()
        replace_encoded(text, look, "!")
        return sum(looked)

    for part in (
        encoded("some words of no meaning "),
        quote("some words? "),
        "%25" * 9 + " ",
        wrapped("a" * 99),
    ):
        once, often = work(f"{part} " * 10), work(f"{part} " * 100)
        assert often <= 11 * once + 100 and often <= 4 * len(f"{part} " * 100)
