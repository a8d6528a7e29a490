"""`python -m tests.cluster.forward ADDRESS PORT`: what comes to the port goes to the same one on loopback."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress


async def pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    with suppress(OSError):
        target.write_eof()


async def main(address: str, port: int) -> None:
    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(pour(reader, far[1]), pour(far[0], writer))
            far[1].close()
        finally:
            writer.close()

    server = await asyncio.start_server(forward, address, port)
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
