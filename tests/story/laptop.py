"""The parts as processes on loopback, started in their order and ended in the other. Played are the kubelet,
the volumes and the storage that grows them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer
from typing import Any

import httpx
import yaml

from function.commands.demo import sample
from function.dispatch.policy_files import write
from tests.harness import jira
from tests.harness.components import (
    OPA_SECRET,
    ApiServer,
    OpaServer,
    alertmanager,
    api_server,
    controller_manager,
    opa,
)
from tests.harness.gitea import gitea
from tests.harness.grafana import grafana
from tests.harness.helm import PATCH, VALUES
from tests.harness.incident import claim_of, database, installed, put
from tests.harness.loopback import serving as loopback
from tests.harness.manifests import CLUSTER
from tests.harness.pod import Ran
from tests.harness.process import ROOT, free_port
from tests.harness.receivers import Receivers, received
from tests.harness.recorder import Recorder, recording
from tests.harness.rules import ruled
from tests.harness.server import Server, serving
from tests.harness.site import FILE, Site
from tests.harness.worldmodel import WRITER, world_model
from tests.story import shipped
from tests.story.diary import Diary
from tests.story.kubelet import Kubelet
from tests.story.monitoring import Monitoring
from tests.story.parts import START, Script, databases
from tests.story.volumes import KUBELET, Simulated, simulated

PROGRAMS = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "opa", "prometheus", "alertmanager"),
    *("amtool", "gitea", "claude", "kubernetes-mcp-server", "mcp-grafana"),
)
KILLABLE = ("opa", "worldmodel", "apiserver")
AWAY_SECONDS = 20.0
TYPEDB, POSTGRES = databases("Gi")


@dataclass
class Laptop:
    folder: Path
    api: ApiServer
    admin: httpx.Client
    site: Site
    opa: OpaServer
    server: Server
    recorder: Recorder
    """Between Alertmanager and the function."""
    monitoring: Monitoring
    volumes: Simulated
    unit: str = "Gi"

    def kubectl(self, *arguments: str | Path, stdin: str | None = None) -> str:
        return self.api.kubectl(*arguments, stdin=stdin)

    def fill(self, claim: str, files: int) -> None:
        self.volumes.fill(claim, files)

    def audit(self) -> list[Any]:
        return self.server.audit

    def run(self, pod: Any, script: Script, running: Callable[[], None]) -> Ran:
        return Kubelet(self.api, self.admin, self.site, self.folder / "jobs").run(pod, script, running)

    def runs(self, claim: str) -> list[Any]:
        return list(self.site.world.call("list_outcomes", {"resource_id": claim})["outcomes"])

    def enrol(self) -> None:
        bundle = self.folder / "bundle"
        shutil.rmtree(bundle)
        write(ROOT / "policies", bundle, shipped.overlay(self.folder / "overlay"))
        self.opa.process.kill()
        self.opa.process.start()

    @contextmanager
    def without(self, part: str, back: Callable[[], None]) -> Iterator[None]:
        """Kills the part, which comes back after AWAY_SECONDS; ends once it is back."""
        kill, start = {
            "opa": (self.opa.process.kill, self.opa.process.start),
            "worldmodel": (self.site.world.kill, self.site.world.start),
            "apiserver": (self.api.kill, self.api.start),
        }[part]
        kill()

        def again() -> None:
            start()
            back()

        timer = Timer(AWAY_SECONDS, again)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


@contextmanager
def laptop(folder: Path, diary: Diary) -> Iterator[Laptop]:
    """All of them, ready."""
    for name in ("api", "controllers", "prometheus", "function", "alertmanager"):
        (folder / name).mkdir()
    alerts = free_port()
    with ExitStack() as stack:
        enter = stack.enter_context
        api = enter(api_server(folder / "api"))
        installed(api)
        put(api, *database(POSTGRES))
        enter(controller_manager(api, folder / "controllers"))
        site = _site(folder, api, alerts, stack)
        write(ROOT / "policies", folder / "bundle")
        policy = enter(opa(folder / "opa", folder / "bundle"))
        server = enter(_function(folder, api, policy, site, f"http://127.0.0.1:{alerts}"))
        recorder = enter(recording("127.0.0.1", f"{server.url}/alertmanager"))
        people = enter(loopback(Receivers()))
        token = folder / "function" / "token"
        monitoring = Monitoring(
            site.prometheus.url,
            f"http://127.0.0.1:{alerts}",
            site.prometheus.rules,
            folder / "alertmanager" / "alertmanager.yml",
            lambda config: received(config, recorder.url, token, f"{people.url}/people"),
        )
        monitoring.configure(shipped.RULES, VALUES, PATCH)
        enter(alertmanager(folder / "alertmanager", monitoring.routes.read_text("utf-8"), alerts))
        yield Laptop(
            folder,
            api,
            enter(api.client()),
            site,
            policy,
            server,
            recorder,
            monitoring,
            enter(simulated(api, site.prometheus.exporter, diary, START)),
        )


def _site(folder: Path, api: ApiServer, alerts: int, stack: ExitStack) -> Site:
    enter = stack.enter_context
    rules, told = shipped.rules(shipped.RULES), shipped.prometheus(f"127.0.0.1:{alerts}")
    prometheus = enter(ruled(folder / "prometheus", rules, [shipped.resend()], labels=KUBELET, more=told))
    forge = enter(gitea(folder / "gitea"))
    forge.put(FILE, yaml.safe_dump(claim_of(TYPEDB), sort_keys=False))
    kubeconfig = str(api.kubeconfig_of("f3iai", "sre-dispatch-worldmodel", folder))
    asked = {"KUBECONFIG": kubeconfig, "SRE_DISPATCH_PROMETHEUS_URL": prometheus.url}
    model = enter(world_model(folder / "world", **asked, SRE_DISPATCH_CLUSTER=CLUSTER))
    assert model.call("record_outcome", asdict(sample.crash(datetime.now(UTC))), WRITER)["recorded"]
    tickets = enter(jira.serving(jira.Jira()))
    return Site(forge, enter(grafana(prometheus.url)), prometheus, model, tickets)


def _function(folder: Path, api: ApiServer, policy: OpaServer, site: Site, alertmanager: str) -> Any:
    (folder / "opa-token").write_text(OPA_SECRET["token"] + "\n", encoding="utf-8")
    return serving(
        folder / "function",
        SRE_DISPATCH_JOBS="kubernetes",
        KUBECONFIG=str(api.kubeconfig_of("f3iai", "sre-dispatch", folder)),
        SRE_DISPATCH_POLICY="opa",
        SRE_DISPATCH_OPA_URL=policy.url,
        SRE_DISPATCH_OPA_TOKEN_FILE=str(folder / "opa-token"),
        SRE_DISPATCH_CLUSTER=CLUSTER,
        SRE_DISPATCH_CONTEXT="world-model",
        SRE_DISPATCH_WORLD_MODEL_URL=f"{site.world.url}/jsonrpc",
        SRE_DISPATCH_WORLD_MODEL_TOKEN_FILE=str(site.world.folder / "reader"),
        SRE_DISPATCH_ALERTMANAGER_URL=alertmanager,
    )
