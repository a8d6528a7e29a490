"""The agent's container without a cluster: the files that a Job brings along, the runner as a process of its
own, the real Claude Code, a scripted model, and the world model as its MCP server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.harness.components import find
from tests.harness.default_model import MODEL
from tests.harness.model import Model, Reply, model
from tests.harness.process import ROOT
from tests.harness.worldmodel import WorldModel

KEY = "sk-model-key-of-the-test-0001"
IDENTITY = "ab" * 32
PROMPT = "# The task\n\nFind out why typedb-data fills.\n"
WORLD_TOOLS = ("get_resource_context", "list_outcomes")


@dataclass
class Run:
    """What is left of a run."""

    status: int
    message: dict[str, Any]
    """The termination message."""
    output: str
    errors: str
    model: Model
    work: Path

    @property
    def transcript(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.splitlines()]

    def everything(self) -> str:
        """All that is written down anywhere."""
        return self.output + self.errors + json.dumps(self.message)


@dataclass
class Container:
    """Its files are made in `folder`; `tier` and `given` may be changed before it runs."""

    folder: Path
    tier: dict[str, Any]
    given: dict[str, str] = field(
        default_factory=lambda: {
            "prompt": PROMPT,
            "event": json.dumps({"identity": IDENTITY}),
            "decision": json.dumps({"mode": "investigate", "grant": {"tier": "investigate"}}),
        }
    )
    environment: dict[str, str] = field(default_factory=dict)
    seconds: float = 90
    """In which it must end."""

    def run(
        self,
        *script: Reply,
        meanwhile: Callable[[subprocess.Popen[str], Model], None] | None = None,
        counts_tokens: bool = True,
    ) -> Run:
        """Runs to the end against a model that says the script."""
        work = self._files()
        with model(*script, counts_tokens=counts_tokens) as asked:
            process = subprocess.Popen(
                (sys.executable, "-m", "function.runner", "agent"),
                env=self._environment(asked.url),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
            try:
                if meanwhile:
                    meanwhile(process, asked)
                output, errors = process.communicate(timeout=self.seconds)
            finally:
                process.kill()
        message = json.loads((self.folder / "termination").read_text(encoding="ascii"))
        return Run(process.returncode, message, output, errors, asked, work)

    def _files(self) -> Path:
        for name in ("dispatch", "work", "home", "tmp"):
            (self.folder / name).mkdir(exist_ok=True)
        for name, text in self.given.items():
            (self.folder / "dispatch" / name).write_text(text, encoding="utf-8")
        (self.folder / "tier.json").write_text(json.dumps(self.tier), encoding="utf-8")
        return self.folder / "work"

    def _environment(self, url: str) -> Mapping[str, str]:
        usual = environment(self.folder) | {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url}
        return {name: value for name, value in {**usual, **self.environment}.items() if value}


def environment(folder: Path, termination: str = "termination") -> dict[str, str]:
    """Of a container all of whose paths are in the folder."""
    paths = {"INPUTS": "dispatch", "WORK": "work", "GIT": "git", "HANDOFF": "handoff"}
    return {f"SRE_DISPATCH_AGENT_{name}": str(folder / path) for name, path in paths.items()} | {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "SRE_DISPATCH_AGENT_TIER": str(folder),
        "SRE_DISPATCH_AGENT_PROGRAM": str(find("claude")),
        "SRE_DISPATCH_AGENT_TERMINATION_LOG": str(folder / termination),
        "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
    }


def investigating(world: WorldModel, **changes: Any) -> dict[str, Any]:
    """The tier that only reads, with the world model as its one server and the tools that search long
    answers."""
    server = {
        "url": f"{world.url}/mcp",
        "tools": [*WORLD_TOOLS],
        "token_file": str(world.folder / "reader"),
    }
    tier = {"mode": "investigate", "model": MODEL, "servers": {"world": server}, "seconds": 60}
    return tier | {"built_in": ["Read", "Grep"]} | changes
