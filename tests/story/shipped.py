"""The rules and routes that are shipped, with every duration divided by one factor: a minute is a second."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from tests.harness.helm import MONITORING, configuration, load
from tests.harness.manifests import CLUSTER

FACTOR = 60
RULES = MONITORING / "pvc-usage-alerts.yaml"
MORE_RULES = MONITORING.parent / "components" / "volume-alerts" / "pvc-usage-alerts.yaml"
BY_TREND = "PVCFillsWithinDay"
"""Left out: volumes that fill within a minute fill within a day, and this would say so of each."""
SCRAPES = "30s"
"""The chart's interval of scrapes and evaluations."""
RESEND = "1m"
"""After which Prometheus tells Alertmanager again of what still fires."""

MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
WAITS = {"for", "keep_firing_for", "group_wait", "group_interval", "repeat_interval", "resolve_timeout"}


def sooner(duration: str) -> str:
    """A duration of Prometheus' divided by the factor."""
    parts = re.findall(r"(\d+)(ms|[smhd])", duration)
    if not parts or "".join(map("".join, parts)) != duration:
        raise ValueError(f"{duration!r} is no duration")
    total = sum(int(number) * MILLISECONDS[unit] for number, unit in parts) // FACTOR
    return f"{total // 1000}s" if total % 1000 == 0 else f"{total}ms"


def compressed(told: Any) -> Any:
    """The same, in which everything that waits waits less."""
    if isinstance(told, Mapping):
        return {
            name: sooner(value) if name in WAITS and isinstance(value, str) else compressed(value)
            for name, value in told.items()
        }
    return [compressed(each) for each in told] if isinstance(told, list) else told


def rules(path: Path) -> list[Any]:
    found = [rule for group in load(path)["spec"]["groups"] for rule in group["rules"]]
    return [compressed(rule) for rule in found if rule.get("alert") != BY_TREND]


def prometheus(alertmanager: str) -> dict[str, Any]:
    """Prometheus' configuration as the operator makes it, but for what is scraped."""
    every = sooner(SCRAPES)
    return {
        "global": {
            "scrape_interval": every,
            "scrape_timeout": every,
            "evaluation_interval": every,
            "external_labels": {"prometheus": "monitoring/kube-prom-stack-kube-prome-prometheus"},
        },
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
    }


def resend() -> str:
    """The flag of Prometheus'."""
    return f"--rules.alert.resend-delay={sooner(RESEND)}"


def routes(*files: Path) -> Any:
    """What Alertmanager is given by these values files."""
    return compressed(deepcopy(configuration(*files)))


def overlay(folder: Path) -> Path:
    """The policy overlay that the monitoring page shows, in the folder, for the test cluster."""
    page = (MONITORING / "README.md").read_text(encoding="utf-8")
    block = re.search(r"^    [\w-]+:\n      alertname: PVCUsageRising\n(?:      .*\n)+", page, re.M)
    assert block, "knative/monitoring/README.md shows no enrolment of PVCUsageRising"
    path = folder / "config" / "autonomy" / "enrolled" / "data.yaml"
    path.parent.mkdir(parents=True)
    enrolment = textwrap.dedent(block[0]).replace("cluster: eu-1", f"cluster: {CLUSTER}")
    path.write_text(enrolment, encoding="utf-8")
    return folder
