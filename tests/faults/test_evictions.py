"""An agent's pod is evicted. There is no node, so the test writes the pod's status in the kubelet's place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.system import System, events, firing, webhook
from tests.harness.components import wait_until
from tests.harness.manifests import JOBS, PODS

MERGE = {"Content-Type": "application/merge-patch+json"}
EVICTED = {
    "phase": "Failed",
    "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}],
}

pytestmark = pytest.mark.usefixtures("controllers")


READS = webhook(firing("evicted-while-reading", "critical"))
PROPOSES = webhook(firing("evicted-while-proposing"))
"""No other test has Jobs of these names. The Job controller may still wait before it acts on a name again."""


def job(body: Any) -> str:
    """Returns the name of the delivery's Job."""
    (event,) = events(body)
    return event.job


def pods(system: System, body: Any) -> list[Any]:
    chosen = {"labelSelector": f"batch.kubernetes.io/job-name={job(body)}"}
    return list(system.admin.get(PODS, params=chosen).raise_for_status().json()["items"])


def evict(system: System, body: Any) -> str:
    """Evict the only pod. Returns its name."""
    wait_until(lambda: len(pods(system, body)) == 1, "the Job's pod")
    name: str = pods(system, body)[0]["metadata"]["name"]
    path = f"{PODS}/{name}/status"
    system.admin.patch(path, json={"status": EVICTED}, headers=MERGE).raise_for_status()
    return name


def has_failed(system: System, body: Any) -> bool:
    status = system.admin.get(f"{JOBS}/{job(body)}").raise_for_status().json()["status"]
    return any(each["type"] == "Failed" and each["status"] == "True" for each in status.get("conditions", []))


def test_an_agent_that_may_have_changed_something_is_not_started_again(system: System) -> None:
    system.send_until_done(PROPOSES)
    evict(system, PROPOSES)
    wait_until(lambda: has_failed(system, PROPOSES), "the Job to fail")
    assert len(pods(system, PROPOSES)) == 1
    assert system.send_until_done(PROPOSES) == {"held": 1}
    assert system.notices() == ["AlertHeld"]


def test_an_agent_that_only_reads_is_started_again(system: System) -> None:
    system.send_until_done(READS)
    first = evict(system, READS)

    def is_replaced() -> bool:
        return any(pod["metadata"]["name"] != first for pod in pods(system, READS))

    wait_until(is_replaced, "another pod")
    assert not has_failed(system, READS)
    assert system.send_until_done(READS) == {"duplicate": 1}
