"""Processes that the tests start: a port for each, and an end to each."""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
TIER_FILES = [
    path for path in sorted((ROOT / "knative" / "tiers").glob("*.yaml")) if path.stem != "kustomization"
]


def free_port() -> int:
    """A port that nobody listens on, from below the range that the kernel gives to outgoing connections."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def is_ready(process: subprocess.Popen[str], url: str, seconds: float) -> bool:
    """Whether the function at `url` becomes ready within the time, and before its process ends."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health/readiness", timeout=1).is_success:
                return True
        except httpx.TransportError:
            time.sleep(0.05)
    return False


@contextlib.contextmanager
def stopping(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Ends the process when the block ends: SIGTERM first, SIGKILL after ten seconds."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()
