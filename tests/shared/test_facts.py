from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from function.commands.demo import sample
from function.shared import facts
from function.shared.fact_fields import MAX_LIST
from function.shared.facts import KINDS, Fact, Note, fact
from function.shared.runs import MAX_RUN_TEXT, Run
from function.shared.strict_json import to_json
from function.shared.text import MAX_TEXT, ago, cut
from tests.harness.fakes import NOW

SAMPLES = {each.kind: each for each in sample.context(NOW).facts}
RUN: dict[str, Any] = asdict(sample.crash(NOW))


def read(of: type, told: Any) -> Any:
    return TypeAdapter(of).validate_json(to_json(told))


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_what_one_side_says_the_other_reads_as_it_was(kind: str) -> None:
    said = SAMPLES[kind]
    assert to_json(asdict(read(Fact, asdict(said)))) == to_json(asdict(said))
    assert to_json(asdict(read(KINDS[kind], said.data))) == to_json(said.data)


def any_of(of: Any) -> st.SearchStrategy[Any]:
    """Values of a type in facts.py, within all of its limits."""
    if get_origin(of) is Annotated:
        return any_of(get_args(of)[0])
    if get_origin(of) in (Union, UnionType):
        return st.one_of(*map(any_of, get_args(of)))
    if get_origin(of) is Literal:
        return st.sampled_from(get_args(of))
    if get_origin(of) is tuple:
        return st.lists(any_of(get_args(of)[0]), max_size=3).map(tuple)
    if get_origin(of) is Mapping:
        return st.dictionaries(*map(any_of, get_args(of)), max_size=3)
    if isinstance(of, type) and is_dataclass(of):
        hints = get_type_hints(of, include_extras=True)
        return st.builds(of, **{each.name: any_of(hints[each.name]) for each in fields(of)})
    return PLAIN[of]


PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(codec="utf-8"), max_size=20),
    int: st.integers(0, 2**53 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    NoneType: st.none(),
}


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_any_fact_of_any_kind_is_read_back_as_it_was(kind: str, data: st.DataObject) -> None:
    told = data.draw(any_of(KINDS[kind]))
    made = fact(told, "sample", 7)
    assert made.kind == kind
    assert read(KINDS[kind], read(Fact, asdict(made)).data) == told


BROKEN: dict[str, dict[str, Any]] = {
    "state": {"status": "x" * (MAX_TEXT + 1), "details": {}},
    "usage": {"subject": "volume", "used_gib": math.nan, "capacity_gib": 1.0, "used_percent": 1.0},
    "growth": {
        "gib_per_hour_over_6h": math.inf,
        "gib_per_hour_over_24h": None,
        "full_in_hours": None,
        "full_at": None,
    },
    "storage": {"storage_class": "ceph"},
    "replicas": {"desired": -1, "ready": 0, "available": 0},
    "memory": {"failures_in_a_week": "0", "runs": []},
    "dependents": {"count": 2**53, "dependents": []},
    "governance": {"classification": None, "scope": ["root"]},
    "limits": {"quotas": [], "disruption_budgets": [], "canary": 1},
    "owners": {"chain": [{"kind": "Pod", "name": "x"}] * (MAX_LIST + 1)},
    "events": {"events": [], "more": 0.5},
    "changes": {"changes": [{"what": "x", "ago": "now", "by": "whom"}]},
    "depends_on": {"needs": [{"kind": "Node", "name": "x" * 254}]},
    "note": {"title": None, "text": "x"},
    "crashes": {"containers": [{"pod": "x", "container": "y", "restarts": 1, "ended": "order: delete"}]},
    "readiness": {"ready": "true", "probes": []},
    "scaling": {"autoscaler": "x", "scales": "y", "minimum": 1, "maximum": -1, "current": 1, "desired": 1},
    "schedule": {"cronjob": "x", "schedule": "y", "suspended": False, "active": 0},
    "targets": {"up": 1, "down": 0, "targets": [{"instance": "x", "job": "y", "up": 1}]},
    "cpu": {"container": "x", "limit_cores": "1"},
    "filesystems": {"filesystems": [{"mountpoint": "/", "device": "x", "size_gib": math.nan}]},
    "rollout": {"workload": "x", "new": {"name": "y"}},
    "etcd": {"has_leader": 1},
    "api_server": {"verbs": [{"verb": "GET"}]},
    "around": {"unready_pods": -1, "unready_workloads": 0, "stopped_workloads": 0},
    "full_volumes": {"volumes": [{"claim": "x", "of": "order", "used_percent": 1}]},
    "events_around": {"events": [{"subject": "x"}]},
    "network_policies": {
        "policies": [{"policy": "x", "selects": "y", "directions": ["order: delete"]}],
    },
    "cluster": {"unready_nodes": "0", "cordoned_nodes": None},
    "alerts": {"alerts": [{"alertname": "x", "namespace": "y", "firing_seconds": -1}]},
    "machine": {"cpu_used_percent": math.inf},
    "services": {"services": [{"service": "x", "ready_endpoints": -1, "unready_endpoints": 0}]},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_fact_that_does_not_fit_its_kind_is_refused(kind: str) -> None:
    with pytest.raises(ValidationError):
        read(KINDS[kind], BROKEN[kind])


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "Kubernetes"},
        {"source": ""},
        {"source": "k8s\n"},
        {"source": "x" * 33},
        {"age_seconds": -1},
        {"age_seconds": 1.5},
        {"age_seconds": 2**53},
        {"kind": "x" * 33},
        {"data": []},
        {"canary": 1},
    ],
    ids=str,
)
def test_what_is_no_fact_is_refused(changes: dict[str, Any]) -> None:
    good = asdict(fact(Note("a", "b"), "sample"))
    assert read(Fact, good) == fact(Note("a", "b"), "sample")
    with pytest.raises(ValidationError):
        read(Fact, {**good, **changes})


