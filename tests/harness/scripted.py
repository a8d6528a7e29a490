"""An HTTP server that does with each request what the test says."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from email.message import Message
from http.server import ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.harness.loopback import Quiet, serving


class Asked(NamedTuple):
    path: str
    headers: Message
    body: Any


class Request(Quiet):
    """One connection to the stub, and how it may answer on it."""

    protocol_version = "HTTP/1.1"
    server: Stub

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(Asked(self.path, self.headers, body))
        try:
            self.server.answer(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the adapter has had enough

    def reply(self, body: object, status: int = 200, **headers: str) -> None:
        self.say(body if isinstance(body, bytes) else json.dumps(body).encode(), status, **headers)


class Stub(ThreadingHTTPServer):
    """Answers what no OPA would."""

    daemon_threads = True

    def __init__(self, answer: Callable[[Request], None]) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.answer = answer
        self.requests: list[Asked] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


def stub(answer: Callable[[Request], None]) -> AbstractContextManager[Stub]:
    return serving(Stub(answer))
