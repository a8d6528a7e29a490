"""The function among real components: an API server with our manifests, and OPA with our policy. The budgets
of the policy are lifted, since they would end a measurement after a few Jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from function.dispatch.policy_files import write
from tests.harness.components import OPA_SECRET, ApiServer, api_server, opa, wait_until
from tests.harness.manifests import AGENTS, MANIFESTS
from tests.harness.process import ROOT
from tests.harness.server import Server, serving

COMPONENTS = ("etcd", "kube-apiserver", "kubectl", "opa")
MANY = 1_000_000
NAMESPACE = "shop"
FUNCTION = ("-m", "function", "serve")
TIER = "investigate"


@dataclass(frozen=True)
class Behind:
    """What the function talks to."""

    api: ApiServer
    opa_url: str
    opa_token: Path
    folder: Path

    def settings(self, api_url: str = "", opa_url: str = "") -> dict[str, str]:
        """Returns the environment of a function that is the dispatcher's own ServiceAccount. It talks to the
        URLs, which lead here."""
        kubeconfig = self.api.kubeconfig_of("f3iai", "sre-dispatch", self.folder)
        text = kubeconfig.read_text(encoding="utf-8")
        kubeconfig.write_text(text.replace(self.api.url, api_url or self.api.url), encoding="utf-8")
        return {
            "SRE_DISPATCH_POLICY": "opa",
            "SRE_DISPATCH_OPA_URL": opa_url or self.opa_url,
            "SRE_DISPATCH_OPA_TOKEN_FILE": str(self.opa_token),
            "SRE_DISPATCH_JOBS": "kubernetes",
            "KUBECONFIG": str(kubeconfig),
        }

    def template(self) -> Any:
        """Returns the jobTemplate of a tier."""
        with self.api.client() as client:
            return client.get(f"{AGENTS}/cronjobs/sre-agent-{TIER}").json()["spec"]["jobTemplate"]


@dataclass(frozen=True)
class Stage:
    """The function, and what it talks to."""

    behind: Behind
    server: Server

    @property
    def pid(self) -> int:
        return self.server.process.pid

    @property
    def port(self) -> int:
        return int(self.server.url.rpartition(":")[2])


@contextmanager
def components(folder: Path) -> Iterator[Behind]:
    with api_server(folder / "api") as api, opa(folder / "opa", bundle(folder)) as policy:
        api.kubectl("create", "namespace", "f3iai")
        for manifest in MANIFESTS:
            api.kubectl("apply", "-f", manifest)
        token = folder / "opa-token"
        token.write_text(OPA_SECRET["token"], encoding="utf-8")
        yield Behind(api, policy.url, token, folder)


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Everything, started."""
    with components(folder) as behind, function(folder / "function", behind.settings()) as server:
        wait_until(lambda: server.post(group(1, name="Ready")).is_success, "the first Job")
        yield Stage(behind, server)


@contextmanager
def function(folder: Path, settings: Mapping[str, str]) -> Iterator[Server]:
    folder.mkdir(exist_ok=True)
    with serving(folder, FUNCTION, **settings) as server:
        yield server


def bundle(folder: Path) -> Path:
    """Writes the policy without budgets, and returns its folder."""
    budget = yaml.safe_load((ROOT / "policies/config/budget/data.yaml").read_text(encoding="utf-8"))
    lifted = {
        name: 0 if name.startswith("reserve") else MANY if isinstance(value, int) else value
        for name, value in budget.items()
    }
    data = folder / "overlay" / "config" / "budget" / "data.yaml"
    data.parent.mkdir(parents=True)
    data.write_text(json.dumps(lifted), encoding="utf-8")
    write(ROOT / "policies", folder / "bundle", folder / "overlay")
    return folder / "bundle"


def group(count: int, start: int = 0, name: str = "KubePodCrashLooping") -> bytes:
    """Returns one delivery of a group: so many pods in trouble, from the pod of number `start` on."""
    alerts = [_alert(number, name) for number in range(start, start + count)]
    labels = {"alertname": name, "namespace": NAMESPACE}
    body = {
        "version": "4",
        "groupKey": f"{{}}:{{alertname={name}, namespace={NAMESPACE}}}",
        "status": "firing",
        "receiver": "sre-dispatch",
        "groupLabels": labels,
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "truncatedAlerts": 0,
        "alerts": alerts,
    }
    return json.dumps(body).encode()


def _alert(number: int, name: str) -> dict[str, Any]:
    """Returns an alert with the texts of the stock rule KubePodCrashLooping."""
    pod = f"cart-{number}"
    return {
        "status": "firing",
        "labels": {
            "alertname": name,
            "namespace": NAMESPACE,
            "pod": pod,
            "container": "cart",
            "job": "kube-state-metrics",
            "severity": "warning",
        },
        "annotations": {
            "summary": "Pod is crash looping.",
            "description": f"Pod {NAMESPACE}/{pod} (cart) is in waiting state (reason: CrashLoopBackOff).",
        },
        "startsAt": "2026-11-28T08:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": f"{number:016x}",
    }
