"""A Prometheus on loopback that answers queries as a test tells it to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from http.server import ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs

from tests.fakes import NOW
from tests.loopback import Quiet, serving

Reply = tuple[int, bytes]
Told = tuple[Mapping[str, str], str]
"""Labels and a value, as the API writes it."""


class Query(NamedTuple):
    path: str
    authorization: str | None
    form: Mapping[str, list[str]]


class Handler(Quiet):
    protocol_version = "HTTP/1.1"
    server: Stub

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.asked.append(Query(self.path, self.headers["Authorization"], form))
        status, content = self.server.answer(form["query"][0])
        last = {"Connection": "close"} if len(self.server.asked) >= self.server.until else {}
        try:
            self.say(content, status, Location="/elsewhere", **last)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


class Stub(ThreadingHTTPServer):
    """A Prometheus that gives to each query what `answer` says, and ends the connection from the query
    number `until` on."""

    daemon_threads = True

    def __init__(self, answer: Callable[[str], Reply], until: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.until = answer, until
        self.asked: list[Query] = []
        self.connections = 0
        self.url = f"http://127.0.0.1:{self.server_port}"


def stub(answer: Callable[[str], Reply], until: int = 0) -> AbstractContextManager[Stub]:
    return serving(Stub(answer, until))


def vector(*samples: Told) -> Reply:
    result = [{"metric": labels, "value": [NOW.timestamp(), value]} for labels, value in samples]
    return 200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()
