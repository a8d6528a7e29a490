"""The parts of the story, started in their order and ended in the other."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer
from typing import Any

import httpx
import yaml

from function.bundle import write
from tests import jira, world
from tests.cluster.recorder import Recorder, recording
from tests.incident import shipped
from tests.incident.diary import Diary
from tests.incident.volumes import KUBELET, Volumes, volumes
from tests.loopback import serving as loopback
from tests.monitoring.helm import PATCH, VALUES
from tests.monitoring.receivers import Receivers, received
from tests.process import ROOT, free_port
from tests.real.components import (
    OPA_SECRET,
    ApiServer,
    OpaServer,
    alertmanager,
    api_server,
    controller_manager,
    find,
    opa,
)
from tests.real.gitea import gitea
from tests.real.grafana import grafana
from tests.real.incident import TYPEDB, Database, claim_of, database, installed, put
from tests.real.rules import Ruled, ruled
from tests.real.site import FILE, Site
from tests.server import Server, serving
from tests.worldmodel.process import WRITER, world_model

PROGRAMS = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "opa", "prometheus", "alertmanager"),
    *("amtool", "gitea", "claude", "kubernetes-mcp-server", "mcp-grafana"),
)
KILLABLE = ("opa", "worldmodel", "apiserver")
AWAY_SECONDS = 20.0
FILES = {"typedb-data": 880, "postgres-data": 320}
"""At the start, which is 69 and 50 %."""
POSTGRES = Database("postgres", "postgres:17.2", 5432, "pvc-9c40", "10Gi", "20Gi")


@dataclass
class Parts:
    folder: Path
    api: ApiServer
    admin: httpx.Client
    site: Site
    opa: OpaServer
    server: Server
    recorder: Recorder
    """Between Alertmanager and the function."""
    people: Receivers
    alertmanager: str
    volumes: Volumes

    @property
    def prometheus(self) -> Ruled:
        return self.site.prometheus

    @property
    def routes(self) -> Path:
        return self.folder / "alertmanager" / "alertmanager.yml"

    def reload(self, rules: Path, *values: Path) -> None:
        """Puts other rules and routes in force."""
        self.prometheus.reload(shipped.rules(rules))
        self.routes.write_text(configuration(self.folder, self.recorder, self.people, *values), "utf-8")
        httpx.post(f"{self.alertmanager}/-/reload", timeout=10, trust_env=False).raise_for_status()

    def enrol(self) -> None:
        """Gives OPA a bundle with the overlay."""
        bundle = self.folder / "bundle"
        shutil.rmtree(bundle)
        write(ROOT / "policies", bundle, shipped.overlay(self.folder / "overlay"))
        self.opa.process.kill()
        self.opa.process.start()

    def receivers(self, **labels: str) -> str:
        """Who gets an alert with the labels, as amtool says of the configuration in force."""
        told = [f"{name}={value}" for name, value in labels.items()]
        command = [str(find("amtool")), "config", "routes", "test", f"--config.file={self.routes}", *told]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.strip()

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


def configuration(folder: Path, recorder: Recorder, people: Receivers, *values: Path) -> str:
    """Alertmanager's, as shipped; addresses and waits apart."""
    config = shipped.routes(*values)
    received(config, recorder.url, folder / "function" / "token", f"{people.url}/people")
    return str(yaml.safe_dump(config))


@contextmanager
def parts(folder: Path, diary: Diary) -> Iterator[Parts]:
    """All of them, ready."""
    for name in ("api", "controllers", "prometheus", "function", "jobs"):
        (folder / name).mkdir()
    alerts = free_port()
    with ExitStack() as stack:
        enter = stack.enter_context
        api = enter(api_server(folder / "api"))
        _cluster(api)
        enter(controller_manager(api, folder / "controllers"))
        site = _site(folder, api, alerts, stack)
        write(ROOT / "policies", folder / "bundle")
        policy = enter(opa(folder / "opa", folder / "bundle"))
        server = enter(_function(folder, api, policy, site, f"http://127.0.0.1:{alerts}"))
        recorder = enter(recording("127.0.0.1", f"{server.url}/alertmanager"))
        people = enter(loopback(Receivers()))
        routes = configuration(folder, recorder, people, VALUES, PATCH)
        yield Parts(
            folder,
            api,
            enter(api.client()),
            site,
            policy,
            server,
            recorder,
            people,
            enter(alertmanager(folder / "alertmanager", routes, alerts)),
            enter(volumes(api, site.prometheus.exporter, diary, FILES)),
        )


def _cluster(api: ApiServer) -> None:
    """The incident's cluster, a second database, and tiers that forget their Jobs sooner."""
    installed(api)
    put(api, *database(POSTGRES))
    seconds = shipped.TTL_SECONDS // shipped.FACTOR
    patch = f'{{"spec": {{"jobTemplate": {{"spec": {{"ttlSecondsAfterFinished": {seconds}}}}}}}}}'
    for tier in ("low", "medium"):
        api.kubectl("patch", "-n", "sre-agents", f"cronjob/sre-agent-{tier}", "--type=merge", "-p", patch)


def _site(folder: Path, api: ApiServer, alerts: int, stack: ExitStack) -> Site:
    enter = stack.enter_context
    every = shipped.sooner(f"{shipped.SCRAPE_SECONDS}s")
    settings: Mapping[str, Any] = {
        "global": {
            "scrape_interval": every,
            "scrape_timeout": every,
            "evaluation_interval": every,
            "external_labels": {"prometheus": "monitoring/kube-prom-stack-kube-prome-prometheus"},
        },
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alerts}"]}]}]},
    }
    resend = f"--rules.alert.resend-delay={shipped.sooner(f'{shipped.RESEND_SECONDS}s')}"
    rules = shipped.rules(shipped.RULES)
    prometheus = enter(ruled(folder / "prometheus", rules, [resend], labels=KUBELET, more=settings))
    forge = enter(gitea(folder / "gitea"))
    content = base64.b64encode(yaml.safe_dump(claim_of(TYPEDB), sort_keys=False).encode()).decode()
    forge.ask("POST", f"contents/{FILE}", {"content": content, "branch": "main"})
    kubeconfig = str(api.kubeconfig_of("f3iai", "sre-dispatch-worldmodel", folder))
    asked = {"KUBECONFIG": kubeconfig, "PROMETHEUS_URL": prometheus.url}
    model = enter(world_model(folder / "world", **asked))
    assert model.call("record_outcome", asdict(world.crash(datetime.now(UTC))), WRITER)["recorded"]
    tickets = enter(jira.serving(jira.Jira()))
    return Site(forge, enter(grafana(prometheus.url)), prometheus, model, tickets)


def _function(folder: Path, api: ApiServer, policy: OpaServer, site: Site, alertmanager: str) -> Any:
    (folder / "opa-token").write_text(OPA_SECRET["token"] + "\n", encoding="utf-8")
    return serving(
        folder / "function",
        SRE_DISPATCH_JOBS="kubernetes",
        KUBECONFIG=str(api.kubeconfig_of("f3iai", "sre-dispatch", folder)),
        SRE_DISPATCH_POLICY="opa",
        OPA_URL=policy.url,
        OPA_TOKEN_FILE=str(folder / "opa-token"),
        SRE_DISPATCH_CLUSTER="",
        SRE_DISPATCH_CONTEXT="ffo",
        FFO_URL=f"{site.world.url}/jsonrpc",
        FFO_TOKEN_FILE=str(site.world.folder / "reader"),
        ALERTMANAGER_URL=alertmanager,
    )
