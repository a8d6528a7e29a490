"""Alerts that a real Alertmanager is sent, and where it sends them on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

ROUTE = """
route:
  receiver: "null"
  group_by: [alertname, namespace]
  group_wait: {wait}
  group_interval: {interval}
  repeat_interval: {repeat}
  routes:
    - matchers: [alertname=~"PVCUsageHigh|PVCUsageCritical"]
      receiver: sre-dispatch
receivers:
  - name: "null"
  - name: sre-dispatch
    webhook_configs:
      - url: {url}/alertmanager
        send_resolved: false
        timeout: 14s
        http_config:
          follow_redirects: false
          authorization:
            credentials_file: {token}
"""


def alert(
    claim: str,
    name: str = "PVCUsageHigh",
    severity: str = "warning",
    starts: datetime | None = None,
    namespace: str = "f3iai",
) -> Any:
    """An alert as Prometheus sends it to Alertmanager's API."""
    return {
        "labels": {
            "alertname": name,
            "namespace": namespace,
            "persistentvolumeclaim": claim,
            "severity": severity,
            "node": "fmc-worker-2",
        },
        "annotations": {"summary": f"PVC {claim} is 75.2% full"},
        "startsAt": (starts or datetime.now(UTC)).isoformat(),
        "endsAt": (datetime.now(UTC) + timedelta(minutes=5)).isoformat(),
    }


def fire(url: str, *alerts: Any) -> None:
    httpx.post(f"{url}/api/v2/alerts", json=list(alerts), timeout=5).raise_for_status()
