"""The limits of our HTTP servers that uvicorn does not have: for connections that send no request.

Such a connection needs no token. So each one has a time limit, and the oldest one makes room for a new one.
Health checks are answered, no matter how many connect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import count
from typing import Any

MAX_CONNECTIONS = 256
"""A process may open 1,024 files on many systems. Knative's proxy sends at most ten requests at once."""
BACKLOG = 128
"""How many connections the kernel accepts before the server does. They come on top of MAX_CONNECTIONS."""
HEADER_SECONDS = 5.0
"""The time limit for the headers of a request. It starts with the connection. On a kept connection it starts
with the first byte."""
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 15\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)
_SLOW = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_numbers = count()


class Connection(asyncio.Protocol):
    """What uvicorn's H11Protocol needs beside its own. A connection is idle while no request on it is being
    answered."""

    connections: set[Connection]
    cycle: Any
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    number = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.number = next(_numbers)
        self._start_timer()
        if len(self.connections) > MAX_CONNECTIONS:
            _make_room(self.connections - {self})

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.is_idle:
            self._stop_timer()
        elif self._timer is None:
            self._start_timer()

    @property
    def is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def end(self, reply: bytes) -> None:
        """Close the connection. The reply is sent if a request is expected. On a kept connection it would be
        taken for the reply to the next request."""
        if self._timer is not None and not self.transport.is_closing():
            self.transport.write(reply)
        self.transport.close()
        self.connections.discard(self)

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(HEADER_SECONDS, self.end, _SLOW)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _make_room(connections: set[Connection]) -> None:
    """Close the oldest idle connection. Connections that never sent a request go first."""
    if idle := [each for each in connections if each.is_idle]:
        min(idle, key=lambda each: (each.cycle is not None, each.number)).end(_BUSY)


def options(protocol: type[asyncio.Protocol]) -> Mapping[str, Any]:
    """Returns the options of `uvicorn.run` for both servers. `protocol` is uvicorn's H11Protocol. If all
    connections are busy, a request on a new one is answered with 503."""
    return {
        "http": type("LimitedConnection", (Connection, protocol), {}),
        "limit_concurrency": MAX_CONNECTIONS + 1,
        "backlog": BACKLOG,
        "ws": "none",
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "log_level": "warning",
    }
