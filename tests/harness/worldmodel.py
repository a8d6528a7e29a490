"""The world model as it runs: `sre-dispatch worldmodel` in a process of its own, on a port of loopback."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.harness.process import ROOT, free_port, is_ready, stopping
from tests.harness.server import environment

READER = "a-token-of-those-who-ask"
WRITER = "a-token-of-those-who-record"
READY_SECONDS = 120


@dataclass
class WorldModel:
    url: str
    folder: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[str]

    def start(self) -> None:
        """Brings it back after its end, at the same address."""
        self.process = _started(self.folder, self.environment)
        if not is_ready(self.process, self.url, READY_SECONDS):
            raise AssertionError(f"not ready:\n{self.log}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def file(self) -> Path:
        return self.folder / "world.db"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    def post(self, message: Any, token: str = READER, path: str = "/jsonrpc") -> httpx.Response:
        """POST as a bare JSON-RPC client would; "" sends no token, bytes go as they are."""
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        content = message if isinstance(message, bytes) else json.dumps(message).encode()
        return httpx.post(self.url + path, content=content, headers=headers, timeout=120)

    def ask(self, method: str, parameters: Mapping[str, Any], token: str = READER) -> Any:
        """The answer to one JSON-RPC request."""
        asked = {"jsonrpc": "2.0", "id": 7, "method": method, "params": parameters}
        return self.post(asked, token).json()

    def call(self, tool: str, arguments: Mapping[str, Any], token: str = READER) -> Any:
        """What the tool says, by bare JSON-RPC."""
        return self.ask("tools/call", {"name": tool, "arguments": arguments}, token)["result"][
            "structuredContent"
        ]


@contextlib.contextmanager
def world_model(folder: Path, **settings: str) -> Iterator[WorldModel]:
    """The server with both tokens and, unless `settings` say else, no cluster and no Prometheus."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, token in (("reader", READER), ("writer", WRITER)):
        (folder / name).write_text(token + "\n", encoding="utf-8")
    port = free_port()
    usual = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "SRE_DISPATCH_WORLD_MODEL_FILE": str(folder / "world.db"),
        "SRE_DISPATCH_WORLD_MODEL_READER_TOKEN_FILES": str(folder / "reader"),
        "SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES": str(folder / "writer"),
        "KUBECONFIG": str(folder / "none"),
    }
    told = environment(**usual | settings)
    found = WorldModel(f"http://127.0.0.1:{port}", folder, told, _started(folder, told))
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: _stopped(found.process))
        if not is_ready(found.process, found.url, READY_SECONDS):
            raise AssertionError(f"not ready:\n{found.log}")
        yield found


def _started(folder: Path, told: Mapping[str, str]) -> subprocess.Popen[str]:
    command = (sys.executable, "-m", "function", "worldmodel")
    with (folder / "log").open("a", encoding="utf-8") as log:
        return subprocess.Popen(command, env=told, stdout=log, stderr=log, text=True, cwd=ROOT)


def _stopped(process: subprocess.Popen[str]) -> None:
    with stopping(process):
        pass
