from __future__ import annotations

from collections.abc import Callable, Sequence

from function.enrich import MAX_BYTES, MAX_ITEMS, enrich
from function.errors import Unavailable
from function.model import Facts, Json, SREEvent, to_json
from tests.fakes import FakeWorld, event


def told(items: Sequence[Json] | Exception) -> Callable[[SREEvent], Sequence[Json]]:
    return FakeWorld(items).facts


def test_no_source_is_a_gap_like_any_other() -> None:
    assert enrich(event(), None) == Facts(gaps=("no_source",))


def test_a_world_model_that_cannot_be_reached_is_a_gap() -> None:
    found = enrich(event(), told(Unavailable("ffo_unreachable", "down")))
    assert (found.status, found.gaps) == ("missing", ("ffo_unreachable",))


def test_a_world_model_that_knows_nothing_is_a_gap() -> None:
    assert enrich(event(), told([])).gaps == ("nothing_known",)


def test_what_is_known_is_complete() -> None:
    found = enrich(event(), told([{"capacity": 20}]))
    assert (found.status, found.gaps, found.items) == ("complete", (), ({"capacity": 20},))


def test_too_many_or_too_large_items_are_cut_and_the_cut_is_a_gap() -> None:
    many = enrich(event(), told([{"n": n} for n in range(1000)]))
    assert (len(many.items), many.status, many.gaps) == (MAX_ITEMS, "partial", ("cut",))
    large = enrich(event(), told([{"x": "y" * 10_000}] * 10))
    assert sum(len(to_json(item)) for item in large.items) <= MAX_BYTES
