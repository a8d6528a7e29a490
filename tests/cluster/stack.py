"""The programs of kube-prometheus-stack as pods in the namespace monitoring, by the names and labels that the
chart and its operator give them. Each has its files in a folder of the node, at the same path in its pod."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.cluster.cluster import Cluster
from tests.harness.components import answers, wait_until
from tests.harness.helm import MONITORING

NAMESPACE = "monitoring"
RELEASE = "kube-prom-stack-kube-prome"
"""The chart's name of the release kube-prom-stack, as long as it lets names be."""
ALERTMANAGER = {"app.kubernetes.io/name": "alertmanager", "alertmanager": f"{RELEASE}-alertmanager"}
PROMETHEUS = {
    "app.kubernetes.io/name": "prometheus",
    "operator.prometheus.io/name": f"{RELEASE}-prometheus",
}
"""The labels of their pods."""


@dataclass(frozen=True)
class Program:
    cluster: Cluster
    name: str
    image: str
    port: int
    labels: Mapping[str, str]
    arguments: Sequence[str]
    secrets: Sequence[str] = ()
    rights: Sequence[Any] = ()
    """Objects that give its account some."""

    @property
    def service(self) -> str:
        return f"{RELEASE}-{self.name}"

    @property
    def url(self) -> str:
        """From the node too, which no network policy keeps out."""
        return f"http://{self.service}.{NAMESPACE}.svc.cluster.local:{self.port}"

    @property
    def folder(self) -> Path:
        return Path("/var/tmp", f"sre-dispatch-{self.name}")

    def start(self, files: Mapping[str, str]) -> None:
        """A new one, which remembers nothing."""
        self.folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (self.folder / name).write_text(text, encoding="utf-8")
        old = (f"deployment/{self.name}", "--ignore-not-found", "--cascade=foreground", "--timeout=60s")
        self.cluster.kubectl("delete", "-n", NAMESPACE, *old)
        self.cluster.apply(*self._objects())
        deployment = (f"deployment/{self.name}", "--timeout=90s")
        self.cluster.kubectl("rollout", "status", "-n", NAMESPACE, *deployment)
        wait_until(lambda: answers(f"{self.url}/-/ready"), f"{self.service} to answer")

    def stop(self) -> None:
        """Leaves nothing of it."""
        whole = json.dumps({"apiVersion": "v1", "kind": "List", "items": self._objects()})
        gone = ("--ignore-not-found", "--cascade=foreground", "--timeout=60s", "-f", "-")
        self.cluster.kubectl("delete", *gone, stdin=whole)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _objects(self) -> list[Any]:
        ports = {"selector": self.labels, "ports": [{"port": self.port}]}
        return [
            *self.rights,
            self._object("v1", "ServiceAccount", self.service),
            self._object("v1", "Service", self.service) | {"spec": ports},
            self._object("apps/v1", "Deployment", self.name) | {"spec": self._spec()},
        ]

    def _object(self, version: str, kind: str, name: str) -> dict[str, Any]:
        return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}}

    def _spec(self) -> dict[str, Any]:
        mounts = {"files": str(self.folder), "tmp": "/tmp"}
        mounts |= {name: f"/etc/{self.name}/secrets/{name}" for name in self.secrets}
        container = {
            "name": self.name,
            "image": self.image,
            "args": [f"--config.file={self.folder / self.name}.yml", *self.arguments],
            "volumeMounts": [{"name": name, "mountPath": path} for name, path in mounts.items()],
        }
        volumes: list[dict[str, Any]] = [
            {"name": "files", "hostPath": {"path": str(self.folder)}},
            {"name": "tmp", "emptyDir": {}},
            *({"name": name, "secret": {"secretName": name}} for name in self.secrets),
        ]
        pod = {"serviceAccountName": self.service, "containers": [container], "volumes": volumes}
        template = {"metadata": {"labels": self.labels}, "spec": pod}
        return {"selector": {"matchLabels": self.labels}, "template": template}


def alertmanager(cluster: Cluster) -> Program:
    """Configured by alertmanager.yml, with the token for the function where the chart's values have it."""
    name = "alertmanager"
    return Program(
        cluster,
        name,
        image="dev.local/alertmanager:0.31.1",
        port=9093,
        labels=ALERTMANAGER,
        arguments=(
            "--storage.path=/tmp",
            "--cluster.listen-address=",
        ),
        secrets=("sre-dispatch",),
    )


def prometheus(cluster: Cluster, *flags: str) -> Program:
    """Configured by prometheus.yml, by whose rights the kubelet tells its metrics."""
    name = "prometheus"
    rules = [{"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]}]
    here = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": f"{RELEASE}-{name}"}}
    account = {"kind": "ServiceAccount", "name": f"{RELEASE}-{name}", "namespace": NAMESPACE}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"{RELEASE}-{name}"}
    return Program(
        cluster,
        name,
        image="dev.local/prometheus:3.16.0",
        port=9090,
        labels=PROMETHEUS,
        arguments=(
            "--storage.tsdb.path=/tmp",
            "--web.enable-lifecycle",
            *flags,
        ),
        rights=(
            here | {"kind": "ClusterRole", "rules": rules},
            here | {"kind": "ClusterRoleBinding", "subjects": [account], "roleRef": role},
        ),
    )


@contextmanager
def policed(cluster: Cluster, people: str) -> Iterator[None]:
    """The namespace denies by default, and has our policies; people are at the URL on the node."""
    text = (MONITORING / "network.yaml").read_text(encoding="utf-8")
    policies = {each["metadata"]["name"]: each for each in yaml.safe_load_all(text)}
    egress = cluster.beside()
    egress[0]["ports"] = [{"port": urlsplit(people).port}]
    policies["allow-alertmanager-to-people"]["spec"]["egress"] = egress
    nothing = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    policies["deny-all"] = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny-all", "namespace": NAMESPACE},
        "spec": nothing,
    }
    try:
        cluster.apply(*policies.values())
        yield
    finally:
        cluster.kubectl("delete", "networkpolicies", "-n", NAMESPACE, "--ignore-not-found", *policies)
