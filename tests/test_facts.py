from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from function import facts
from function.facts import KINDS, MAX_TEXT, Fact, Note, Run, ago, cut, fact
from function.model import to_json
from tests import world
from tests.fakes import NOW

SAMPLES = {each.kind: each for each in world.context(NOW).facts}
RUN: dict[str, Any] = asdict(world.crash(NOW))


def read(of: type, told: Any) -> Any:
    return TypeAdapter(of).validate_json(to_json(told))


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_what_one_side_says_the_other_reads_as_it_was(kind: str) -> None:
    said = SAMPLES[kind]
    assert to_json(asdict(read(Fact, asdict(said)))) == to_json(asdict(said))
    assert to_json(asdict(read(KINDS[kind], said.told))) == to_json(said.told)


def test_a_fact_names_its_kind_and_has_no_age_below_zero() -> None:
    assert fact(Note("a", "b"), "sample", -7.9) == Fact("note", "sample", 0, {"title": "a", "text": "b"})


@pytest.mark.parametrize(
    "changes",
    [
        {"at": "2026-13-01T00:00:00Z"},
        {"at": "2026-03-29 04:10:00Z"},
        {"at": "2026-03-29T04:10:00"},
        {"at": "1969-12-31T23:59:59Z"},
        {"confidence": 1.1},
        {"confidence": -0.1},
        {"confidence": "0.9"},
        {"status": "done"},
        {"verification": "perhaps"},
        {"session": ""},
        {"session": "x" * 257},
        {"action": "x" * 1001},
        {"resource_type": "pvc"},
        {"resource_id": "x" * 254},
        {"identity": "abc"},
        {"sudo": True},
    ],
    ids=str,
)
def test_what_is_no_run_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(Run, {**RUN, **changes})


@pytest.mark.parametrize("kind", ["", "k8s_pvc", "unknown_k8s_pvc", "ceph", "host", "instance"])
def test_a_run_is_about_what_an_alert_can_be_about(kind: str) -> None:
    assert read(Run, {**RUN, "resource_type": kind}).resource_type == kind


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (3600, "1 hour ago"),
        (86_399, "23 hours ago"),
        (86_400, "1 day ago"),
        (3 * 86_400, "3 days ago"),
    ],
)
def test_time_is_told_as_people_tell_it(seconds: float, told: str) -> None:
    assert ago(seconds) == told


def test_a_long_text_is_cut_and_the_cut_shows() -> None:
    assert cut("x" * MAX_TEXT) == "x" * MAX_TEXT
    assert len(cut("x" * (MAX_TEXT + 1))) == MAX_TEXT and cut("x" * 999).endswith("[cut]")
    assert cut(7) == "7"


def test_every_kind_has_a_name_of_its_own() -> None:
    assert {facts.NAMES[of]: of for of in facts.NAMES} == KINDS
