"""The faults of a dependency, for the proxies of fault_proxy.py."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import Future
from threading import Event

from tests.harness.fault_proxy import Call, Fault, FaultProxy, passing

DRIP_SECONDS = 0.05
GARBAGE = b"\x16\x03\x01 this is no HTTP \xff\xfe\r\n\r\n" * 20
FLOOD_BYTES = 100 * 1024 * 1024


async def reset(call: Call) -> None:
    """The request does not reach the dependency."""
    call.reset()


async def reset_after(call: Call) -> None:
    """The dependency acts on the request, and its answer is lost."""
    await call.ask()
    call.reset()


async def silent(call: Call) -> None:
    await call.gone()


async def silent_after(call: Call) -> None:
    await call.ask()
    await call.gone()


async def late(call: Call) -> None:
    """The answer comes late, and yet in time."""
    answer = await call.ask()
    await asyncio.sleep(0.3)
    await call.answer(answer)


async def drip_body(call: Call) -> None:
    head, _, body = (await call.ask()).partition(b"\r\n\r\n")
    await call.answer(head + b"\r\n\r\n")
    await _drip(call, body)


async def drip(call: Call) -> None:
    """The headers come byte by byte too."""
    await _drip(call, await call.ask())


async def _drip(call: Call, data: bytes) -> None:
    for byte in data:
        await call.answer(bytes([byte]))
        await asyncio.sleep(DRIP_SECONDS)


def cut(count: int) -> Fault:
    """The connection ends after the first `count` bytes of the body."""

    async def fault(call: Call) -> None:
        head, _, body = (await call.ask()).partition(b"\r\n\r\n")
        await call.answer(head + b"\r\n\r\n" + body[:count])
        call.close()

    return fault


async def garbage(call: Call) -> None:
    """The answer is no HTTP."""
    await call.ask()
    await call.answer(GARBAGE)
    call.close()


def reply(
    status: int, body: bytes, kind: str = "application/json", *, ask: bool = False, headers: str = ""
) -> Fault:
    """The client gets this answer. `ask` says whether the dependency gets the request."""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"

    async def fault(call: Call) -> None:
        if ask:
            await call.ask()
        await call.answer(head.encode() + body)

    return fault


async def flood(call: Call) -> None:
    """An answer of 100 MiB."""
    await call.answer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % FLOOD_BYTES)
    for _ in range(FLOOD_BYTES // 65_536):
        await call.answer(b" " * 65_536)


def on(chosen: Callable[[Call], bool], fault: Fault, *, times: int = 1_000_000) -> Fault:
    """Only the chosen calls have the fault, and only so many of them. All other calls pass."""
    left = times

    async def either(call: Call) -> None:
        nonlocal left
        if left and chosen(call):
            left -= 1
            await fault(call)
        else:
            await passing(call)

    return either


class Hold:
    """Holds a call and all later ones, until they are lifted or the client has left. Several proxies can have
    the same Hold.

    It holds the call of this number among those that are `counted`. With `after`, the dependency acts on this
    call, and the answer is held."""

    def __init__(
        self, number: int = 1, counted: Callable[[Call], bool] = lambda _: True, *, after: bool = False
    ) -> None:
        self.reached = Event()
        self._left, self._counted, self._after = number, counted, after
        self._lifted: Future[None] = Future()

    def lift(self) -> None:
        self._lifted.set_result(None)

    async def __call__(self, call: Call) -> None:
        self._left -= self._counted(call)
        if self._left > 0:
            await passing(call)
            return
        first = not self.reached.is_set()
        answer = await call.ask() if self._after and first else None
        self.reached.set()
        if await self._is_lifted(call):
            await call.answer(answer or await call.ask())

    async def _is_lifted(self, call: Call) -> bool:
        """Returns False if the client has left before."""
        gone = asyncio.ensure_future(call.gone())
        lifted = asyncio.shield(asyncio.wrap_future(self._lifted))
        await asyncio.wait({gone, lifted}, return_when=asyncio.FIRST_COMPLETED)
        left = gone.done()
        gone.cancel()
        return not left


def changed(change: Callable[[bytes], bytes]) -> Fault:
    """The client gets the dependency's answer with another body."""

    async def fault(call: Call) -> None:
        head, _, body = (await call.ask()).partition(b"\r\n\r\n")
        new = change(body)
        length = b"Content-Length: %d" % len(new)
        await call.answer(re.sub(rb"content-length: *\d+", length, head, flags=re.I) + b"\r\n\r\n" + new)

    return fault


async def endless(call: Call) -> None:
    """An answer that goes on until the client leaves."""
    await call.answer(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        await _drip(call, b"data: more\n\n")


SINGLE: dict[str, Fault | None] = {
    "refuse": None,
    "reset": reset,
    "reset after": reset_after,
    "late": late,
    "drip of the body": drip_body,
    "cut": cut(10),
    "garbage": garbage,
    "silent": silent,
}
"""The faults of a dependency that a real Alertmanager's deliveries meet. None means that nobody listens."""


def begin(way: FaultProxy, fault: Fault | None) -> None:
    if fault is None:
        way.refuse()
    else:
        way.fault = fault


def end(way: FaultProxy) -> None:
    way.fault = passing
    way.listen()
