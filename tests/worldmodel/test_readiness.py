from __future__ import annotations

from typing import Any

from function.shared.symptoms import Probe, Readiness
from function.worldmodel.readiness import is_ready, readiness
from tests.worldmodel.cluster import Manifest, manifest, pod_spec

PROBES: dict[str, Any] = {
    "readinessProbe": {"httpGet": {"path": "/ready", "port": "web"}, "timeoutSeconds": 2},
    "livenessProbe": {"exec": {"command": ["/bin/check", "--password=canary"]}, "periodSeconds": 5},
    "startupProbe": {"tcpSocket": {"port": 80}, "failureThreshold": 30, "initialDelaySeconds": 9},
}


def pod(name: str, ready: bool, node: str = "w1", **container: Any) -> Manifest:
    spec = pod_spec(nodeName=node)
    spec["containers"][0] |= container
    condition = {"type": "Ready", "status": str(ready)}
    return manifest("Pod", name, spec=spec, status={"phase": "Running", "conditions": [condition]})


def w1(**conditions: str) -> Manifest:
    told = [{"type": kind, "status": status} for kind, status in conditions.items()]
    return manifest("Node", "w1", "", status={"conditions": told})


def test_a_pod_that_is_not_ready_is_told_with_its_probes_node_and_siblings() -> None:
    of = pod("web-1", False, **PROBES)
    pods = [of, pod("web-2", True), pod("web-3", False, "w3")]
    told = readiness(of, w1(Ready="True", DiskPressure="True", PIDPressure="False"), pods)
    assert told == Readiness(
        ready=False,
        probes=(
            Probe("main", "readiness", "http", "/ready web", 0, 10, 2, 3),
            Probe("main", "liveness", "exec", "/bin/check", 0, 5, 1, 3),
            Probe("main", "startup", "tcp", "80", 9, 10, 1, 30),
        ),
        node="w1",
        node_ready=True,
        node_pressures=("DiskPressure",),
        siblings=2,
        siblings_ready=1,
        not_ready=("web-3 on w3",),
    )


def test_the_arguments_of_a_probe_are_not_shown() -> None:
    assert "canary" not in repr(readiness(pod("web-1", False, **PROBES), None, []))


def test_a_node_that_could_not_be_read_is_unknown_and_one_that_is_silent_is_not_ready() -> None:
    of = pod("web-1", False)
    assert readiness(of, None, []).node_ready is None
    assert readiness(of, w1(Ready="Unknown"), []).node_ready is False


def test_a_pod_that_has_ended_is_no_sibling() -> None:
    over = {**pod("web-2", False), "status": {"phase": "Succeeded"}}
    assert readiness(pod("web-1", False), None, [over]).siblings == 0


def test_a_pod_without_conditions_is_not_ready() -> None:
    assert not is_ready(manifest("Pod", "x"))