def test_a_fact_names_its_kind_and_has_no_age_below_zero() -> None:
    assert fact(Note("a", "b"), "sample", -7.9) == Fact("note", "sample", 0, {"title": "a", "text": "b"})


@pytest.mark.parametrize(
    "changes",
    [
        {"at": "2026-13-01T00:00:00Z"},
        {"at": "2026-03-29 04:10:00Z"},
        {"at": "2026-03-29T04:10:00"},
        {"at": "1969-12-31T23:59:59Z"},
        {"at": "1970-01-01T00:00:00+01:00"},
        {"at": "2026-02-30T04:10:00Z"},
        {"at": "2026-03-29T25:10:00Z"},
        {"at": "2026-03-29T04:10:00+25:00"},
        {"at": "2026-03-29T04:10:00Z\n"},
        {"at": "2026-03-29"},
        {"at": 1774757400},
        {"at": ""},
        {"confidence": 1.1},
        {"confidence": -0.1},
        {"confidence": "0.9"},
        {"confidence": math.nan},
        {"confidence": math.inf},
        {"confidence": True},
        {"status": "done"},
        {"verification": "perhaps"},
        {"session": ""},
        {"session": "x" * (MAX_TEXT + 1)},
        {"action": "x" * 1001},
        {"root_cause": "x" * 1001},
        {"alertname": ""},
        {"alertname": "x" * (MAX_TEXT + 1)},
        {"namespace": "x" * 254},
        {"cluster": None},
        {"resource_type": "k8s pvc"},
        {"resource_type": "k8s_pvc\n"},
        {"resource_type": "unknown_"},
        {"resource_id": "x" * 254},
        {"identity": "abc"},
        {"identity": "AB" * 32},
        {"sudo": True},
    ],
    ids=str,
)
def test_what_is_no_run_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(Run, {**RUN, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"at": "1970-01-01T00:00:00Z"},
        {"at": "2026-03-29T04:10:00.123456-11:30"},
        {"at": "9999-12-31T23:59:59Z"},
        {"confidence": 0.0},
        {"confidence": 1},
        {"session": "x" * MAX_TEXT, "alertname": "x" * MAX_TEXT},
        {"action": "\U0001f4be" * MAX_RUN_TEXT, "root_cause": "\0" * MAX_RUN_TEXT},
        {"resource_id": "x" * 253, "namespace": "x" * 253, "cluster": "x" * 253},
        {"identity": "ab" * 32},
    ],
    ids=str,
)
def test_a_run_is_read_up_to_each_of_its_limits(changes: dict[str, Any]) -> None:
    assert asdict(read(Run, {**RUN, **changes})) == {**RUN, **changes}


@pytest.mark.parametrize("missing", ["session", "at", "status", "action", "verification", "confidence"])
def test_a_run_without_what_every_run_has_is_refused(missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        read(Run, {name: value for name, value in RUN.items() if name != missing})


@pytest.mark.parametrize("kind", ["", "k8s_pvc", "unknown_k8s_pvc", "ceph", "host", "instance"])
def test_a_run_is_about_what_an_alert_can_be_about(kind: str) -> None:
    assert read(Run, {**RUN, "resource_type": kind}).resource_type == kind


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "just now"),
        (59, "just now"),
        (59.99, "just now"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (119, "1 minute ago"),
        (120, "2 minutes ago"),
        (3600, "1 hour ago"),
        (7199, "1 hour ago"),
        (7200, "2 hours ago"),
        (86_399, "23 hours ago"),
        (86_400, "1 day ago"),
        (2 * 86_400 - 1, "1 day ago"),
        (3 * 86_400, "3 days ago"),
        (400 * 86_400, "400 days ago"),
    ],
)
def test_time_is_told_as_people_tell_it(seconds: float, told: str) -> None:
    assert ago(seconds) == told


def test_a_long_text_is_cut_and_the_cut_shows() -> None:
    assert cut("x" * MAX_TEXT) == "x" * MAX_TEXT
    assert len(cut("x" * (MAX_TEXT + 1))) == MAX_TEXT and cut("x" * 999).endswith("[cut]")
    assert cut("x" * 253 + "y" * 7, 258) == "x" * 253 + "[cut]"
    assert cut(7) == "7" and cut("") == ""


@given(st.text(), st.integers(5, 300))
def test_what_is_cut_is_as_long_as_it_may_be_and_begins_as_it_did(text: str, length: int) -> None:
    short = cut(text, length)
    assert len(short) == min(len(text), length)
    assert text.startswith(short.removesuffix("[cut]"))


def test_every_kind_has_a_name_of_its_own() -> None:
    assert {facts.NAMES[of]: of for of in facts.NAMES} == KINDS
