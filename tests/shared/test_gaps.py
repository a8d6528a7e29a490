from __future__ import annotations

import pytest

from function.shared.gaps import GAPS, WORDS, in_words


def test_every_gap_is_a_plain_constant() -> None:
    assert all(gap.replace("_", "").isalpha() and gap.islower() for gap in GAPS)


@pytest.mark.parametrize("gap", sorted(GAPS))
def test_every_gap_has_words_that_are_no_code(gap: str) -> None:
    (words,) = in_words([gap])
    assert " " in words and "_" not in words


def test_no_two_gaps_have_the_same_words() -> None:
    assert len(set(WORDS.values())) == len(GAPS)


def test_a_gap_that_is_not_known_is_not_repeated() -> None:
    assert in_words(["<order>", "stale", "stale"]) == [WORDS["other"], WORDS["stale"]]
