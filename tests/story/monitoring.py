"""Prometheus and Alertmanager of the story, and the files by which they know their rules and routes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.harness.components import find
from tests.harness.rules import alerting, write
from tests.story import shipped


@dataclass(frozen=True)
class Monitoring:
    prometheus: str
    alertmanager: str
    """Where each answers."""
    rules: Path
    routes: Path
    fitted: Callable[[Any], None]
    """Gives the receivers of Alertmanager's configuration the addresses that are here."""

    def configure(self, rules: Path, *values: Path) -> None:
        """Rules and routes as shipped, waits and addresses apart."""
        write(self.rules, shipped.rules(rules), shipped.sooner(shipped.SCRAPES))
        config = shipped.routes(*values)
        self.fitted(config)
        self.routes.write_text(yaml.safe_dump(config), encoding="utf-8")

    def reload(self, rules: Path, *values: Path) -> None:
        """Puts other rules and routes in force."""
        self.configure(rules, *values)
        for url in (self.prometheus, self.alertmanager):
            httpx.post(f"{url}/-/reload", timeout=10, trust_env=False).raise_for_status()

    def receivers(self, **labels: str) -> str:
        """Who gets an alert with the labels, as amtool says of the configuration in force."""
        told = [f"{name}={value}" for name, value in labels.items()]
        command = [str(find("amtool")), "config", "routes", "test", f"--config.file={self.routes}", *told]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.strip()

    def has_rule(self, alert: str) -> bool:
        return bool(alerting(self.prometheus, alert))

    def state(self, alert: str, claim: str) -> str:
        """Of the alert about the claim, in Prometheus."""
        told = [each for rule in alerting(self.prometheus, alert) for each in rule["alerts"]]
        found = [each["state"] for each in told if each["labels"].get("persistentvolumeclaim") == claim]
        return found[0] if found else "inactive"

    def held(self) -> list[str]:
        """The names of the alerts that Alertmanager has."""
        told = httpx.get(f"{self.alertmanager}/api/v2/alerts", timeout=10, trust_env=False).json()
        return [each["labels"]["alertname"] for each in told]

    def query(self, expression: str) -> list[Any]:
        told = httpx.get(
            f"{self.prometheus}/api/v1/query", params={"query": expression}, timeout=10, trust_env=False
        )
        return list(told.raise_for_status().json()["data"]["result"])
