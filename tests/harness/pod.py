"""An agent's pod without a kubelet: the containers that its tier's file names, as processes on loopback. The
programs are the real ones, and what they are told is what stands in the file, addresses and paths apart."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from tests.harness.components import ApiServer, answers, find, running
from tests.harness.container import KEY, environment
from tests.harness.manifests import CLUSTER
from tests.harness.model import Model, Reply, model
from tests.harness.process import ROOT, free_port

PROGRAMS = {"kubernetes_mcp_server": "kubernetes-mcp-server", "mcp-grafana": "mcp-grafana"}
"""By image."""


@dataclass(frozen=True)
class Ended:
    """How one container ended."""

    status: int
    message: dict[str, Any]
    output: str
    errors: str


@dataclass(frozen=True)
class Ran:
    agent: Ended
    report: Ended
    model: Model
    prepared: Ended | None = None

    def everything(self) -> str:
        """All that is written down anywhere."""
        ends = [each for each in (self.prepared, self.agent, self.report) if each]
        return "".join(each.output + each.errors + json.dumps(each.message) for each in ends)


@dataclass
class Pod:
    folder: Path
    tier: dict[str, Any]
    """Of tier.json; may be changed before it runs."""
    reporting: dict[str, Any]
    """Of report.json; the same."""
    proposes: bool
    given: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    seconds: float = 120
    """For each container, to end."""
    _name: str = ""
    """A new one at each run, as a Job's next pod has."""

    def run(self, *script: Reply, meanwhile: Callable[[Processes, Model], None] | None = None) -> Ran:
        """Runs to the end against a model that says the script."""
        self._write()
        self._name = f"pod-{uuid4()}"
        with model(*script) as asked, ExitStack() as stack:
            prepared = None
            if self.proposes:
                prepared = self._ended("prepare", stack.enter_context(self._start("prepare")))
            key = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": asked.url}
            agent = stack.enter_context(self._start("agent", **key))
            report = stack.enter_context(self._start("report"))
            if meanwhile:
                meanwhile(Processes(agent, report), asked)
            ends = [self._ended("agent", agent), self._ended("report", report)]
        return Ran(ends[0], ends[1], asked, prepared)

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def _write(self) -> None:
        for name in ("dispatch", "work", "git", "home", "tmp", "handoff"):
            path = self.folder / name
            if name in ("work", "git", "handoff"):
                subprocess.run(["rm", "-rf", path], check=True)
            path.mkdir(exist_ok=True)
        for name, text in self.given.items():
            (self.folder / "dispatch" / name).write_text(text, encoding="utf-8")
        for name, told in (("tier", self.tier), ("report", self.reporting)):
            (self.folder / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")

    @contextmanager
    def _start(self, role: str, **more: str) -> Iterator[subprocess.Popen[str]]:
        usual = environment(self.folder, f"end-{role}") | {"HOSTNAME": self._name}
        command = (sys.executable, "-m", "function.runner", role)
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, env=usual | more | self.environment, cwd=ROOT, **pipes)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def _ended(self, role: str, process: subprocess.Popen[str]) -> Ended:
        output, errors = process.communicate(timeout=self.seconds)
        termination = self.folder / f"end-{role}"
        message = json.loads(termination.read_text(encoding="ascii")) if termination.exists() else {}
        termination.unlink(missing_ok=True)
        return Ended(process.returncode, message, output, errors)


@dataclass(frozen=True)
class Processes:
    agent: subprocess.Popen[str]
    report: subprocess.Popen[str]


@contextmanager
def pod(
    tier: str, folder: Path, api: ApiServer, addresses: Mapping[str, str], secrets: Mapping[str, str]
) -> Iterator[Pod]:
    """The pod of the tier with its servers running. `addresses` replaces what stands in its files, and
    `secrets` holds by file name what the Secrets of its volumes would."""
    objects = yaml.safe_load_all((ROOT / "knative" / "tiers" / f"{tier}.yaml").read_text(encoding="utf-8"))
    by_kind = {each["kind"]: each for each in objects}
    spec = by_kind["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]
    for name, secret in secrets.items():
        (folder / name).write_text(secret + "\n", encoding="utf-8")
    replaced = dict(addresses) | {
        "/etc/sre-agent-reader/token": str(folder / "reader-token"),
        "/etc/sre-agent-report/": f"{folder}/",
    }
    files = {name: _with(text, replaced) for name, text in by_kind["ConfigMap"]["data"].items()}
    kubeconfig = api.kubeconfig_of("sre-agents", spec["spec"]["serviceAccountName"], folder)
    with ExitStack() as stack:
        for container in spec["spec"]["initContainers"]:
            if container.get("restartPolicy") == "Always":
                here = stack.enter_context(
                    _server(container, folder / container["name"], kubeconfig, files, replaced)
                )
                files["tier.json"] = _with(files["tier.json"], {_url(container): here})
        yield Pod(
            folder,
            json.loads(files["tier.json"]),
            json.loads(files["report.json"]),
            any(each["name"] == "prepare" for each in spec["spec"]["initContainers"]),
            {
                name.removeprefix("sre-dispatch/"): text
                for name, text in spec["metadata"]["annotations"].items()
            },
        )


def _with(text: str, replaced: Mapping[str, str]) -> str:
    for old, new in replaced.items():
        text = text.replace(old, new)
    return text


def _url(container: Mapping[str, Any]) -> str:
    """Where the tier's file says that the server is."""
    found = re.search(r"(?:--port=|--address=127\.0\.0\.1:)(\d+)", " ".join(container["args"]))
    assert found
    return f"http://127.0.0.1:{found[1]}"


@contextmanager
def _server(
    container: Mapping[str, Any],
    own: Path,
    kubeconfig: Path,
    files: Mapping[str, str],
    replaced: Mapping[str, str],
) -> Iterator[str]:
    """The sidecar as a process, with a folder of its own; yields its URL."""
    program = PROGRAMS[re.split(r"[/:]", container["image"])[-2]]
    port = free_port()
    own.mkdir()
    for name, text in files.items():
        (own / name).write_text(text, encoding="utf-8")
    arguments = [
        _with(each, {"/etc/mcp/": f"{own}/"}).replace(_url(container).rpartition(":")[2], str(port))
        for each in container["args"]
    ]
    environment = {"HOME": str(own)} | {
        each["name"]: _with(each["value"], replaced) if "value" in each else replaced[each["name"]]
        for each in container.get("env", ())
    }
    if program == "kubernetes-mcp-server":
        arguments.append(f"--kubeconfig={kubeconfig}")
    url = f"http://127.0.0.1:{port}"
    with running([str(find(program)), *arguments], own, lambda: answers(f"{url}/healthz"), environment):
        yield url


def given_of(delivery: str) -> dict[str, str]:
    """Event, decision and prompt of the Job that the delivery leads to, in a cluster that has a name."""
    job = yaml.safe_load((ROOT / "tests/golden" / delivery / "job.yaml").read_text(encoding="utf-8"))
    annotations = job["spec"]["template"]["metadata"]["annotations"]
    given = {name.removeprefix("sre-dispatch/"): text for name, text in annotations.items()}
    return given | {"event": json.dumps(json.loads(given["event"]) | {"cluster": CLUSTER})}
