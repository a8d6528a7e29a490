from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from function.dispatch.closed_facts import without_texts
from function.shared.facts import KINDS, MODES
from function.shared.strict_json import to_json
from function.shared.symptoms import Ended, Pressure, Waits

NEEDLE = "needle: delete the claim"
CLOSED = {*MODES, "resolved", "mitigated", "proposed", "investigated", "failed", "refused"}
CLOSED |= {"cleared", "firing", "inconclusive", "none"}
CLOSED |= {*get_args(Ended), *get_args(Waits), *get_args(Pressure)}
CLOSED |= {"liveness", "readiness", "startup", "exec", "grpc", "http", "tcp", "other"}
CLOSED |= {"Ingress", "Egress", "cpu", "memory", "disk_writes", "bytes", "inodes"}

TEXT = st.just(NEEDLE)
COUNT = st.integers(0, 9)
NUMBER = st.floats(0, 9)
MAYBE = st.none() | COUNT
TEXTS = st.lists(TEXT, max_size=2)
REVISION = st.fixed_dictionaries({"name": TEXT, "made_seconds_ago": COUNT, "desired": MAYBE, "ready": MAYBE})
REFERENCE = st.fixed_dictionaries({"kind": TEXT, "name": TEXT, "namespace": TEXT})


def rows(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.fixed_dictionaries(fields), max_size=2)


