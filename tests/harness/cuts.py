"""A TCP proxy that closes a connection now and then, in the middle of whatever passes. It reads no message.
So it costs little, and it works with TLS too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from urllib.parse import urlsplit

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

    def cut(self, after_chunks: int) -> None:
        """Close the connection on which this many chunks from now pass, in any direction."""
        self._chunks_left = after_chunks

    def heal(self) -> bool:
        """Cut nothing from now on. Returns whether the last cut has happened."""
        left, self._chunks_left = self._chunks_left, None
        return left is None

    async def serve(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, "127.0.0.1", self._here)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
            both = (writer, far_writer)
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
    """One proxy for each dependency, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    proxies = [Cuts(url) for url in urls]
    servers = [asyncio.run_coroutine_threadsafe(proxy.serve(), loop).result(10) for proxy in proxies]
    try:
        yield proxies
    finally:
        for server in servers:
            loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
