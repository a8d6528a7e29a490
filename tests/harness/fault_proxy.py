"""Proxies between a program and the real dependencies that it calls. The test says what becomes of each call.

A proxy reads whole HTTP/1.1 messages, so a fault can apply to one call, and the test can wait for this call.
A call over TLS is decrypted with the certificate and the key of the real server.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.harness.event_loop import event_loop
from tests.harness.process import free_port

LARGEST_HEAD = 1024 * 1024
RESET = struct.pack("ii", 1, 0)
"""With this value of SO_LINGER, the kernel closes a connection with RST instead of FIN."""


@dataclass(frozen=True)
class Target:
    """A dependency: where it is, and the certificate with which it answers over TLS. The key is in a file of
    the same name that ends with `.key`."""

    url: str
    certificate: Path | None = None


class Call:
    """One request, and what a fault can do with it."""

    def __init__(
        self, proxy: FaultProxy, request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.method, self.path = request.split(b" ", 2)[0].decode(), request.split(b" ", 2)[1].decode()
        self.request = request
        self.status: int | None = None
        """The status of the dependency's answer. It is None as long as there is none."""
        self._proxy, self._reader, self._writer = proxy, reader, writer

    async def ask(self) -> bytes:
        """Pass the request on, and return the dependency's whole answer."""
        reader, writer = await self._proxy.connect()
        try:
            writer.write(self.request)
            answer = await _message(reader)
        finally:
            writer.transport.abort()
        self.status = int(answer.split(b" ", 2)[1])
        return answer

    async def answer(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def close(self) -> None:
        """End the connection in the usual way, after all that was written."""
        self._writer.close()

    def reset(self) -> None:
        """End the connection at once, with RST."""
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._writer.transport.abort()

    async def gone(self) -> None:
        """Return when the client has left."""
        with suppress(ConnectionError):
            await self._reader.read()
        self._writer.close()


Fault = Callable[[Call], Awaitable[None]]


async def passing(call: Call) -> None:
    await call.answer(await call.ask())


class FaultProxy:
    """Listens on a port of its own for one dependency."""

    def __init__(self, loop: asyncio.AbstractEventLoop, target: Target) -> None:
        self.fault: Fault = passing
        """What becomes of the next calls. The test can change it at any time."""
        self.calls: list[Call] = []
        """All calls so far, in the order of their arrival."""
        self._loop, self._port, self._target = loop, free_port(), urlsplit(target.url)
        self.url = f"{self._target.scheme}://127.0.0.1:{self._port}"
        self._inward, self._outward = _contexts(target.certificate)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    def listen(self) -> None:
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def refuse(self) -> None:
        """Close the port and all connections. `listen` opens the port again."""
        asyncio.run_coroutine_threadsafe(self._refuse(), self._loop).result()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Returns a new connection to the dependency."""
        host, port = self._target.hostname, self._target.port
        return await asyncio.open_connection(host, port, ssl=self._outward, limit=LARGEST_HEAD)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._serve, "127.0.0.1", self._port, ssl=self._inward, limit=LARGEST_HEAD
            )

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while not writer.is_closing():
                call = Call(self, await _message(reader), reader, writer)
                self.calls.append(call)
                await self.fault(call)
        writer.close()


def _contexts(certificate: Path | None) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
    """Returns the TLS of the side of the client, and that of the side of the dependency."""
    if certificate is None:
        return None, None
    inward = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    inward.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return inward, ssl.create_default_context(cafile=certificate)


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Returns a whole request or answer, as it came."""
    head = await reader.readuntil(b"\r\n\r\n")
    if re.search(rb"\r\ntransfer-encoding: *chunked\r\n", head, re.I):
        return head + await _chunks(reader)
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
    return head + await reader.readexactly(int(length[1]) if length else 0)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    data, size = bytearray(), 1
    while size:
        line = await reader.readuntil(b"\r\n")
        size = int(line, 16)
        data += line + await reader.readexactly(size + 2)
    return bytes(data)


@contextmanager
def fault_proxies(targets: Sequence[Target]) -> Iterator[list[FaultProxy]]:
    """One proxy for each dependency. They share a thread, so their calls have one order."""
    with event_loop() as loop:
        proxies = [FaultProxy(loop, target) for target in targets]
        try:
            for proxy in proxies:
                proxy.listen()
            yield proxies
        finally:
            for proxy in proxies:
                proxy.refuse()
