"""How long a delivery takes from no pod at all, beside the least that could answer it."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.conftest import SOON_AT_ZERO, Times, no_jobs
from tests.cluster.knative import ANSWER_SECONDS, no_agents, sender, to_zero

COLD = int(os.environ.get("E2E_COLD_STARTS", "10"))
WARM = 30
HELLO = ("elsewhere", "hello")
NEW = itertools.count()


@pytest.fixture(scope="module")
def hello(installed: Cluster) -> Iterator[str]:
    """A static Go program (tests/cluster/hello) as a service with the function's own settings; its URL."""
    namespace, name = HELLO
    service = installed.get("ksvc", "-n", "f3iai", "sre-dispatch")
    template = service["spec"]["template"]
    annotations = template["metadata"]["annotations"] | SOON_AT_ZERO
    ours = template["spec"]["containers"][0]
    container = {
        "image": "dev.local/hello:0.1.0",
        "ports": ours["ports"],
        "resources": ours["resources"],
        "securityContext": ours["securityContext"],
    }
    spec = {key: template["spec"][key] for key in ("containerConcurrency", "timeoutSeconds")}
    installed.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {
            "apiVersion": "serving.knative.dev/v1",
            "kind": "Service",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": {"networking.knative.dev/visibility": "cluster-local"},
            },
            "spec": {
                "template": {
                    "metadata": {"annotations": annotations},
                    "spec": {**spec, "containers": [container]},
                }
            },
        },
    )
    installed.kubectl("wait", "-n", namespace, f"ksvc/{name}", "--for=condition=Ready", "--timeout=120s")
    yield f"http://{name}.{namespace}.svc.cluster.local/"
    installed.kubectl("delete", "-n", namespace, f"ksvc/{name}", "--timeout=90s")


def new_alert() -> dict[str, str]:
    return {
        "alertname": "KubePodNotReady",
        "namespace": "shop",
        "pod": f"web-{next(NEW)}",
        "severity": "critical",
    }


def test_a_cold_delivery_makes_its_job_soon_after_a_static_program_would_have_answered(
    installed: Cluster, hello: str, times: Times
) -> None:
    """The times are shown, not asserted: they are the machine's."""
    deliver = sender(installed)

    def greet(how: str) -> None:
        started = time.perf_counter()
        reply = httpx.post(hello, content=b"{}", timeout=ANSWER_SECONDS, trust_env=False)
        times[f"static Go program, {how}: request to answer"].append(time.perf_counter() - started)
        assert reply.text == "hello"

    def dispatch(how: str) -> None:
        started = time.perf_counter()
        reply = deliver(new_alert())
        times[f"function, {how}: delivery to Job"].append(time.perf_counter() - started)
        assert reply.json()["outcomes"] == {"created": 1}, reply.text

    with no_agents(installed):
        for _ in range(COLD):
            to_zero(installed)
            to_zero(installed, *HELLO)
            greet("cold")
            dispatch("cold")
            assert len(installed.jobs()) == 1
            no_jobs(installed)
        for each in range(WARM):
            greet("warm")
            dispatch("warm")
            if each % 2:  # the policy lets three of one namespace run at a time
                no_jobs(installed)
