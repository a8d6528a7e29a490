"""Connections that send half a request, and what becomes of them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

HALF = b"GET / HTTP/1.1\r\nHost: x\r\n"


def connect(url: str, sent: bytes) -> socket.socket:
    """A connection on which so much was sent."""
    address = urlsplit(url)
    line = socket.create_connection((address.hostname or "", address.port or 0), timeout=120)
    line.sendall(sent)
    return line


@contextmanager
def half_open(url: str, number: int) -> Iterator[list[socket.socket]]:
    """So many connections, the oldest first. They stay open until the block ends."""
    with ExitStack() as lines:
        yield [lines.enter_context(connect(url, HALF)) for _ in range(number)]


def all_of(line: socket.socket) -> bytes:
    """Everything that the server sends until it closes the connection."""
    answer = b""
    while chunk := line.recv(4096):
        answer += chunk
    return answer
