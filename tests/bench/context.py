"""How long the context of one claim takes on a real API server, in an empty cluster and beside 5,000 pods."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from function.shared.event import SREEvent
from function.shared.mcp import WorldModelClient
from tests.bench.figures import Figure, progress, resident
from tests.harness.components import ApiServer, Missing, api_server, find, prometheus
from tests.harness.fakes import event
from tests.harness.incident import NAMESPACE, incident, series
from tests.harness.worldmodel import READER, WorldModel, world_model

PODS, WORKLOADS, NODES = 5_000, 250, 50
"""Four fifths of the pods and workloads share the claim's namespace."""
PLACES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/api/v1/namespaces", {"metadata": {"name": "other"}}),
    ("/api/v1/namespaces/other/serviceaccounts", {"metadata": {"name": "default"}}),
)
CALLS = 40
ALONE = "the incident alone"
CLAIM = event("incident-75")
NODE = replace(CLAIM, resource_type="k8s_node", namespace="", resource_id="fmc-worker-2")


def measured() -> Iterator[Figure]:
    """Yields nothing where a component is not on this machine."""
    try:
        for binary in ("etcd", "kube-apiserver", "kubectl", "prometheus", "promtool"):
            find(binary)
    except Missing as missing:
        print(f"context is not measured: {missing}", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with api_server(folder / "api") as api, prometheus(folder / "prometheus", series(time.time())) as url:
            incident(api)
            settings = {"KUBECONFIG": str(api.kubeconfig), "SRE_DISPATCH_PROMETHEUS_URL": url}
            settings |= {"SRE_DISPATCH_CLUSTER": CLAIM.cluster}
            with world_model(folder / "world", **settings) as world:
                yield from figures(world, ALONE)
                fill(api)
                yield from figures(world, f"beside {PODS:,} pods")


def figures(world: WorldModel, where: str) -> Iterator[Figure]:
    claim, node = (times(world, asked) for asked in (CLAIM, NODE))
    values = {
        "context of a claim, ms": statistics.median(claim),
        "context of a claim, the slowest of 40, ms": max(claim),
        "context of a node, ms": statistics.median(node),
        "memory of the world model, MB": resident(world.process.pid),
    }
    for section, value in values.items():
        yield Figure(section, where, value, ALONE)


def times(world: WorldModel, asked: SREEvent) -> list[float]:
    """Of each call as the function sees it; the first does not count, as the server connects then."""
    found = []
    ffo = WorldModelClient(f"{world.url}/jsonrpc", lambda: READER)
    for _ in range(CALLS + 1):
        started = time.perf_counter()
        told: Any = ffo.context(asked)
        found.append((time.perf_counter() - started) * 1000)
        assert told["facts"] and not [gap for gap in told["gaps"] if not gap.startswith("prometheus_")], told
    return found[1:]


def fill(api: ApiServer) -> None:
    """Other people's pods and workloads."""
    with api.client(timeout=60) as client, ThreadPoolExecutor(8) as threads:
        for place in PLACES:  # before what lives in them
            assert _post(client, *place) == 201
        for done, status in enumerate(threads.map(lambda each: _post(client, *each), [*_others()])):
            assert status == 201, status
            if done % 100 == 0:
                progress(f"{done} of {PODS + WORKLOADS} objects")


def _post(client: httpx.Client, path: str, manifest: dict[str, Any]) -> int:
    return client.post(path, json=manifest).status_code


def _others() -> Iterator[tuple[str, dict[str, Any]]]:
    for number in range(WORKLOADS):
        namespace = NAMESPACE if number % 5 else "other"
        labels = {"app": f"app-{number}"}
        template = {"metadata": {"labels": labels}, "spec": _pod(number)}
        spec = {"selector": {"matchLabels": labels}, "template": template}
        manifest = {"metadata": {"name": f"app-{number}"}, "spec": spec}
        yield f"/apis/apps/v1/namespaces/{namespace}/deployments", manifest
    for number in range(PODS):
        namespace = NAMESPACE if number % 5 else "other"
        node = f"node-{number % NODES}" if number % 100 else "fmc-worker-2"
        metadata = {"name": f"pod-{number}", "labels": {"app": f"app-{number % WORKLOADS}"}}
        yield f"/api/v1/namespaces/{namespace}/pods", {"metadata": metadata, "spec": _pod(number, node)}


def _pod(number: int, node: str = "") -> dict[str, Any]:
    """A pod of usual size, which mounts another claim."""
    environment = [{"name": f"VARIABLE_{n}", "value": "a value of usual length"} for n in range(15)]
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": f"data-{number}"}}]
    container = {"name": "main", "image": "busybox:1", "env": environment}
    return {"containers": [container], "volumes": volumes, "nodeName": node}
