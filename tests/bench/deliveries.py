"""Deliveries to the function among real components: duplicates, new problems, storms, and its memory."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from function.dispatch.adapters.opa import Opa
from function.shared.http import token_in
from function.shared.strict_json import MAX_BODY
from tests.bench import looks
from tests.bench.figures import Figure, peak, progress, resident
from tests.bench.load import Replies, send
from tests.bench.stage import COMPONENTS, TIER, Stage, group, stage
from tests.bench.starts import EMPTY, LAUNCH, wait_until_ready
from tests.harness.components import Missing, find
from tests.harness.manifests import JOBS
from tests.harness.process import ROOT, free_port, stopping
from tests.harness.server import environment

PER_SECOND = "duplicates a second, 10 senders"
LATENCY = "a duplicate at 100 a second, ms"
NEW = "new Jobs a second"
LARGE = "one delivery of 10,000 new alerts"
MEMORY = "memory of sre-dispatch, MB"
PLAIN, BARE = "plain loop: ask OPA twice, create", "plain loop: create only"
DUPLICATES, SENDERS, RATE, TIMED = 2_000, 10, 100, 1_000
PROBLEMS, GROUP = 60, 20
"""So many new problems each way. A group of GROUP is the largest that is no storm."""


def measured(finished: int) -> list[Figure]:
    """Returns the figures, or none where a component is not on this machine. `finished` Jobs fill the
    cluster."""
    try:
        for binary in COMPONENTS:
            find(binary)
    except Missing as missing:
        print(f"deliveries are not measured: {missing}", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as name:
        progress("starting the API server, OPA and the function")
        with stage(Path(name)) as staged:
            return [*_figures(staged, finished)]


def _figures(staged: Stage, finished: int) -> Iterator[Figure]:
    yield Figure(MEMORY, "idle", resident(staged.pid))
    send(staged.port, [group(1)])  # the problem whose duplicates follow
    with empty() as port:
        progress(PER_SECOND)
        yield Figure(PER_SECOND, EMPTY, duplicates(port).per_second)
        yield Figure(PER_SECOND, "sre-dispatch", duplicates(staged.port).per_second, EMPTY)
        yield from _new(staged)
        send(staged.port, [group(1)])  # again, since `_new` deletes all Jobs
        progress("filling the cluster with finished Jobs")
        fill(staged, finished)
        progress(PER_SECOND)
        title = f"sre-dispatch beside {finished:,} finished Jobs"
        yield Figure(PER_SECOND, title, duplicates(staged.port).per_second, "sre-dispatch")
        progress(LATENCY)
        for title, target in ((EMPTY, port), ("sre-dispatch", staged.port)):
            replies = send(target, [group(1)] * TIMED, SENDERS, RATE)
            for percent in (50, 99):
                yield Figure(
                    LATENCY, f"{title}, p{percent}", replies.percentile(percent), f"{EMPTY}, p{percent}"
                )
    yield Figure(MEMORY, "after all this", resident(staged.pid))
    yield from _large(staged)
    yield from _at_the_limit(staged)


def duplicates(port: int) -> Replies:
    replies = send(port, [group(1)] * DUPLICATES, SENDERS)
    assert replies.statuses == {200: DUPLICATES}, replies.statuses
    return replies


@contextlib.contextmanager
def empty() -> Iterator[int]:
    """The empty function; yields its port."""
    port = free_port()
    command = (*LAUNCH, "tests/bench/empty.py")
    served = subprocess.Popen(
        command, env=environment(PORT=str(port)), cwd=ROOT, text=True, stderr=subprocess.DEVNULL
    )
    with stopping(served) as process:
        wait_until_ready(process, port, "/")
        yield port


def _new(staged: Stage) -> Iterator[Figure]:
    progress(NEW)
    by_one = [group(1, 1_000 + number, name="OneByOne") for number in range(PROBLEMS)]
    by_group = [group(GROUP, 2_000 + start, name="InGroups") for start in range(0, PROBLEMS, GROUP)]
    for title, bodies in (
        ("sre-dispatch, one a delivery", by_one),
        ("sre-dispatch, 20 a delivery", by_group),
    ):
        _without_jobs(staged)
        replies = send(staged.port, bodies)
        assert set(replies.statuses) == {200}, replies.statuses
        yield Figure(NEW, title, PROBLEMS / replies.seconds, PLAIN)
    policy = Opa(staged.behind.opa_url, token_in(staged.behind.opa_token, "the token", "token"))
    question = looks.question_about(group(1))
    with contextlib.closing(policy):
        for title, times in ((PLAIN, 2), (BARE, 0)):
            _without_jobs(staged)
            per_second = _loop(staged, partial(_look, policy, question, times))
            yield Figure(NEW, title, per_second, PLAIN)


def _look(policy: Opa, question: Any, times: int) -> None:
    for _ in range(times):
        policy.ask(question)


def _loop(staged: Stage, ask: Callable[[], object]) -> float:
    """Returns how many Jobs a second a loop of the typed client creates. It asks first."""
    from kubernetes import client, config

    config.load_kube_config(str(staged.behind.api.kubeconfig))
    batch = client.BatchV1Api()
    batch.list_namespaced_job("sre-agents", limit=1)  # connects
    template = staged.behind.template()
    ask()
    started = time.perf_counter()
    for number in range(PROBLEMS):
        ask()
        batch.create_namespaced_job("sre-agents", job(template, number))
    return PROBLEMS / (time.perf_counter() - started)


def _without_jobs(staged: Stage) -> None:
    with staged.behind.api.client(timeout=60) as admin:
        admin.delete(JOBS, params={"propagationPolicy": "Background"}).raise_for_status()


def job(template: Any, number: int) -> dict[str, Any]:
    """Returns a Job of the tier, with a prompt of usual length."""
    labels = {"app.kubernetes.io/name": "sre-agent", "app.kubernetes.io/managed-by": "sre-dispatch"}
    labels |= {
        "sre-dispatch/tier": TIER,
        "sre-dispatch/alertname": "Bench",
        "sre-dispatch/resource": "0" * 16,
    }
    labels |= {"sre-dispatch/group": "0" * 16}
    identity = f"{number:064x}"
    on_job = {"sre-dispatch/identity": identity, "sre-dispatch/policy-revision": "0" * 64}
    on_job |= {"sre-dispatch/prompt-template": "alerts/_default.md.j2"}
    on_pod = {"sre-dispatch/event": json.dumps({"identity": identity}), "sre-dispatch/decision": "{}"}
    on_pod |= {"sre-dispatch/prompt": "x" * 12_000}
    pod = template["spec"]["template"] | {"metadata": {"labels": labels, "annotations": on_pod}}
    metadata = {"name": f"sre-{number:040x}", "labels": labels, "annotations": on_job}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": template["spec"] | {"template": pod},
    }


ENDED = "2026-11-28T08:00:00Z"
FINISHED = {
    "startTime": ENDED,
    "completionTime": ENDED,
    "succeeded": 1,
    "uncountedTerminatedPods": {},
    "conditions": [
        {"type": kind, "status": "True", "lastTransitionTime": ENDED, "lastProbeTime": ENDED}
        for kind in ("SuccessCriteriaMet", "Complete")
    ],
}


def fill(staged: Stage, count: int) -> None:
    """Creates so many Jobs and marks them as finished, as the Job controller does."""
    made = job(staged.behind.template(), 0)
    with staged.behind.api.client(timeout=60) as admin, ThreadPoolExecutor(4) as threads:

        def one(number: int) -> None:
            name = f"sre-{number:040x}"
            annotations = made["metadata"]["annotations"] | {"sre-dispatch/identity": f"{number:064x}"}
            metadata = made["metadata"] | {"name": name, "annotations": annotations}
            admin.post(JOBS, json=made | {"metadata": metadata}).raise_for_status()
            patch = {"Content-Type": "application/merge-patch+json"}
            admin.patch(f"{JOBS}/{name}/status", json={"status": FINISHED}, headers=patch).raise_for_status()
            if number % 50 == 0:
                progress(f"{number} of {count} finished Jobs")

        list(threads.map(one, range(MIN_FINISHED, MIN_FINISHED + count)))


MIN_FINISHED = 1_000_000
"""The number of the first finished Job. So its name is no other Job's."""


def _large(staged: Stage) -> Iterator[Figure]:
    progress(LARGE)
    _without_jobs(staged)
    body, tries, seconds = group(10_000, 100_000, name="Storm"), 0, 0.0
    while True:
        replies = send(staged.port, [body])
        tries, seconds = tries + 1, seconds + replies.seconds
        if replies.statuses == {200: 1}:
            break
        assert tries < 10, replies.statuses
    yield Figure(LARGE, "tries", tries)
    yield Figure(LARGE, "seconds in all tries", seconds)
    yield Figure(MEMORY, "at most, up to 10,000 alerts in one delivery", peak(staged.pid))


def _at_the_limit(staged: Stage) -> Iterator[Figure]:
    progress("ten deliveries of 8 MiB at once")
    body = group(11_600, 200_000, name="Limit")
    body += b" " * (MAX_BODY - len(body))
    assert len(body) == MAX_BODY, len(body)
    replies = send(staged.port, [body] * 10, 10)
    assert set(replies.statuses) <= {200, 503, 0}, replies.statuses
    yield Figure(MEMORY, "at most, up to ten deliveries of 8 MiB at once", peak(staged.pid))
