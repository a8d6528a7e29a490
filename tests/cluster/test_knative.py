"""From a real Alertmanager to an agent's end, by Knative, from no pod at all; and who reaches what."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from function.runner.paths import Paths
from tests.cluster.alertmanager import Alertmanager
from tests.cluster.cluster import AGENTS, Cluster, codes, messages, reachable
from tests.cluster.conftest import Times
from tests.cluster.knative import pods
from tests.cluster.probe import probe
from tests.harness.components import wait_until
from tests.harness.model import model, outcome
from tests.harness.site import FILE, Site, proposing

NEW = itertools.count()


@pytest.fixture(scope="module")
def alertmanager(installed: Cluster) -> Iterator[Alertmanager]:
    with Alertmanager(installed).running() as alertmanager:
        yield alertmanager


def test_an_alert_wakes_the_function_and_its_agent_proposes(
    installed: Cluster,
    site: Site,
    alertmanager: Alertmanager,
    model_port: int,
    runs: Callable[[str], list[Any]],
    times: Times,
) -> None:
    site.jira.issues.clear()
    wait_until(lambda: not pods(installed), "the function to have no pod", 180, every=1)
    before = len(runs("PVCUsageHigh"))
    failed = alertmanager.counted("alertmanager_notifications_failed_total")
    with (
        model(*proposing(f"{Paths.read({}).work}/{FILE}", "40Gi"), port=model_port) as asked,
        reachable(asked.url, installed.address),
    ):
        fired = time.monotonic()
        labels = {"namespace": "f3iai", "persistentvolumeclaim": "typedb-data", "severity": "warning"}
        alertmanager.fire({"alertname": "PVCUsageHigh", **labels})
        wait_until(lambda: bool(installed.jobs()), "a Job", 60, every=0.1)
        started = time.monotonic()
        assert asked.asked.wait(60)
        thought = time.monotonic()
        (job,) = installed.jobs()
        pod = installed.ended(job["metadata"]["name"])
    assert codes(pod) == {"agent": 0, "report": 0}, messages(pod)
    pull, content = site.proposed()
    site.close(pull)
    assert "storage: 40Gi" in content and len(site.jira.issues) == 1
    assert len(runs("PVCUsageHigh")) == before + 1
    assert alertmanager.counted("alertmanager_notifications_failed_total") == failed
    wait_until(lambda: not pods(installed), "the function to go", 180, every=1)
    times["alert, one second of group_wait, function at zero: to Job"].append(started - fired)
    times["the same: to the agent's first question to the model"].append(thought - fired)


def test_the_same_alert_again_starts_nothing(
    installed: Cluster, alertmanager: Alertmanager, model_port: int
) -> None:
    labels = {
        "alertname": "NodeClockSkewDetected",
        "namespace": "f3iai",
        "pod": "typedb-0",
        "severity": "critical",
    }
    with model([outcome()], port=model_port) as asked, reachable(asked.url, installed.address):
        alertmanager.fire(labels)
        wait_until(lambda: len(installed.jobs()) == 1, "a Job", 90, every=0.2)
        installed.ended(installed.jobs()[0]["metadata"]["name"])
        delivered = alertmanager.counted("alertmanager_notifications_total")
        alertmanager.fire(labels | {"reason": "drift"})  # a new member of the group, the same problem
        wait_until(
            lambda: alertmanager.counted("alertmanager_notifications_total") > delivered,
            "a delivery",
            90,
            every=1,
        )
        wait_until(lambda: True, "the reply")
    assert len(installed.jobs()) == 1


# --- who reaches what, by real connections ------------------------------------------------------------


@pytest.fixture
def paths(installed: Cluster, alertmanager: Alertmanager, model_port: int) -> dict[str, tuple[str, int]]:
    """Where our parts are, each of them there: silence is a refusal and no absence."""
    labels = {"alertname": "KubePodNotReady", "namespace": "f3iai", "severity": "critical"}
    alertmanager.fire(labels | {"pod": f"typedb-{next(NEW)}"})

    def ips(namespace: str, label: str) -> list[str]:
        found = installed.get("pods", "-n", namespace, "-l", label)["items"]
        return [pod["status"]["podIP"] for pod in found if pod["status"].get("podIP")]

    found: list[str] = []

    def is_there() -> bool:
        found[:] = ips("f3iai", "serving.knative.dev/service=sre-dispatch")
        return bool(found)

    wait_until(is_there, "the function", 60, every=0.2)

    def ip(namespace: str, label: str) -> str:
        return ips(namespace, label)[0]

    function = found[-1]
    return {
        "opa": (ip("f3iai", "app.kubernetes.io/name=sre-dispatch-opa"), 8181),
        "opa's diagnostics": (ip("f3iai", "app.kubernetes.io/name=sre-dispatch-opa"), 8282),
        "world model": (ip("f3iai", "app.kubernetes.io/name=sre-dispatch-worldmodel"), 50060),
        "function": (function, 8080),
        "function's proxy": (function, 8012),
        "DNS": (ip("kube-system", "k8s-app=kube-dns"), 53),
        "API server": ("kubernetes.default.svc", 443),
        "gateway": (ip("knative-ingress", "app=traefik"), 8081),
    }


def test_from_elsewhere_nothing_of_ours_is_reached(
    installed: Cluster, paths: dict[str, tuple[str, int]]
) -> None:
    told = probe(installed, "elsewhere", paths)
    assert {name: told[name] for name in ("DNS", "API server", "gateway")} == {
        "DNS": "open",
        "API server": "open",
        "gateway": "open",
    }
    ours = ("opa", "opa's diagnostics", "world model", "function", "function's proxy")
    assert {told[name] for name in ours} == {"silent"}, told


def test_a_neighbour_in_the_same_namespace_reaches_nothing_of_ours_either(
    installed: Cluster, paths: dict[str, tuple[str, int]]
) -> None:
    told = probe(installed, "f3iai", paths)
    ours = ("opa", "opa's diagnostics", "world model", "function", "function's proxy")
    assert {told[name] for name in ours} == {"silent"}, told


def test_an_agents_pod_reaches_what_it_needs_and_nothing_else(
    installed: Cluster, paths: dict[str, tuple[str, int]]
) -> None:
    agent = {"app.kubernetes.io/name": "sre-agent"}
    outside = {"another pod": (paths["gateway"][0], 8081), "the world outside": ("10.88.0.7", 443)}
    told = probe(installed, AGENTS, paths | outside, **agent)
    assert {name for name, answer in told.items() if answer == "open"} == {"DNS", "API server", "world model"}


def test_a_pod_among_the_agents_that_is_none_reaches_nothing(
    installed: Cluster, paths: dict[str, tuple[str, int]]
) -> None:
    by_address = {name: where for name, where in paths.items() if name != "API server"}
    assert set(probe(installed, AGENTS, by_address).values()) == {"silent"}
