"""The function as it runs: `sre-dispatch serve` in a process of its own, on a port of loopback."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.harness.process import ROOT, free_port, is_ready, stopping

TOKEN = "a-token-of-thirty-two-characters"
SECOND_TOKEN = "another-token-of-some-characters"
READY_SECONDS = 120
OURS = ("SRE_DISPATCH_", "K_", "OPA_", "SRE_DISPATCH_ALERTMANAGER_URL", "HOST", "PORT", "KUBE")


@dataclass
class Server:
    url: str
    process: subprocess.Popen[str]
    jobs: Path
    lines: list[str] = field(default_factory=list)
    """What it has printed so far."""

    def post(self, body: bytes | Any, path: str = "/alertmanager", **headers: str) -> httpx.Response:
        """POST with the accepted token; `headers` by name, underscores for hyphens, "" leaves one out."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in told.items() if value}
        return httpx.post(self.url + path, content=content, headers=sent, timeout=120)

    def said(self, *words: str) -> str:
        """The first line with all the words in it, which may come a moment after the reply."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            for line in list(self.lines):
                if all(word in line for word in words):
                    return line
            time.sleep(0.02)
        raise AssertionError(f"never said {words}:\n" + "".join(self.lines))

    @property
    def audit(self) -> list[dict[str, Any]]:
        """The audit lines of alerts."""
        return [line for line in self._printed() if "decision" in line]

    @property
    def refused(self) -> list[dict[str, Any]]:
        """The audit lines of requests that were refused."""
        return [line for line in self._printed() if "request" in line]

    def peak_mebibytes(self) -> int:
        """The most memory that the process had so far."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:"))

    def _printed(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in list(self.lines) if line.startswith("{")]


def environment(**settings: str) -> dict[str, str]:
    """This process's environment without any setting of ours, and then `settings`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return kept | settings


@contextlib.contextmanager
def serving(
    folder: Path, command: tuple[str, ...] = ("-m", "function", "serve"), **settings: str
) -> Iterator[Server]:
    """The function with a token, the embedded policy and a folder for Jobs, unless `settings` say else."""
    (folder / "token").write_text(TOKEN + "\n", encoding="utf-8")
    (folder / "second").write_text(SECOND_TOKEN, encoding="utf-8")
    port = free_port()
    usual = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "SRE_DISPATCH_TOKEN_FILES": f"{folder / 'token'},{folder / 'second'}",
        "SRE_DISPATCH_POLICY": "embedded",
        "SRE_DISPATCH_JOBS": "folder",
        "SRE_DISPATCH_JOBS_FOLDER": str(folder / "jobs"),
        "SRE_DISPATCH_CLUSTER": "fmc",
    }
    process = subprocess.Popen(
        (sys.executable, *command),
        env=environment(**usual | settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )
    server = Server(f"http://127.0.0.1:{port}", process, folder / "jobs")
    reader = threading.Thread(target=_read, args=(server,), daemon=True)
    reader.start()
    with stopping(process):
        if not is_ready(process, server.url, READY_SECONDS):
            raise AssertionError("not ready:\n" + "".join(server.lines))
        yield server
    reader.join(5)


def refuses_to_start(**settings: str) -> str:
    """What the command prints when it exits with status 2 at once, as these settings must make it."""
    done = subprocess.run(
        (sys.executable, "-m", "function", "serve"),
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=READY_SECONDS,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 2, done
    assert done.stdout == ""
    return done.stderr


def _read(server: Server) -> None:
    assert server.process.stdout is not None
    with contextlib.suppress(ValueError):  # closed while we read: the process has ended
        for line in server.process.stdout:
            server.lines.append(line)
