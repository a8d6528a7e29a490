from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from function.dispatch.batches import (
    BATCH_CHARACTERS,
    MAX_LONG_CHARACTERS,
    MAX_LONG_WORDS,
    batches,
    bounded,
    is_long,
    size,
)
from function.dispatch.model import DeadLetter
from function.dispatch.normalize import MAX_WORDS
from function.dispatch.ports import BATCH
from function.shared.event import SREEvent
from tests.harness.fakes import event
from tests.harness.storms import alerts, of

ITEMS = st.lists(
    st.tuples(st.sampled_from("abcdefghijkl"), st.integers(0, BATCH_CHARACTERS + 9)), max_size=40
)


@given(ITEMS)
def test_batches_keep_all_items_in_order_and_no_batch_is_too_large(items: list[tuple[str, int]]) -> None:
    made = [*batches(items, lambda item: item[0], lambda item: item[1])]
    assert [item for batch in made for item in batch] == items
    for batch in made:
        assert len(batch) <= BATCH
        assert len({key for key, _ in batch}) == len(batch)
        assert len(batch) == 1 or sum(length for _, length in batch) <= BATCH_CHARACTERS


def test_a_batch_of_usual_alerts_is_full() -> None:
    usual = [replace(alert, raw_payload=event().raw_payload) for alert in alerts(BATCH)]
    assert len([*batches(usual, lambda alert: alert.identity, size)]) == 1


def test_a_batch_has_no_more_words_than_one_look_may_have() -> None:
    assert BATCH_CHARACTERS // 2 <= MAX_WORDS


def long(number: int, words: int, **changes: Any) -> SREEvent:
    """An alert that begins with distinct words, and is long."""
    text = ". ".join(f"w{number}x{word}" for word in range(words))
    filled = text + " " + "x" * BATCH_CHARACTERS
    return replace(alerts(1, start=number)[0], raw_payload={"note": filled}, **changes)


def codes(*members: SREEvent) -> list[str]:
    return [alert.code if isinstance(alert, DeadLetter) else "" for alert in bounded(of(*members)).alerts]


def test_long_alerts_are_evaluated_until_their_words_are_used_up() -> None:
    many = [long(number, MAX_LONG_WORDS // 4) for number in range(6)]
    assert codes(*many) == [""] * 3 + ["too_many_words"] * 3


def test_no_more_words_are_counted_after_the_limit_for_characters() -> None:
    wide = [
        replace(long(number, 1), raw_payload={"note": "x" * (MAX_LONG_CHARACTERS // 2)})
        for number in range(3)
    ]
    assert codes(*wide) == ["", "too_many_words", "too_many_words"]


@given(st.lists(st.booleans(), max_size=30))
def test_a_long_alert_never_costs_a_short_one_its_place(kinds: list[bool]) -> None:
    members = [long(n, MAX_LONG_WORDS // 2) if is_ else alerts(1, start=n)[0] for n, is_ in enumerate(kinds)]
    for before, after in zip(members, bounded(of(*members)).alerts, strict=True):
        assert is_long(before) or after is before


def test_a_resolved_alert_may_be_as_long_as_it_likes() -> None:
    over = [long(number, MAX_LONG_WORDS, status="resolved") for number in range(3)]
    assert codes(*over) == [""] * 3
