"""A TCP proxy that closes a connection now and then, in the middle of whatever passes. It reads no message.
So it costs little, and it works with TLS too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from tests.harness.event_loop import event_loop
from tests.harness.process import free_port

CHUNK = 64 * 1024


class Cuts:
    """Listens for one dependency. `cut` makes it close a connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname, parts.port
        self._here = free_port()
        self.url = f"{parts.scheme}://127.0.0.1:{self._here}"
        self._chunks_left: int | None = None
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self, after_chunks: int) -> None:
        """Close the connection on which this many chunks from now pass, in any direction."""
        self._chunks_left = after_chunks

    def heal(self) -> bool:
        """Cut nothing from now on. Returns whether the last cut has happened."""
        left, self._chunks_left = self._chunks_left, None
        return left is None

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._here)

    async def close(self) -> None:
        """Close the port and all connections."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
            both = (writer, far_writer)
            self._writers.update(both)
            await asyncio.gather(
                self._pumped(reader, far_writer, both), self._pumped(far_reader, writer, both)
            )
        writer.close()

    async def _pumped(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        both: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if self._is_due():
                    for end in both:
                        end.transport.abort()
                    return
                writer.write(data)
                await writer.drain()
            writer.close()

    def _is_due(self) -> bool:
        if self._chunks_left is None:
            return False
        self._chunks_left -= 1
        if self._chunks_left > 0:
            return False
        self._chunks_left = None
        return True


@contextmanager
def cutting(*urls: str) -> Iterator[list[Cuts]]:
    """One proxy for each dependency."""
    with event_loop() as loop:
        proxies = [Cuts(url) for url in urls]
        for proxy in proxies:
            asyncio.run_coroutine_threadsafe(proxy.listen(), loop).result()
        try:
            yield proxies
        finally:
            for proxy in proxies:
                asyncio.run_coroutine_threadsafe(proxy.close(), loop).result()
