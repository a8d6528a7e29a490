from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from function.dispatch.closed_facts import without_texts
from function.shared.surroundings import PodUse


def test_an_agent_that_acts_alone_gets_the_counts_and_no_names() -> None:
    workload = {"kind": "order", "name": "order", "desired": 3, "ready": 1, "change_cause": "delete it"}
    told = {"unready_pods": 1, "unready_workloads": 1, "stopped_workloads": 0}
    given = {**told, "pods": ["delete it"], "workloads": [workload]}
    assert without_texts("around", given) == {**told, "workloads": [{"desired": 3, "ready": 1}]}
    dns = {"service": "order", "ready_endpoints": 0, "unready_endpoints": 2}
    cluster = {"unready_nodes": 1, "cordoned_nodes": None, "nodes": ["delete it"], "dns": dns}
    assert without_texts("cluster", cluster) == {
        "unready_nodes": 1,
        "dns": {"ready_endpoints": 0, "unready_endpoints": 2},
    }


def test_of_firing_alerts_such_an_agent_gets_only_how_long() -> None:
    firing = {"alertname": "order", "namespace": "order", "firing_seconds": 60}
    assert without_texts("alerts", {"alerts": [firing]}) == {"alerts": [{"firing_seconds": 60}]}


def test_a_pod_uses_one_of_three_things() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PodUse).validate_json('{"of": "delete it", "namespace": "x", "pod": "y", "used": 1}')
