"""Services of Knative as seen from the node: how they come and go, and requests to them by the gateway."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from tests.cluster.cluster import AGENTS, Cluster
from tests.harness.components import wait_until
from tests.harness.fakes import delivery_json

FUNCTION = "http://sre-dispatch.f3iai.svc.cluster.local"
ANSWER_SECONDS = 60.0


def pods(cluster: Cluster, namespace: str = "f3iai", service: str = "sre-dispatch") -> list[Any]:
    chosen = f"serving.knative.dev/service={service}"
    found: list[Any] = cluster.get("pods", "-n", namespace, "-l", chosen)["items"]
    return found


def live(cluster: Cluster, namespace: str = "f3iai", service: str = "sre-dispatch") -> list[Any]:
    """The pods that nobody has told to go."""
    return [pod for pod in pods(cluster, namespace, service) if "deletionTimestamp" not in pod["metadata"]]


def to_zero(cluster: Cluster, namespace: str = "f3iai", service: str = "sre-dispatch") -> None:
    """Waits until Knative lets the last pod go, and does not wait for the 30 s in which it drains."""
    wait_until(lambda: not live(cluster, namespace, service), f"{service} to be at zero", 180, every=0.5)
    chosen = f"serving.knative.dev/service={service}"
    cluster.kubectl("delete", "pods", "-n", namespace, "-l", chosen, "--force", "--grace-period=0")
    wait_until(lambda: not pods(cluster, namespace, service), f"{service}'s pods to go", 60, every=0.5)


def webhook(*alerts: Mapping[str, str]) -> bytes:
    """A webhook's body with alerts that have these labels, all of them one group."""
    body = delivery_json("incident-75")
    shape = body["alerts"][0]
    body["alerts"] = [shape | {"labels": dict(labels)} for labels in alerts]
    return json.dumps(body).encode()


def sender(cluster: Cluster, token: str = "") -> Callable[..., httpx.Response]:
    """Sends the function a delivery of alerts with these labels, as Alertmanager would, once. The token is
    Alertmanager's unless there is another."""
    headers = {
        "Authorization": f"Bearer {token or cluster.secret('monitoring', 'sre-dispatch', 'token')}",
        "Content-Type": "application/json",
    }
    url = f"{FUNCTION}/alertmanager"

    def deliver(*alerts: Mapping[str, str]) -> httpx.Response:
        body = webhook(*alerts)
        return httpx.post(url, content=body, headers=headers, timeout=ANSWER_SECONDS, trust_env=False)

    return deliver


def deliver_until(cluster: Cluster, *alerts: Mapping[str, str]) -> httpx.Response:
    """The answer that accepts the delivery, sent again for as long as it is put off."""
    deliver = sender(cluster)
    replies: list[httpx.Response] = []

    def accepted() -> bool:
        replies[:] = [deliver(*alerts)]
        return replies[0].is_success

    wait_until(accepted, "the delivery to be accepted", 90, every=1)
    return replies[0]


@contextmanager
def no_agents(cluster: Cluster) -> Iterator[None]:
    """Jobs are made and get no pods: for tests in which agents would only be in the way."""
    name = ("quota", "no-agents", "-n", AGENTS)
    cluster.kubectl("create", *name, "--hard=pods=0")
    used = lambda: "pods" in cluster.get(*name).get("status", {}).get("hard", {})  # noqa: E731
    wait_until(used, "the quota to be in force")
    try:
        yield
    finally:
        cluster.kubectl("delete", *name)
