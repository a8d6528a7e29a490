from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner.credentials import kept, matches, read_rules, token_pattern
from tests.harness.credentials import EVERYDAY, HONEST, NAMED, SHAPES


def test_the_rules_are_data_that_cannot_be_slow() -> None:
    """A beginning, one class of characters, and a least number: an attempt ends after so many characters."""
    rules = [(name, *row) for table in read_rules().values() for name, row in table.items()]
    assert len(rules) > 100
    for name, begins, letters, least in rules:
        assert re.fullmatch(r"[\w.~/=-]{2,40}", begins, re.ASCII), name
        assert re.fullmatch(r"(?:A-Z|A-F|a-z|a-f|0-9|[+/=_.:@]){1,9}-?", letters), name
        assert 10 <= least <= 128 and len(begins) + least >= 14, name
        assert len(token_pattern({"": {"": [begins, letters, least]}})) < 80, name


@pytest.mark.parametrize("name", [name for table in read_rules().values() for name in table])
def test_each_rule_finds_a_token_that_it_describes_and_no_shorter_one(name: str) -> None:
    begins, letters, least = next(table[name] for table in read_rules().values() if name in table)
    letter = next(each for each in "0A-a" if re.fullmatch(f"[{letters}]", each))
    assert [each[0] for each in matches(f"x {begins}{letter * least} x")] == [f"{begins}{letter * least}"]
    assert not [*matches(f"x {begins}{letter * (least // 2)} x")]


def test_the_part_that_tells_what_it_is_is_kept_and_begins_the_match() -> None:
    for told in (*EVERYDAY, *SHAPES.values(), *(form.format("hunter2hunter2") for form in NAMED)):
        found = [*matches(told)]
        assert found and all(each[0].startswith(kept(each)) and kept(each) != each[0] for each in found)


@given(st.lists(st.sampled_from(HONEST.split()), max_size=30))
def test_honest_words_in_any_order_have_the_shape_of_no_token(words: list[str]) -> None:
    tokens = re.compile(token_pattern(read_rules()))
    assert not tokens.search(" ".join(words))
