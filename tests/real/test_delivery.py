"""The whole path among real components: Alertmanager, the function, OPA, the API server, its Job controller.

The function runs under its launcher as the dispatcher's own ServiceAccount, with the Role that is shipped.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness.components import ApiServer, alertmanager, need, opa, wait_until
from tests.harness.fakes import delivery_json
from tests.harness.firing import ROUTE, alert, fire
from tests.harness.manifests import JOBS, PODS
from tests.harness.process import free_port
from tests.harness.server import Server, serving

CRONJOB = "/apis/batch/v1/namespaces/sre-agents/cronjobs/sre-agent-propose"
MERGE = {"Content-Type": "application/merge-patch+json"}

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("controllers")]


@dataclass
class System:
    """The function and what it talks to."""

    server: Server
    admin: httpx.Client
    folder: Path
    opa_url: str

    def route(self, repeat: str = "1h", wait: str = "500ms") -> str:
        token = self.folder / "token"
        return ROUTE.format(url=self.server.url, token=token, repeat=repeat, wait=wait, interval="2s")

    def jobs(self) -> list[dict[str, Any]]:
        return list(self.admin.get(JOBS).json()["items"])

    def claims(self) -> list[str]:
        """The claims whose alerts have a Job, one entry a Job."""
        events = [
            job["spec"]["template"]["metadata"]["annotations"]["sre-dispatch/event"] for job in self.jobs()
        ]
        return sorted(json.loads(event)["resource_id"] for event in events)

    def outcomes(self) -> list[str]:
        """All outcomes so far in their order, each with its code where it has one."""
        audit = [line["audit"] for line in self.server.audit]
        return [" ".join(filter(None, (line["outcome"], line.get("code")))) for line in audit]

    def wait_for(self, *outcomes: str, seconds: float = 30) -> None:
        """Waits until each of them was seen, as often as it is named."""

        def seen() -> bool:
            found = self.outcomes()
            return all(found.count(outcome) >= outcomes.count(outcome) for outcome in outcomes)

        try:
            wait_until(seen, f"the outcomes {outcomes}", seconds=seconds)
        except Exception as error:
            raise AssertionError(f"{error}; seen: {self.outcomes()}") from error


@pytest.fixture
def start(
    api: ApiServer, admin: httpx.Client, opa_token: Path, tmp_path: Path
) -> Iterator[Callable[[str], System]]:
    """Starts the function with the OPA of a URL."""
    need("alertmanager")
    kubeconfig = api.kubeconfig_of("f3iai", "sre-dispatch", tmp_path)
    with ExitStack() as stack:

        def started(url: str) -> System:
            server = stack.enter_context(
                serving(
                    tmp_path,
                    SRE_DISPATCH_JOBS="kubernetes",
                    KUBECONFIG=str(kubeconfig),
                    SRE_DISPATCH_POLICY="opa",
                    SRE_DISPATCH_OPA_URL=url,
                    SRE_DISPATCH_OPA_TOKEN_FILE=str(opa_token),
                )
            )
            return System(server, admin, tmp_path, url)

        yield started


@pytest.fixture
def system(start: Callable[[str], System], opa_url: str) -> System:
    return start(opa_url)


def webhook(claim: str, starts: datetime | None = None, status: str = "firing") -> Any:
    body = delivery_json("incident-75")
    body["alerts"][0]["labels"]["persistentvolumeclaim"] = claim
    body["alerts"][0]["status"] = status
    if starts:
        body["alerts"][0]["startsAt"] = starts.isoformat()
    return body


def decisions(url: str) -> float:
    """How often OPA was asked for one."""
    name = 'http_request_duration_seconds_count{code="200",handler="v1/data",method="post"} '
    lines = httpx.get(f"{url}/metrics", timeout=5).text.splitlines()
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def complete(system: System, job: str) -> None:
    """Ends the Job as its pod would: there is no node, so we write the pod's status in its place."""

    def pods() -> Sequence[Any]:
        found = system.admin.get(PODS, params={"labelSelector": f"batch.kubernetes.io/job-name={job}"})
        return list(found.json()["items"])

    wait_until(lambda: bool(pods()), "the Job's pod", seconds=20)
    for pod in pods():
        path = f"{PODS}/{pod['metadata']['name']}/status"
        system.admin.patch(path, json={"status": {"phase": "Succeeded"}}, headers=MERGE).raise_for_status()

    def is_complete() -> bool:
        answer = system.admin.get(f"{JOBS}/{job}")
        return answer.status_code == 404 or "completionTime" in answer.json()["status"]

    wait_until(is_complete, "the Job to complete", seconds=20)


