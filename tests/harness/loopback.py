"""HTTP servers of the tests' own on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TypeVar

S = TypeVar("S", bound=ThreadingHTTPServer)


PATIENCE_SECONDS = 60


class Over(Event):
    """Set when the test ends; a server that says nothing waits for it. Where the client waits on, the
    server gives up first, and the test fails."""

    outlasted = False

    def hold(self) -> None:
        self.outlasted |= not self.wait(PATIENCE_SECONDS)

    def moments(self, apart: float) -> Iterator[None]:
        """One after the other, so many seconds apart."""
        for _ in range(int(PATIENCE_SECONDS / apart)):
            if self.wait(apart):
                return
            yield
        self.outlasted = True

    def end(self) -> None:
        self.set()
        assert not self.outlasted, f"the client waited for more than {PATIENCE_SECONDS} s"


class Quiet(BaseHTTPRequestHandler):
    """Keeps the test's output to the test, and says whole answers."""

    def say(self, content: bytes, status: int = 200, **headers: str) -> None:
        """Underscores in the names of headers stand for hyphens."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def handle(self) -> None:
        with suppress(ConnectionError):  # the client may go at any moment
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(server: S) -> Iterator[S]:
    """The server while it serves, from a thread of its own to its end."""
    with server:
        server.socket.settimeout(1)  # else a client that hangs up too early blocks accept() for ever
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
