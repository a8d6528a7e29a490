"""The web edge in the test's process: a request in, a reply out, without a socket."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.requests import Request

from function.dispatch.ports import Dependencies
from function.dispatch.settings import Settings
from tests.harness.server import OURS

LAPTOP = {
    "HOST": "127.0.0.1",
    "SRE_DISPATCH_AUTH": "none",
    "SRE_DISPATCH_POLICY": "opa",
    "SRE_DISPATCH_OPA_URL": "http://127.0.0.1:1",
    "SRE_DISPATCH_JOBS": "folder",
}
"""The services of these settings are not used: each request brings its own."""
JSON = {"content-type": "application/json"}
MAX_REPLY = 1024


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """function.main reads its settings while it is imported."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(OURS):
                patch.delenv(name)
        for name, value in LAPTOP.items():
            patch.setenv(name, value)
        yield


with _environment():
    from function import main

SETTINGS = Settings.read(LAPTOP)
log = logging.getLogger("sre-dispatch")


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes
    printed: str
    """What the function wrote to standard output."""
    logged: str

    @property
    def outcomes(self) -> dict[str, int]:
        """How many alerts had each outcome."""
        return dict(json.loads(self.content)["outcomes"])

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The audit lines."""
        return [json.loads(line) for line in self.printed.splitlines()]

    @property
    def whole(self) -> str:
        """Head and body of the reply."""
        return f"{self.status} {dict(self.headers)} {self.content.decode()}"


def post(
    app: Dependencies, body: bytes, headers: Mapping[str, str] = JSON, path: str = "/alertmanager"
) -> Reply:
    """Returns the reply to a POST. An error that is no Exception, such as a killed process, is raised."""
    printed, logged = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(logged)
    log.addHandler(handler)
    try:
        with contextlib.redirect_stdout(printed):
            sent = asyncio.run(_exchange(app, body, headers, path))
    finally:
        log.removeHandler(handler)
    start, *rest = sent
    told = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    content = b"".join(message.get("body", b"") for message in rest)
    return Reply(start["status"], told, content, printed.getvalue(), logged.getvalue())


async def _exchange(
    app: Dependencies, body: bytes, headers: Mapping[str, str], path: str
) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    parts = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        return next(parts)

    async def send(message: Any) -> None:
        sent.append(message)

    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": encoded,
        "server": ("127.0.0.1", 8080),
    }
    response = await main.answer(Request(scope, receive), SETTINGS, app)
    await response(scope, receive, send)
    return sent