@contextmanager
def delaying(url: str, seconds: float) -> Iterator[str]:
    """A way to `url` on which every answer comes `seconds` later."""
    host, port = url.removeprefix("http://").split(":")
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket, delay: float) -> None:
        try:
            while data := source.recv(65536):
                time.sleep(delay)
                target.sendall(data)
        except OSError:
            pass
        finally:
            for line in (source, target):
                line.close()

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            upstream = socket.create_connection((host, int(port)))
            threading.Thread(target=pump, args=(client, upstream, 0), daemon=True).start()
            threading.Thread(target=pump, args=(upstream, client, seconds), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def test_each_alert_becomes_one_job_and_its_controller_makes_the_pod(system: System, tmp_path: Path) -> None:
    with alertmanager(tmp_path / "am", system.route()) as url:
        fire(url, alert("typedb-data"), alert("typedb-data", "PVCUsageCritical", "critical"))
        system.wait_for("created", "created")
    propose, investigate = sorted(system.jobs(), key=lambda job: str(job["metadata"]["labels"]), reverse=True)
    tiers = {job["metadata"]["labels"]["sre-dispatch/tier"] for job in (propose, investigate)}
    assert tiers == {"propose", "investigate"}
    wait_until(lambda: len(system.admin.get(PODS).json()["items"]) == 2, "two pods", seconds=20)
    (pod, *_) = system.admin.get(PODS).json()["items"]
    assert "# The task" in pod["metadata"]["annotations"]["sre-dispatch/prompt"]
    assert "# You are the on-call engineer" in pod["metadata"]["annotations"]["sre-dispatch/system-prompt"]


def test_a_group_that_grew_makes_one_more_job_and_asks_about_the_new_member_only(
    system: System, tmp_path: Path
) -> None:
    with alertmanager(tmp_path / "am", system.route()) as url:
        fire(url, alert("typedb-data"))
        system.wait_for("created")
        before = decisions(system.opa_url)
        fire(url, alert("postgres-data"))
        system.wait_for("created", "duplicate", "created")
    assert system.claims() == ["postgres-data", "typedb-data"]
    assert decisions(system.opa_url) - before == 2  # the two looks at the new member


def test_an_alert_whose_start_moved_back_makes_no_new_job(system: System, tmp_path: Path) -> None:
    with alertmanager(tmp_path / "am", system.route()) as url:
        fire(url, alert("typedb-data"))
        system.wait_for("created")
        fire(
            url, alert("typedb-data", starts=datetime.now(UTC) - timedelta(minutes=1)), alert("postgres-data")
        )
        system.wait_for("created", "duplicate", "created")
    assert system.claims() == ["postgres-data", "typedb-data"]


def test_two_alertmanagers_and_a_slow_receiver_make_one_job(
    start: Callable[[str], System], opa_url: str, tmp_path: Path
) -> None:
    ports = [free_port(), free_port()]
    flags = [f"--cluster.peer=127.0.0.1:{port}" for port in ports]
    flags += ["--cluster.peer-timeout=1s", "--cluster.gossip-interval=50ms", "--cluster.settle-timeout=5s"]
    with ExitStack() as stack:
        system = start(stack.enter_context(delaying(opa_url, 1.2)))
        pair = [
            stack.enter_context(
                alertmanager(tmp_path / f"am{port}", system.route(), cluster_port=port, flags=flags)
            )
            for port in ports
        ]
        for url in pair:
            wait_until(lambda url=url: is_cluster(url), "the pair to find itself")  # type: ignore[misc]
        for url in pair:
            fire(url, alert("typedb-data"))
        system.wait_for("created", "duplicate")
    assert system.claims() == ["typedb-data"]


def is_cluster(url: str) -> bool:
    cluster = httpx.get(f"{url}/api/v2/status", timeout=5).json()["cluster"]
    return bool(cluster["status"] == "ready" and len(cluster["peers"]) == 2)


def test_an_alert_that_came_back_after_its_run_is_held_and_people_are_told(system: System) -> None:
    started = datetime.now(UTC) - timedelta(minutes=5)
    assert system.server.post(webhook("typedb-data", started)).status_code == 200
    complete(system, system.jobs()[0]["metadata"]["name"])
    assert system.server.post(webhook("typedb-data", started)).json() == {"outcomes": {"duplicate": 1}}
    back = datetime.now(UTC) + timedelta(seconds=5)
    assert system.server.post(webhook("typedb-data", back)).json() == {"outcomes": {"held": 1}}
    assert system.claims() == ["typedb-data"]
    events = system.admin.get("/api/v1/namespaces/f3iai/events").json()["items"]
    assert any(event["reason"] == "AlertHeld" and "recurred" in event["message"] for event in events)


def test_an_api_server_killed_during_a_delivery_costs_nothing(
    api: ApiServer, start: Callable[[str], System], opa_url: str, tmp_path: Path
) -> None:
    with delaying(opa_url, 1.2) as slow:
        system = start(slow)
        with alertmanager(tmp_path / "am", system.route()) as url:
            before = decisions(opa_url)
            fire(url, alert("typedb-data"))
            wait_until(lambda: decisions(opa_url) > before, "the delivery to be under way")
            api.kill()
            try:
                system.wait_for("deferred kubernetes_unreachable")
            finally:
                api.restart()
            system.wait_for("created", seconds=60)
    assert system.claims() == ["typedb-data"]


def test_an_opa_without_policy_and_then_none_defer_until_it_is_back(
    start: Callable[[str], System], bundle: Path, tmp_path: Path
) -> None:
    port = free_port()
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / ".manifest").write_text(
        '{"revision": "0", "roots": ["sre_dispatch"]}'
    )  # without, it is never ready
    system = start(f"http://127.0.0.1:{port}")
    with alertmanager(tmp_path / "am", system.route()) as url:
        with opa(tmp_path / "opa-empty", empty, port):
            fire(url, alert("typedb-data"))
            system.wait_for("deferred no_decision")
        system.wait_for("deferred opa_unreachable")
        assert system.jobs() == []
        with opa(tmp_path / "opa", bundle, port):
            system.wait_for("created", seconds=60)
    assert system.claims() == ["typedb-data"]


