"""A real Alertmanager in the namespace monitoring, where kube-prometheus-stack has one, with our receiver."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.cluster.cluster import Cluster
from tests.monitoring.helm import PATCH, VALUES, configuration

IMAGE = "dev.local/alertmanager:0.31.1"
SERVICE = "kube-prom-stack-kube-prome-alertmanager"
"""As kube-prometheus-stack names it, and the function's settings with it."""
(RECEIVER,) = [told for told in configuration(VALUES, PATCH)["receivers"] if told["name"] == "sre-dispatch"]
(WEBHOOK,) = RECEIVER["webhook_configs"]
URL: str = WEBHOOK["url"]


def config(url: str, interval: str) -> Mapping[str, Any]:
    """All goes to the receiver that we ship, at the url and sooner; the function's own notices to nobody."""
    return {
        "route": {
            "receiver": "sre-dispatch",
            "group_by": ["namespace", "alertname"],
            "group_wait": "1s",
            "group_interval": interval,
            "repeat_interval": "4h",
            "routes": [{"receiver": "people", "matchers": ['alertname = "SREDispatchNeedsPerson"']}],
        },
        "receivers": [
            {"name": "sre-dispatch", "webhook_configs": [WEBHOOK | {"url": url}]},
            {"name": "people"},
        ],
    }


@dataclass(frozen=True)
class Alertmanager:
    cluster: Cluster
    url: str = URL
    """Of the receiver."""
    interval: str = "20s"
    """After which a group is sent again, and for which a notification is tried."""

    def install(self) -> None:
        """A new one, which remembers nothing of what it has sent before."""
        gone = ("deployment/alertmanager", "--ignore-not-found", "--cascade=foreground", "--timeout=60s")
        self.cluster.kubectl("delete", "-n", "monitoring", *gone)
        labels = {"app.kubernetes.io/name": "alertmanager"}
        here: dict[str, Any] = {"name": "alertmanager", "namespace": "monitoring"}
        container = {
            "name": "alertmanager",
            "image": IMAGE,
            "args": [
                "--config.file=/etc/alertmanager/alertmanager.yml",
                "--storage.path=/tmp",
                "--cluster.listen-address=",
            ],
            "volumeMounts": [
                {"name": "config", "mountPath": "/etc/alertmanager"},
                {"name": "token", "mountPath": "/etc/alertmanager/secrets/sre-dispatch"},
                {"name": "tmp", "mountPath": "/tmp"},
            ],
        }
        volumes = [
            {"name": "config", "configMap": {"name": "alertmanager"}},
            {"name": "token", "secret": {"secretName": "sre-dispatch"}},
            {"name": "tmp", "emptyDir": {}},
        ]
        self.cluster.apply(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": here,
                "data": {"alertmanager.yml": json.dumps(config(self.url, self.interval))},
            },
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": here | {"name": SERVICE},
                "spec": {"selector": labels, "ports": [{"port": 9093}]},
            },
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": here,
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {
                        "metadata": {"labels": labels},
                        "spec": {"containers": [container], "volumes": volumes},
                    },
                },
            },
        )
        self.cluster.kubectl(
            "rollout", "status", "-n", "monitoring", "deployment/alertmanager", "--timeout=90s"
        )

    def fire(self, *alerts: Mapping[str, str]) -> None:
        """Has the alerts, by their labels, fire from now on."""
        now = datetime.now(UTC).isoformat()
        told = [
            {
                "labels": labels,
                "annotations": {"summary": f"{labels['alertname']} is full"},
                "startsAt": now,
            }
            for labels in alerts
        ]
        httpx.post(f"{self._url()}/api/v2/alerts", json=told, timeout=10, trust_env=False).raise_for_status()

    def firing(self) -> list[Any]:
        """What it holds, each alert by its labels."""
        told = httpx.get(f"{self._url()}/api/v2/alerts", timeout=10, trust_env=False).json()
        return [each["labels"] for each in told]

    def counted(self, name: str) -> float:
        """One of its own counters of the webhook, all reasons together."""
        text = httpx.get(f"{self._url()}/metrics", timeout=10, trust_env=False).text
        lines = [
            line
            for line in text.splitlines()
            if line.startswith(f"{name}{{") and 'integration="webhook"' in line
        ]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def _url(self) -> str:
        pods: Sequence[Any] = self.cluster.get(
            "pods", "-n", "monitoring", "-l", "app.kubernetes.io/name=alertmanager"
        )["items"]
        (ready,) = [pod for pod in pods if pod["status"]["phase"] == "Running"]
        return f"http://{ready['status']['podIP']}:9093"
