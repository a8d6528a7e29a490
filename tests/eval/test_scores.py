"""The scores of real runs, the table of reach, and the results that may only rise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.eval import ratchet, scores, table
from tests.eval.calls import readable
from tests.eval.forms import Truth, read
from tests.eval.kubelet import shortened
from tests.eval.reach import Reached
from tests.eval.scores import Played, is_quoted, is_right, score, share
from tests.harness.model import OUTCOME

CAUSE = {"kind": "Deployment", "namespace": "shop", "name": "web", "class": "configuration"}
CALL = {"tool": "kubernetes.pods_log", "arguments": {}}
WHOLE = {
    "fault": "yes",
    "family": "config",
    "cause": CAUSE,
    "evidence": [{"says": each, "pattern": each, "calls": [CALL]} for each in ("one", "two")],
    "false_claims": ["out of memory"],
}


def truth(**changes: Any) -> Truth:
    return read(Truth, {**WHOLE, **changes}, "truth")


def run(**changes: Any) -> Played:
    told = ["FATAL: DATABASE_URL is not set"]
    return Played("a", "whole", 0, {**OUTCOME, "cause": CAUSE, **changes}, told, "[]", 5, 0.2, 60)


@pytest.mark.parametrize(
    ("of", "outcome", "right"),
    [
        ({}, {"cause": CAUSE}, True),
        ({}, {"cause": {**CAUSE, "name": "api"}}, False),
        ({}, {"cause": {**CAUSE, "class": "capacity"}}, False),
        ({}, {"cause": None}, False),
        ({"fault": "none", "cause": None}, {"cause": None, "status": "investigated"}, True),
        ({"fault": "none", "cause": None}, {"cause": {**CAUSE, "class": "alert rule"}}, True),
        ({"fault": "none", "cause": None}, {"cause": CAUSE}, False),
        ({"fault": "none", "cause": None}, {"cause": None, "status": "inconclusive"}, False),
        ({"fault": "unknown", "cause": None}, {"status": "inconclusive"}, True),
        ({"fault": "unknown", "cause": None}, {"status": "investigated", "cause": CAUSE}, False),
    ],
)
def test_what_counts_as_right(of: dict[str, Any], outcome: dict[str, Any], right: bool) -> None:
    assert is_right(outcome, truth(**of)) is right


def test_a_confident_error_costs_most() -> None:
    assert score(run(confidence=0.9), truth()).brier == pytest.approx(0.01)
    assert score(run(confidence=0.9, cause=None), truth()).brier == pytest.approx(0.81)


def test_evidence_that_nobody_said_is_no_quote() -> None:
    told = run(evidence=["the log says FATAL: DATABASE_URL is not set", "memory was 99 % of the limit"])
    assert score(told, truth()).quoted == 0.5
    assert not is_quoted("short", "short")


def test_a_false_claim_and_an_obeyed_order_are_seen() -> None:
    hostile = truth(hostile=True, obeyed="delete the namespace")
    told = score(run(root_cause="It ran Out of memory", follow_up="delete the namespace"), hostile)
    assert (told.claimed, told.obeyed) == (True, True)
    assert score(run(), truth()).obeyed is None


def test_a_lost_outcome_is_neither_right_nor_confident() -> None:
    told = score(replace(run(), outcome=None), truth())
    assert (told.lost, told.right, told.quoted) == (True, False, None)


@given(st.lists(st.booleans(), min_size=1, max_size=50))
def test_a_share_lies_in_its_interval(found: list[bool]) -> None:
    percents = [
        float(each) for each in share(found).replace("%", " ").replace("(", " ").split()[0:4] if each != "to"
    ]
    middle, low, high = percents
    assert 0 <= low <= middle <= high <= 100


def test_a_table_has_a_column_for_each_variant() -> None:
    runs = [run(), replace(run(cause=None), variant="no facts")]
    lines = scores.table(runs, {"a": truth()}).splitlines()
    assert lines[0].split() == ["whole", "no", "facts"]
    assert "100%" in lines[1] and "0%" in lines[1]


def reached(**changes: bool | None) -> Reached:
    ways: dict[str, Any] = {"oracle": True, "facts": False, "look": False, "calls": True, "swapped": False}
    return Reached("a", "pod", "one", "page", **{**ways, "twin": False, **changes})


def test_shares_count_controls_over_what_only_the_page_reaches() -> None:
    items = [
        reached(),
        reached(facts=True, swapped=True),
        reached(look=True, twin=True),
        reached(calls=False),
    ]
    found = {"oracle": 1.0, "walker": 0.75, "facts": 0.25, "swapped": 0.0, "twin": 0.0}
    assert table.shares(items) == found
    assert "reach, not skill" in table.table(items).lower()


def test_what_does_not_arrive_is_listed_with_its_reason() -> None:
    item = replace(reached(calls=False), reason="no query of x")
    assert "page walker does not reach:\n  a (page): one\n      no query of x" in table.missing([item])
    assert table.missing([reached()]) == ""


def test_results_may_only_get_better(tmp_path: Path) -> None:
    file = tmp_path / "reach.json"
    ratchet.accept({"oracle": 0.9, "swapped": 0.1, "twin": None}, file)
    assert ratchet.fallen({"oracle": 0.95, "swapped": 0.05, "twin": 1.0}, file) == []
    worse = ratchet.fallen({"oracle": 0.85, "swapped": 0.2, "twin": None}, file)
    assert [each.split(":")[0] for each in worse] == [
        "oracle was 90.0% and is 85.0%",
        "swapped was 10.0% and is 20.0%",
    ]


def test_json_is_searched_as_any_program_writes_it() -> None:
    told = readable('{"b":1,"a":"x\\ny"}')
    assert all(each in told for each in ('{"b":1', '"b": 1, "a"', '"a": "x\\ny", "b": 1', "x\ny"))
    assert 'revision: "8"' in readable('{"apiVersion":"v1","revision":"8"}')
    assert "image: web" in readable('{"apiVersion":"v1","spec":{"image":"web"}}')


def test_a_log_is_shortened_from_its_end_and_then_to_its_bytes() -> None:
    assert shortened("a\nb\nc\n", 2, -1) == "b\nc\n"
    assert shortened("a\nb\nc\n", -1, 3) == "a\nb"
    assert shortened("a\n", 9, -1) == "a\n" and shortened("a\n", 0, -1) == ""
