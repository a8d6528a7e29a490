"""A Prometheus that scrapes one exporter and evaluates rules, both each second, and the exporter itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests.harness.components import Process, answers, find, wait_until
from tests.harness.loopback import Quiet, serving
from tests.harness.process import free_port

EXTERNAL = {"cluster": "fmc", "replica": "a"}
"""Labels that Prometheus adds to what it sends to Alertmanager, and to nothing else."""


class Exporter(ThreadingHTTPServer):
    """Tells of the samples that the test gives it, in Prometheus' text format; `dead` answers nothing."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Scrape)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.samples: dict[str, str] = {}
        """By series: a value, or a value and its time in milliseconds."""
        self.dead = False


class _Scrape(Quiet):
    server: Exporter

    def do_GET(self) -> None:
        if self.server.dead:
            return
        told = "".join(f"{series} {value}\n" for series, value in dict(self.server.samples).items()).encode()
        self.say(told, Content_Type="text/plain; version=0.0.4")


def write(path: Path, rules: Sequence[Mapping[str, Any]], interval: str) -> None:
    """The rules as a file of Prometheus', evaluated at the interval."""
    groups = [{"name": "test", "interval": interval, "rules": list(rules)}]
    path.write_text(json.dumps({"groups": groups}), encoding="utf-8")  # JSON is YAML


def alerting(url: str, name: str) -> list[Mapping[str, Any]]:
    """The rules of the name, with their active alerts, as the Prometheus at the URL has them."""
    told = httpx.get(f"{url}/api/v1/rules", params={"type": "alert"}, timeout=10, trust_env=False)
    groups = told.json()["data"]["groups"]
    return [rule for group in groups for rule in group["rules"] if rule["name"] == name]


@dataclass
class Ruled:
    """The Prometheus, its exporter, and what it says of its alerts."""

    url: str
    exporter: Exporter
    process: Process
    rules: Path
    interval: str = "1s"
    """Of each evaluation."""

    def write(self, rules: Sequence[Mapping[str, Any]]) -> None:
        write(self.rules, rules, self.interval)

    def reload(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Puts other rules in force."""
        self.write(rules)
        httpx.post(f"{self.url}/-/reload", timeout=10, trust_env=False).raise_for_status()

    def restart(self) -> None:
        self.process.kill()
        self.process.start()

    def scraped(self) -> bool:
        """Whether it has samples of its exporter."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": "up"}, timeout=10, trust_env=False)
        return bool(answer.json()["data"]["result"])

    def alerting(self, name: str) -> list[Mapping[str, Any]]:
        return alerting(self.url, name)

    def fired(self, name: str, **labels: str) -> dict[str, Any]:
        """The event of the alert, once it is active and not pending: what Alertmanager would have sent."""
        wait_until(lambda: bool(self._active(name, labels)), f"{name} to be active")
        rule, alert = self._active(name, labels)[0]
        sent = {"labels": {**alert["labels"], **EXTERNAL}, "generatorURL": f"{self.url}/graph"}
        return {"identity": "", "raw_payload": sent, "alertname": rule["name"]}

    def _active(self, name: str, labels: Mapping[str, str]) -> list[tuple[Mapping[str, Any], Any]]:
        return [
            (rule, alert)
            for rule in self.alerting(name)
            for alert in rule["alerts"]
            if labels.items() <= alert["labels"].items()
        ]


@contextmanager
def ruled(
    folder: Path,
    rules: Sequence[Mapping[str, Any]],
    flags: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    scrape: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Iterator[Ruled]:
    """The Prometheus with the rules, ready; with labels on its target, more on how it is scraped, and more
    in its configuration."""
    address = f"127.0.0.1:{free_port()}"
    with serving(Exporter()) as exporter:
        target = {"targets": [exporter.address], "labels": dict(labels or {})}
        config: dict[str, Any] = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "external_labels": EXTERNAL},
            "rule_files": [str(folder / "rules.yml")],
            "scrape_configs": [{"job_name": "test", "static_configs": [target], **(scrape or {})}],
            **(more or {}),
        }
        (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
        command = [
            str(find("prometheus")),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--web.enable-lifecycle",
            *flags,
        ]
        process = Process(command, folder / "prometheus.log", lambda: answers(f"http://{address}/-/ready"))
        interval = str(config["global"].get("evaluation_interval", "1s"))
        told = Ruled(f"http://{address}", exporter, process, folder / "rules.yml", interval)
        told.write(rules)
        process.start()
        try:
            yield told
        finally:
            process.kill()