def test_a_quota_of_no_jobs_pauses_and_lifting_it_resumes(
    api: ApiServer, system: System, tmp_path: Path
) -> None:
    system.server.post(webhook("known")).raise_for_status()
    quota = "/api/v1/namespaces/sre-agents/resourcequotas/pause"
    api.kubectl("create", "quota", "pause", "-n", "sre-agents", "--hard=count/jobs.batch=0")
    try:
        wait_until(lambda: "hard" in system.admin.get(quota).json().get("status", {}), "the quota to count")
        assert system.server.post(webhook("known")).json() == {"outcomes": {"duplicate": 1}}
        with alertmanager(tmp_path / "am", system.route()) as url:
            fire(url, alert("typedb-data"))
            system.wait_for("deferred quota")
            assert system.claims() == ["known"]
            api.kubectl("delete", "quota", "pause", "-n", "sre-agents")
            system.wait_for("created", "created", seconds=60)
    finally:
        system.admin.delete(quota)
    assert system.claims() == ["known", "typedb-data"]


def test_resolved_alerts_make_no_job(system: System) -> None:
    assert system.server.post(webhook("typedb-data", status="resolved")).json() == {
        "outcomes": {"resolved": 1}
    }
    assert system.jobs() == []


def test_when_the_finished_job_is_gone_the_next_repeat_runs_anew(system: System, tmp_path: Path) -> None:
    set_ttl(system, 1)
    try:
        with alertmanager(tmp_path / "am", system.route(repeat="3s")) as url:
            fire(url, alert("typedb-data"))
            wait_until(lambda: started(system) is not None, "a Job that the API server took", seconds=30)
            first = started(system)
            assert first is not None
            complete(system, first["metadata"]["name"])
            wait_until(lambda: another(system, first), "a new Job of the same name", seconds=30)
    finally:
        set_ttl(system, 10800)
    assert system.outcomes().count("created") == 2


def started(system: System) -> dict[str, Any] | None:
    return next(iter(system.jobs()), None)


def another(system: System, first: dict[str, Any]) -> bool:
    now = started(system)
    return (
        now is not None
        and now["metadata"]["name"] == first["metadata"]["name"]
        and now["metadata"]["uid"] != first["metadata"]["uid"]
    )


def set_ttl(system: System, seconds: int) -> None:
    patch = {"spec": {"jobTemplate": {"spec": {"ttlSecondsAfterFinished": seconds}}}}
    system.admin.patch(CRONJOB, json=patch, headers=MERGE).raise_for_status()


def test_blocked_alerts_make_no_job_and_people_are_told(system: System) -> None:
    reply = system.server.post(delivery_json("destructive"))
    assert reply.json() == {"outcomes": {"blocked": 1}}
    assert system.jobs() == []
    events = system.admin.get("/api/v1/namespaces/f3iai/events").json()["items"]
    assert any(event["reason"] == "AlertBlocked" for event in events)


def test_a_job_that_only_looks_like_ours_is_a_dead_letter(system: System) -> None:
    """Somebody made a Job of the event's name by hand, with no identity on it."""
    system.server.post(webhook("typedb-data")).raise_for_status()
    (job,) = system.jobs()
    name = job["metadata"]["name"]
    path = f"{JOBS}/{name}"
    patch = {"metadata": {"annotations": {"sre-dispatch/identity": "0" * 64}}}
    system.admin.patch(path, json=patch, headers=MERGE).raise_for_status()
    assert system.server.post(webhook("typedb-data")).json() == {"outcomes": {"dead-lettered": 1}}
