"""The place where cases are brought up, one after the other: real components that stay, and what a case
adds to them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from tests.eval import series, state_metrics
from tests.eval.calls import Servers
from tests.eval.cases import Case, Key, Named, Object, World
from tests.eval.kubelet import Kubelet, kubelet
from tests.eval.objects import Writer
from tests.harness.components import ApiServer, api_server, prometheus
from tests.harness.grafana import TOKEN as GRAFANA_TOKEN
from tests.harness.grafana import grafana
from tests.harness.manifests import MANIFESTS
from tests.harness.pod import Pod, pod
from tests.harness.process import free_port
from tests.harness.worldmodel import READER, WRITER, WorldModel, world_model

CLUSTER = "prod-eu"
TIER = "investigate"
FOR_MINUTES = 15
"""How long before the alert's start the objects became as they are: the `for` of most stock alerts."""
BOUNDS = ("--kubelet-preferred-address-types=ExternalIP",)
"""Logs are asked for at the address of our stand-in alone."""


@dataclass
class Place:
    folder: Path
    api: ApiServer
    kubelet: Kubelet
    writer: Writer
    prometheus_port: int
    model_of_world: WorldModel
    pod: Pod
    servers: Servers
    numbers: Iterator[int]

    @contextmanager
    def up(self, world: World, metrics: Mapping[Named, Mapping[str, Any]], now: datetime) -> Iterator[None]:
        """The world is there until the end of the block, with these series."""
        folder = self.folder / f"prometheus-{next(self.numbers)}"
        text = series.openmetrics(metrics, int(now.timestamp()))
        self.kubelet.logs = world.logs
        with self.writer.written(world.objects, now), prometheus(folder, text, self.prometheus_port):
            yield


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """An API server with our manifests, the servers of the tier with its own rights, and the world model."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with ExitStack() as stack:
        enter = stack.enter_context
        api = enter(api_server(folder, BOUNDS))
        api.kubectl("create", "namespace", "f3iai")
        for manifest in MANIFESTS:
            api.kubectl("apply", "-f", manifest)
        logs = enter(kubelet(folder / "certificates"))
        kubeconfig = api.kubeconfig_of("f3iai", "sre-dispatch-worldmodel", folder)
        told = {
            "KUBECONFIG": str(kubeconfig),
            "SRE_DISPATCH_PROMETHEUS_URL": f"http://127.0.0.1:{port}",
            "SRE_DISPATCH_CLUSTER": CLUSTER,
        }
        facts = enter(world_model(folder / "world", **told))
        ready = enter(_pod(folder / "pod", api, f"http://127.0.0.1:{port}", facts))
        writer = Writer(enter(api.client(timeout=30)), logs.server_port)
        servers = Servers(ready.tier["servers"], {"world": READER})
        yield Place(folder, api, logs, writer, port, facts, ready, servers, count())


@contextmanager
def _pod(folder: Path, api: ApiServer, metrics: str, facts: WorldModel) -> Iterator[Pod]:
    folder.mkdir()
    with grafana(metrics) as shown:
        addresses = {
            "http://kube-prom-stack-grafana.monitoring": shown.url,
            "http://sre-dispatch-worldmodel.f3iai.svc:50060": facts.url,
            "GRAFANA_SERVICE_ACCOUNT_TOKEN": GRAFANA_TOKEN,
        }
        secrets = {"reader-token": READER, "worldmodel-token": WRITER}
        with pod(TIER, folder, api, addresses, secrets) as ready:
            del ready.reporting["jira"]
            yield ready


@contextmanager
def fault(here: Place, case: Case) -> Iterator[datetime]:
    """The case is there until the end of the block. Yields the time that counts as now."""
    now = _now()
    with here.up(case.world, metrics(case, case.twin.objects, now), now):
        yield now


@contextmanager
def without_fault(here: Place, twin: World) -> Iterator[datetime]:
    """The base alone is there until the end of the block."""
    now = _now()
    found = {**state_metrics.changing(twin.objects, twin.objects, "0s"), **twin.series}
    with here.up(twin, series.unfolded(found, int(now.timestamp())), now):
        yield now


def metrics(case: Case, before: Mapping[Key, Object], now: datetime) -> dict[Named, Mapping[str, Any]]:
    """The series of a case: what kube-state-metrics would say, the case's own over it, and its alert."""
    seconds = case.alert.startsAt.span.total_seconds()
    derived = state_metrics.changing(before, case.world.objects, f"{seconds + FOR_MINUTES * 60:.0f}s")
    found = {**derived, **{_plain(named): item for named, item in case.world.series.items()}}
    own = series.firing(case.alert.labels, f"{seconds:.0f}s", int(now.timestamp()))
    return series.unfolded(found, int(now.timestamp())) | own


def _plain(named: Named) -> Named:
    """The series as kube-state-metrics names it, so that it replaces a derived one."""
    name, labels = named
    left = tuple((label, value) for label, value in labels if value != "kube-state-metrics")
    return (name, left) if name.startswith("kube_") else named


def _now() -> datetime:
    return datetime.fromtimestamp(int(time.time()), UTC)
