"""A real Alertmanager in the namespace monitoring, where kube-prometheus-stack has one, with our receiver."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.cluster.cluster import Cluster
from tests.cluster.stack import alertmanager
from tests.harness.helm import PATCH, VALUES, configuration

(RECEIVER,) = [told for told in configuration(VALUES, PATCH)["receivers"] if told["name"] == "sre-dispatch"]
(WEBHOOK,) = RECEIVER["webhook_configs"]
URL: str = WEBHOOK["url"]


def config(url: str, interval: str) -> Mapping[str, Any]:
    """All goes to the receiver that we ship, at the url and sooner; the function's own notices to nobody. No
    alert ends by itself: Alertmanager counts that as a notification, and sends this receiver none."""
    return {
        "global": {"resolve_timeout": "4h"},
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

    @contextmanager
    def running(self) -> Iterator[Alertmanager]:
        """A new one, which remembers nothing of what it has sent before."""
        program = alertmanager(self.cluster)
        try:
            program.start({"alertmanager.yml": json.dumps(config(self.url, self.interval))})
            yield self
        finally:
            program.stop()

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
        self._ask("POST", "/api/v2/alerts", json=told)

    def firing(self) -> list[Any]:
        """What it holds, each alert by its labels."""
        told = self._ask("GET", "/api/v2/alerts").json()
        return [each["labels"] for each in told]

    def counted(self, name: str) -> float:
        """One of its own counters of the webhook, all reasons together."""
        text = self._ask("GET", "/metrics").text
        lines = [
            line
            for line in text.splitlines()
            if line.startswith(f"{name}{{") and 'integration="webhook"' in line
        ]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        url = alertmanager(self.cluster).url + path
        return httpx.request(method, url, timeout=10, trust_env=False, **more).raise_for_status()
