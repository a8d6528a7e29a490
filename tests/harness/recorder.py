"""Between Alertmanager and the gateway: passes each request on, and remembers what became of it."""

from __future__ import annotations

import json
import select
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import ThreadingHTTPServer

import httpx

from tests.harness.loopback import Quiet, serving


@dataclass(frozen=True)
class Attempt:
    """One request of Alertmanager's."""

    group: str
    alerts: int
    status: int
    """Of the answer; 502 where the other side gave none."""
    body: str
    was_heard: bool
    """Whether Alertmanager still waited for the answer. It gives up after 14 s, and when its own time for the
    notification is up, which is the group_interval."""

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300 and self.was_heard


class Recorder(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # each group has its own connection

    def __init__(self, address: str, url: str) -> None:
        super().__init__((address, 0), Pass)
        self.passes_to = url
        self.attempts: list[Attempt] = []

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}/alertmanager"

    def refused(self) -> list[Attempt]:
        return [each for each in list(self.attempts) if not each.accepted]


class Pass(Quiet):
    server: Recorder

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        told = json.loads(content)
        kept = {name: self.headers[name] for name in ("Authorization", "Content-Type")}
        try:
            reply = httpx.post(
                self.server.passes_to, content=content, headers=kept, timeout=60, trust_env=False
            )
            status, body = reply.status_code, reply.text
        except httpx.TransportError as error:
            status, body = 502, type(error).__name__
        heard = not select.select([self.connection], [], [], 0)[0]  # it sends nothing more but its end
        self.server.attempts.append(Attempt(told["groupKey"], len(told["alerts"]), status, body, heard))
        if heard:
            self.say(body.encode(), status)


@contextmanager
def recording(address: str, url: str) -> Iterator[Recorder]:
    """A recorder at an address that pods reach."""
    with serving(Recorder(address, url)) as recorder:
        yield recorder
