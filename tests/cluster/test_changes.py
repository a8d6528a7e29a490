"""What happens to alerts while parts of it die, move, or are replaced: nothing but that some come later."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cluster.alertmanager import URL, Alertmanager
from tests.cluster.cluster import AGENTS, Cluster, process
from tests.cluster.conftest import NEXT, Times, install, no_jobs, overlay
from tests.cluster.knative import live, no_agents, to_zero
from tests.cluster.recorder import Recorder, recording
from tests.real.components import Broken, wait_until
from tests.ticking import ticking

GROUPS, OF_EACH = 40, 5
NEW = itertools.count()


@pytest.fixture(scope="module")
def recorder(installed: Cluster) -> Iterator[Recorder]:
    with recording(installed.address, URL) as recorder:
        yield recorder


@pytest.fixture(scope="module")
def alertmanager(installed: Cluster, recorder: Recorder) -> Iterator[Alertmanager]:
    with Alertmanager(installed, recorder.url, "60s").running() as alertmanager:
        yield alertmanager


@pytest.fixture(scope="module", autouse=True)
def next_version(installed: Cluster, addresses: dict[str, str], alertmanager: Alertmanager) -> Iterator[None]:
    """Installed over the present one by the first test, and taken back after the last."""
    with no_agents(installed):
        yield
        no_jobs(installed)
    install(installed, addresses)


def jobs(cluster: Cluster) -> Counter[str]:
    """How many Jobs there are of each alert: each Job carries the one that it was made for."""
    templates = [each["spec"]["template"] for each in cluster.jobs()]
    events = [json.loads(each["metadata"]["annotations"]["sre-dispatch/event"]) for each in templates]
    return Counter(f"{each['alertname']}/{each['resource_id']}" for each in events)


def alert(name: str, pod: str = "web") -> dict[str, str]:
    return {"alertname": name, "namespace": "shop", "pod": pod, "severity": "critical"}


@contextmanager
def deliveries(cluster: Cluster, alertmanager: Alertmanager, every: float = 0.7) -> Iterator[None]:
    """A new alert, and so a new group, every so many seconds; in the end each has its one Job."""
    fired: list[str] = []

    def fire() -> None:
        name = f"Change{next(NEW)}"
        alertmanager.fire(alert(name))
        fired.append(f"{name}/web")

    with ticking(fire, every):
        yield
    wait_until(lambda: set(fired) <= set(jobs(cluster)), "a Job for each alert", 180, every=1)
    assert len(fired) > 3 and {jobs(cluster)[each] for each in fired} == {1}


def explained(alertmanager: Alertmanager, recorder: Recorder) -> None:
    """Each request that Alertmanager counts, and each that it counts as failed, is one that was seen."""

    def counted(name: str) -> float:
        return alertmanager.counted(f"alertmanager_notification{name}_total")

    def told() -> tuple[float, ...]:
        return counted("_requests"), counted("_requests_failed"), counted("s") - counted("s_failed")

    def seen() -> tuple[int, ...]:
        refused = len(recorder.refused())
        return len(recorder.attempts), refused, len(recorder.attempts) - refused

    try:
        wait_until(lambda: told() == seen(), "Alertmanager to count what was seen", 90, every=1)
    except Broken as late:
        answers = Counter((each.status, each.was_heard, each.body[:60]) for each in recorder.attempts)
        raise Broken(f"{late}: {told()} and {seen()}: {answers}") from None
    assert {each.status for each in recorder.refused() if each.was_heard} <= {502, 503, 504}


# --- a new version, and what moves pods -----------------------------------------------------------------


def test_a_new_function_and_a_new_policy_replace_the_old_ones(
    installed: Cluster, addresses: dict[str, str], alertmanager: Alertmanager
) -> None:
    """The old policy lets five run at a time: the alerts after these wait for the new one."""
    with deliveries(installed, alertmanager):
        time.sleep(2)
        objects = json.dumps(overlay(installed, addresses)).replace(":0.1.0", f":{NEXT}")
        installed.apply(*json.loads(objects.replace(f"sre-agent:{NEXT}", "sre-agent:0.1.0")))
        more = '{"spec": {"hard": {"count/jobs.batch": "1000"}}}'
        installed.kubectl("patch", "quota", "sre-agents", "-n", AGENTS, "-p", more)
        for name in ("sre-dispatch-opa", "sre-dispatch-worldmodel"):
            installed.kubectl("rollout", "status", "-n", "f3iai", f"deployment/{name}", "--timeout=120s")
        ready = ("ksvc/sre-dispatch", "--for=condition=Ready", "--timeout=120s")
        installed.kubectl("wait", "-n", "f3iai", *ready)
        time.sleep(5)


def test_every_pod_of_ours_is_moved_by_a_drain(installed: Cluster, alertmanager: Alertmanager) -> None:
    (node,) = [each["metadata"]["name"] for each in installed.get("nodes")["items"]]
    with deliveries(installed, alertmanager):
        time.sleep(2)
        back = threading.Timer(6, lambda: installed.kubectl("uncordon", node))
        back.start()
        ours = "--pod-selector=app.kubernetes.io/part-of=sre-dispatch,app.kubernetes.io/name!=sre-agent"
        installed.kubectl("drain", node, ours, "--ignore-daemonsets", "--delete-emptydir-data", "--force")
        back.join()


def test_a_tiers_template_changes(installed: Cluster, alertmanager: Alertmanager) -> None:
    """Admission compares each Job with the template as it knows it, which may be the one before."""
    with deliveries(installed, alertmanager, every=0.3):
        for seconds in (1700, 1650, 1600, 1750, 1800):
            pod = {"template": {"spec": {"activeDeadlineSeconds": seconds}}}
            change = json.dumps({"spec": {"jobTemplate": {"spec": pod}}})
            installed.kubectl("patch", "cronjob", "sre-agent-investigate", "-n", AGENTS, "-p", change)
            time.sleep(1.5)


# --- a storm ---------------------------------------------------------------------------------------------


def killed(cluster: Cluster) -> None:
    """The function, without a word, in a container that runs."""

    def running() -> list[Any]:
        return [pod for pod in live(cluster) if is_up(pod)]

    wait_until(lambda: bool(running()), "a function to kill", 60, every=0.1)
    os.kill(process(running()[0], "user-container"), signal.SIGKILL)


def is_up(pod: Any) -> bool:
    states = {each["name"]: each["state"] for each in pod["status"].get("containerStatuses", ())}
    return "running" in states.get("user-container", {})


def test_many_alerts_at_once_while_the_function_dies_twice(
    installed: Cluster, alertmanager: Alertmanager, recorder: Recorder, times: Times
) -> None:
    no_jobs(installed)
    to_zero(installed)
    wanted = {f"Storm{group}/web-{each}" for group in range(GROUPS) for each in range(OF_EACH)}
    started = time.monotonic()
    alertmanager.fire(*(alert(*each.split("/")) for each in sorted(wanted)))
    killed(installed)
    installed.kubectl("rollout", "restart", "-n", "f3iai", "deployment/sre-dispatch-opa")
    time.sleep(1)
    killed(installed)
    wait_until(lambda: wanted <= set(jobs(installed)), "a Job for each alert", 300, every=1)
    times[f"{len(wanted)} alerts, function killed twice: to the last Job"].append(time.monotonic() - started)
    assert jobs(installed) == Counter(wanted)
    installed.kubectl("rollout", "status", "-n", "f3iai", "deployment/sre-dispatch-opa", "--timeout=120s")
    explained(alertmanager, recorder)