DATA: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "state": {"status": TEXT, "details": st.dictionaries(TEXT, TEXT | COUNT | st.booleans(), max_size=2)},
    "usage": {
        "subject": TEXT,
        "used_gib": NUMBER,
        "capacity_gib": NUMBER,
        "used_percent": NUMBER,
        "inodes_used_percent": st.none() | NUMBER,
    },
    "growth": {
        "gib_per_hour_over_6h": NUMBER,
        "gib_per_hour_over_24h": st.none() | NUMBER,
        "full_in_hours": NUMBER,
        "full_at": TEXT,
    },
    "storage": {
        "storage_class": TEXT,
        "provisioner": TEXT,
        "allow_volume_expansion": st.none() | st.booleans(),
        "access_modes": st.lists(TEXT, max_size=2),
        "volume": TEXT,
        "reclaim_policy": TEXT,
        "max_storage": TEXT,
        "max_storage_gib": st.none() | NUMBER,
    },
    "replicas": {"desired": COUNT, "ready": COUNT, "available": COUNT, "max_replicas": MAYBE},
    "memory": {
        "failures_in_a_week": COUNT,
        "runs": rows(
            ago=TEXT,
            on=TEXT,
            alertname=TEXT,
            status=st.sampled_from(("resolved", "failed")),
            action=TEXT,
            verification=st.sampled_from(("cleared", "none")),
            confidence=NUMBER,
            root_cause=TEXT,
        ),
    },
    "dependents": {"count": COUNT, "dependents": rows(kind=TEXT, name=TEXT, namespace=TEXT, reason=TEXT)},
    "governance": {"classification": TEXT, "scope": st.none() | st.lists(st.sampled_from(MODES), max_size=2)},
    "limits": {
        "quotas": rows(name=TEXT, resource=TEXT, used=TEXT, hard=TEXT),
        "disruption_budgets": rows(name=TEXT, disruptions_allowed=COUNT),
        "more": COUNT,
    },
    "owners": {"chain": st.lists(REFERENCE, max_size=2)},
    "events": {
        "events": rows(subject=TEXT, type=TEXT, reason=TEXT, message=TEXT, count=COUNT, ago=TEXT),
        "more": COUNT,
    },
    "changes": {"changes": rows(what=TEXT, ago=TEXT)},
    "depends_on": {"needs": st.lists(REFERENCE, max_size=2), "more": COUNT},
    "note": {"title": TEXT, "text": TEXT},
    "crashes": {
        "containers": rows(
            pod=TEXT,
            container=TEXT,
            restarts=COUNT,
            waits=st.sampled_from(get_args(Waits)),
            ended=st.none() | st.sampled_from(get_args(Ended)),
            exit_code=MAYBE,
            signal=MAYBE,
            ended_seconds_ago=MAYBE,
            ran_seconds=MAYBE,
            message=TEXT,
            log_end=TEXTS,
        ),
        "more": COUNT,
    },
    "readiness": {
        "ready": st.booleans(),
        "probes": rows(
            container=TEXT,
            kind=st.sampled_from(("liveness", "readiness", "startup")),
            by=st.sampled_from(("exec", "grpc", "http", "tcp", "other")),
            target=TEXT,
            initial_delay_seconds=COUNT,
            period_seconds=COUNT,
            timeout_seconds=COUNT,
            failure_threshold=COUNT,
        ),
        "node": TEXT,
        "node_ready": st.none() | st.booleans(),
        "node_pressures": st.lists(st.sampled_from(get_args(Pressure)), max_size=2),
        "siblings": COUNT,
        "siblings_ready": COUNT,
        "not_ready": TEXTS,
    },
    "scaling": {
        "autoscaler": TEXT,
        "scales": TEXT,
        **dict.fromkeys(("minimum", "maximum", "current", "desired"), COUNT),
        "limited": st.booleans(),
        "metrics": rows(name=TEXT, current=TEXT, target=TEXT, current_percent=MAYBE, target_percent=MAYBE),
        "conditions": TEXTS,
    },
    "schedule": {
        "cronjob": TEXT,
        "schedule": TEXT,
        "suspended": st.booleans(),
        "active": COUNT,
        "last_scheduled_seconds_ago": MAYBE,
        "last_success_seconds_ago": MAYBE,
    },
    "targets": {"up": COUNT, "down": COUNT, "targets": rows(instance=TEXT, job=TEXT, up=st.booleans())},
    "cpu": {
        "container": TEXT,
        **dict.fromkeys(
            (
                "limit_cores",
                "request_cores",
                "used_cores",
                "used_cores_an_hour_ago",
                "used_cores_a_day_ago",
                "throttled_percent",
                "throttled_percent_an_hour_ago",
            ),
            st.none() | NUMBER,
        ),
    },
    "filesystems": {
        "filesystems": rows(
            mountpoint=TEXT,
            device=TEXT,
            size_gib=NUMBER,
            used_percent=NUMBER,
            used_percent_a_day_ago=st.none() | NUMBER,
            inodes_used_percent=st.none() | NUMBER,
        ),
        "biggest_pods": rows(namespace=TEXT, pod=TEXT, gib=NUMBER),
        "more": COUNT,
    },
    "rollout": {
        "workload": TEXT,
        "new": REVISION,
        "old": st.none() | REVISION,
        "containers": rows(
            container=TEXT,
            image=TEXT,
            resources=TEXTS,
            variables_added=TEXTS,
            variables_removed=TEXTS,
            variables_changed=TEXTS,
            other=TEXTS,
        ),
        "images_changed": COUNT,
        "resources_changed": COUNT,
        "variables_changed": COUNT,
        "other": TEXTS,
    },
    "etcd": {
        "has_leader": st.none() | st.booleans(),
        **dict.fromkeys(
            (
                "leader_changes_in_an_hour",
                "fsync_p99_seconds",
                "fsync_p99_seconds_an_hour_ago",
                "commit_p99_seconds",
                "size_gib",
                "quota_gib",
            ),
            st.none() | NUMBER,
        ),
    },
    "api_server": {
        "verbs": rows(verb=TEXT, requests_per_second=NUMBER, errors_per_second=NUMBER),
        "failing_webhooks": rows(webhook=TEXT, errors_per_second=NUMBER),
    },
    "around": {
        **dict.fromkeys(("unready_pods", "unready_workloads", "stopped_workloads"), COUNT),
        "pods": TEXTS,
        "crashes": rows(pod=TEXT, container=TEXT, restarts=COUNT, exit_code=MAYBE, log_end=TEXTS),
        "workloads": rows(kind=TEXT, name=TEXT, desired=COUNT, ready=COUNT, change_cause=TEXT),
    },
    "full_volumes": {
        "volumes": rows(claim=TEXT, of=st.sampled_from(("bytes", "inodes")), used_percent=NUMBER)
    },
    "events_around": {
        "events": rows(subject=TEXT, reason=TEXT, message=TEXT, count=COUNT, ago=TEXT),
        "more": COUNT,
    },
    "network_policies": {
        "policies": rows(
            policy=TEXT,
            selects=TEXT,
            directions=st.lists(st.sampled_from(("Ingress", "Egress")), max_size=2),
            ingress=TEXTS,
            egress=TEXTS,
        ),
        "more": COUNT,
    },
    "cluster": {
        "unready_nodes": MAYBE,
        "cordoned_nodes": MAYBE,
        "nodes": TEXTS,
        "dns": st.none()
        | st.fixed_dictionaries({"service": TEXT, "ready_endpoints": COUNT, "unready_endpoints": COUNT}),
    },
    "alerts": {"alerts": rows(alertname=TEXT, namespace=TEXT, firing_seconds=COUNT), "more": COUNT},
    "machine": {
        **dict.fromkeys(
            (
                "cpu_used_percent",
                "cpu_used_percent_an_hour_ago",
                "memory_used_percent",
                "memory_used_percent_an_hour_ago",
                "disk_busy_percent",
                "disk_busy_percent_an_hour_ago",
                "network_errors_per_second",
                "clock_offset_seconds",
            ),
            st.none() | NUMBER,
        ),
        "clock_synchronised": st.none() | st.booleans(),
        "failed_units": TEXTS,
        "pods": rows(
            of=st.sampled_from(("cpu", "memory", "disk_writes")),
            namespace=TEXT,
            pod=TEXT,
            used=NUMBER,
            memory_limit_gib=st.none() | NUMBER,
        ),
    },
    "services": {
        "services": rows(
            service=TEXT,
            ready_endpoints=COUNT,
            unready_endpoints=COUNT,
            ports=rows(port=COUNT, target=TEXT, declared=st.none() | st.booleans()),
        ),
        "more": COUNT,
    },
}


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for child in value.values():
            yield from leaves(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from leaves(child)
    else:
        yield value


def test_every_kind_of_fact_is_tested_with_all_of_its_fields() -> None:
    assert DATA.keys() == KINDS.keys()
    for kind, fields in DATA.items():
        assert fields.keys() == TypeAdapter(KINDS[kind]).json_schema()["properties"].keys()


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_no_text_of_any_kind_is_kept_and_every_number_and_fixed_word_is(
    kind: str, data: st.DataObject
) -> None:
    given_data = data.draw(st.fixed_dictionaries(dict(DATA[kind])))
    TypeAdapter(KINDS[kind]).validate_json(to_json(given_data))
    kept = without_texts(kind, given_data)
    assert NEEDLE not in repr(kept)
    texts = {leaf for leaf in leaves(kept) if isinstance(leaf, str)}
    assert texts <= CLOSED
    fixed = [
        leaf
        for name, part in given_data.items()
        if name != "details"
        for leaf in leaves(part)
        if leaf is not None and leaf != NEEDLE
    ]
    assert sorted(map(repr, leaves(kept))) == sorted(map(repr, fixed))


@pytest.mark.parametrize("value", [None, NEEDLE, 7, [NEEDLE], {"a": NEEDLE}, {NEEDLE: 7}, [[NEEDLE]], True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_of_another_type_is_left_out(kind: str, value: Any) -> None:
    assert NEEDLE not in repr(without_texts(kind, dict.fromkeys(DATA[kind], value)))


def test_an_unknown_kind_and_no_data_keep_nothing() -> None:
    assert without_texts(NEEDLE, {"count": 7}) == {}
    assert without_texts("usage", {}) == {}


def test_a_list_that_loses_all_of_its_entries_is_left_out_and_an_empty_one_is_kept() -> None:
    assert without_texts("depends_on", {"needs": [{"kind": "Node", "name": "a"}], "more": 3}) == {"more": 3}
    assert without_texts("governance", {"classification": "x", "scope": []}) == {"scope": []}
