"""An agent's pod is evicted. There is no node, so the test writes the pod's status in the kubelet's place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.system import System, firing, webhook
from tests.harness.components import wait_until
from tests.harness.manifests import JOBS, PODS

MERGE = {"Content-Type": "application/merge-patch+json"}
EVICTED = {
    "phase": "Failed",
    "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}],
}

pytestmark = pytest.mark.usefixtures("controllers")


def pods(system: System) -> list[Any]:
    return list(system.admin.get(PODS).raise_for_status().json()["items"])


def evict(system: System) -> str:
    """Evict the only pod. Returns its name."""
    wait_until(lambda: len(pods(system)) == 1, "the Job's pod")
    name: str = pods(system)[0]["metadata"]["name"]
    path = f"{PODS}/{name}/status"
    system.admin.patch(path, json={"status": EVICTED}, headers=MERGE).raise_for_status()
    return name


def has_failed(system: System) -> bool:
    (job,) = system.admin.get(JOBS).json()["items"]
    conditions = job["status"].get("conditions", [])
    return any(each["type"] == "Failed" and each["status"] == "True" for each in conditions)


def test_an_agent_that_may_have_changed_something_is_not_started_again(system: System) -> None:
    body = webhook(firing("typedb-data"))
    system.send_until_done(body)
    evict(system)
    wait_until(lambda: has_failed(system), "the Job to fail")
    assert len(pods(system)) == 1
    assert system.send_until_done(body) == {"held": 1}
    assert system.notices() == ["AlertHeld"]


def test_an_agent_that_only_reads_is_started_again(system: System) -> None:
    body = webhook(firing("typedb-data", "critical"))
    system.send_until_done(body)
    first = evict(system)

    def is_replaced() -> bool:
        return any(pod["metadata"]["name"] != first for pod in pods(system))

    wait_until(is_replaced, "another pod")
    assert not has_failed(system)
    assert system.send_until_done(body) == {"duplicate": 1}
