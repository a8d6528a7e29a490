from __future__ import annotations

from dataclasses import replace

from function.enrich import MAX_BYTES, MAX_ITEMS, enrich
from function.errors import Unavailable
from function.model import Facts, to_json
from tests.fakes import SAFE, WHOLE, FakeWorld, event


def told(items: list[dict[str, object]]) -> Facts:
    return enrich(event(), FakeWorld(replace(WHOLE, items=tuple(items))).context)


def test_no_source_is_a_gap_like_any_other() -> None:
    assert enrich(event(), None) == Facts(gaps=("no_source",))


def test_a_world_model_that_cannot_be_reached_is_a_gap() -> None:
    found = enrich(event(), FakeWorld(Unavailable("ffo_unreachable", "down")).context)
    assert (found.status, found.gaps) == ("missing", ("ffo_unreachable",))


def test_a_world_model_that_knows_nothing_is_a_gap_and_says_nothing_of_the_risk() -> None:
    found = told([])
    assert (found.status, found.gaps) == ("missing", ("nothing_known",))
    assert found.risk != SAFE


def test_what_is_known_is_passed_on_as_it_is() -> None:
    assert enrich(event(), FakeWorld().context) == WHOLE
    partial = replace(WHOLE, complete=False, gaps=("prometheus_down",))
    assert enrich(event(), FakeWorld(partial).context) == partial


def test_too_many_or_too_large_items_are_cut_and_the_cut_is_a_gap() -> None:
    many = told([{"n": n} for n in range(1000)])
    assert (len(many.items), many.status, many.gaps) == (MAX_ITEMS, "partial", ("cut",))
    large = told([{"x": "y" * 10_000}] * 10)
    assert sum(len(to_json(item)) for item in large.items) <= MAX_BYTES
