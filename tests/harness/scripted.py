"""An HTTP server that does with each request what the test says, and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from tests.harness.loopback import Over, Quiet, serving


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Message
    content: bytes
    client: tuple[str, int]
    """Who asked: the same for all requests of one connection."""

    @property
    def body(self) -> Any:
        """The JSON of the content, None where there is no content."""
        return json.loads(self.content or b"null")

    @property
    def form(self) -> Mapping[str, list[str]]:
        return parse_qs(self.content.decode())


class Request(Quiet):
    """One request to the server, and how it may be answered."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Scripted
    asked: Asked

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked = Asked(self.command, self.path, self.headers, content, self.client_address)
        self.server.requests.append(self.asked)
        try:
            self.server.answer(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client has had enough

    do_GET = do_PUT = do_PATCH = do_DELETE = do_POST

    def reply(self, body: object = b"", status: int = 200, **headers: str) -> None:
        """Bytes as they are, anything else as JSON; underscores in the names of headers stand for hyphens."""
        self.say(body if isinstance(body, bytes) else json.dumps(body).encode(), status, **headers)

    def drip(self, data: bytes) -> None:
        """The same again and again, a little apart, until the client has gone or the test ends."""
        for _ in self.server.over.moments(0.05):
            self.wfile.write(data)

    def hold(self) -> None:
        """Silence, until the test ends."""
        self.server.over.hold()
        self.close_connection = True


Answer = Callable[[Request], None]


class Scripted(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.answer = answer
        self.requests: list[Asked] = []
        self.over = Over()
        self.url = f"http://127.0.0.1:{self.server_port}"


@contextmanager
def scripted(answer: Answer) -> Iterator[Scripted]:
    """The server, which answers each request so; the test may give it another answer on the way."""
    with serving(Scripted(answer)) as server:
        try:
            yield server
        finally:
            server.over.end()
