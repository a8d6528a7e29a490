"""Runs the function in a process of its own, on a loopback port. The process ends when the demo ends, even
after Ctrl-C or a signal."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from function.shared.errors import Misconfigured, Unavailable

HOST = "127.0.0.1"
PACKAGES = Path(__file__).resolve().parents[3]
"""The folder that contains the package `function`. A process that starts there imports the same package."""
READY_SECONDS = 60
REPLY_SECONDS = 60
GRACE_SECONDS = 10
FAILED = "sre-dispatch: failed: "


@dataclass(frozen=True)
class Function:
    port: int
    output: Path

    def post(self, body: bytes) -> tuple[int, list[Any]]:
        """Sends a delivery as Alertmanager does. Returns the status of the reply, and the new audit lines of
        alerts. Raises Unavailable if there is no reply."""
        before = len(self._audit())
        try:
            status = _ask(self.port, "POST", "/alertmanager", body)
        except (OSError, HTTPException) as error:
            raise Unavailable("no_reply", f"the function did not answer: {type(error).__name__}") from None
        return status, self._audit()[before:]

    def _audit(self) -> list[Any]:
        """Returns the audit lines of alerts. Lines about refused requests have no decision."""
        lines = self.output.read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in found if "decision" in line]


def free_port(wanted: int | None) -> int:
    """Returns the wanted port, or any free port. Raises Misconfigured if another program uses the wanted
    port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the function will do
        try:
            probe.bind((HOST, wanted or 0))
        except OSError as error:
            raise Misconfigured(
                f"port {wanted} cannot be used ({error.strerror}): end the program that uses it, name "
                "another port with --port, or leave --port out"
            ) from None
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(environment: Mapping[str, str], port: int) -> Iterator[Function]:
    """Starts the function and waits until it is ready. Raises Unavailable with the function's error message
    if the function does not start."""
    with tempfile.TemporaryDirectory(prefix="sre-dispatch-demo-") as name, _exit_on_signals():
        output, errors = Path(name) / "output", Path(name) / "errors"
        command = (sys.executable, "-m", "function", "serve", "--host", HOST, "--port", str(port))
        with output.open("wb") as out, errors.open("wb") as err:
            process = subprocess.Popen(  # noqa: S603  ourselves
                command, env=dict(environment), cwd=PACKAGES, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )
        with _ending(process):
            if not _is_ready(process, port):
                raise Unavailable("not_started", f"the function did not start: {_last_line(errors)}")
            yield Function(port, output)


def _last_line(errors: Path) -> str:
    """Returns the last line on standard error. It is the reason for which the function ended."""
    lines = errors.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1].removeprefix(FAILED) if lines else "it printed no error message"


def _is_ready(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, HTTPException):
            if _ask(port, "GET", "/health/readiness") == HTTPStatus.OK:
                return True
        time.sleep(0.05)
    return False


def _ask(port: int, method: str, path: str, body: bytes | None = None) -> int:
    """Returns the status of the reply. The standard library's client starts ten times as fast as httpx."""
    connection = HTTPConnection(HOST, port, timeout=REPLY_SECONDS)
    with contextlib.closing(connection):
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        return connection.getresponse().status


@contextlib.contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ends the process at the end of the block. A second Ctrl-C kills it without waiting."""
    try:
        yield
    finally:
        try:
            process.terminate()
            process.wait(GRACE_SECONDS)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
            process.wait()


@contextlib.contextmanager
def _exit_on_signals() -> Iterator[None]:
    """Lets SIGTERM and SIGHUP end the demo as Ctrl-C does. Their default action would leave the function
    running."""

    def leave(number: int, _: object) -> None:
        sys.exit(128 + number)

    heard = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, leave) for each in heard}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
