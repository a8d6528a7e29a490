from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import httpx
import pytest
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from function.shared.connections import MAX_CONNECTIONS, options
from tests.harness.components import wait_until
from tests.harness.half_open import HALF, all_of, connect, half_open
from tests.harness.process import free_port

HOLD = b"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"


class Site:
    """A server in a thread of its own. It answers every path, and /hold when the test ends."""

    def __init__(self, port: int) -> None:
        self.port, self.held, self.over = port, 0, threading.Event()
        self.url = f"http://127.0.0.1:{port}"
        self.server = uvicorn.Server(
            uvicorn.Config(
                self.answer,
                host="127.0.0.1",
                port=port,
                interface="asgi3",
                lifespan="off",
                **options(H11Protocol),
            )
        )

    async def answer(self, scope: Any, _: Any, send: Any) -> None:
        if scope["path"] == "/hold":
            self.held += 1
            while not self.over.is_set():
                await asyncio.sleep(0.01)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})


@contextmanager
def serving() -> Iterator[Site]:
    site = Site(free_port())
    thread = threading.Thread(target=site.server.run)
    thread.start()
    try:
        wait_until(lambda: site.server.started, "the server to listen")
        yield site
    finally:
        site.over.set()
        site.server.should_exit = True
        thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


def is_over(line: socket.socket) -> bool:
    """Whether the server has ended this connection, which does not block."""
    try:
        line.recv(4096)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


def test_the_oldest_connection_without_a_request_makes_room_for_a_new_one(site: Site) -> None:
    with half_open(site.url, MAX_CONNECTIONS + 50) as lines:
        assert httpx.get(site.url).status_code == 200
        for line in lines[:50]:
            assert all_of(line).startswith(b"HTTP/1.1 503 ")
        lines[-1].sendall(b"\r\n")
        assert lines[-1].recv(4096).startswith(b"HTTP/1.1 200 ")


def test_a_connection_without_a_request_goes_before_one_that_is_kept(site: Site) -> None:
    with connect(site.url, HALF + b"\r\n") as kept:
        assert kept.recv(4096).startswith(b"HTTP/1.1 200 ")
        with half_open(site.url, MAX_CONNECTIONS) as lines:
            assert all_of(lines[0]).startswith(b"HTTP/1.1 503 ")
            kept.sendall(HALF + b"\r\n")
            assert kept.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_a_request_beyond_the_limit_is_answered_with_503_and_none_is_cut_off(site: Site) -> None:
    with ExitStack() as open_ones:
        lines = [open_ones.enter_context(connect(site.url, HOLD)) for _ in range(MAX_CONNECTIONS)]
        wait_until(lambda: site.held == MAX_CONNECTIONS, "all requests to be held")
        assert httpx.get(site.url).status_code == 503
        site.over.set()
        assert {line.recv(4096)[:13] for line in lines} == {b"HTTP/1.1 200 "}


def test_headers_that_never_end_are_given_up(site: Site) -> None:
    with ExitStack() as open_ones:
        sent = (b"", b"G", HALF, HALF + b"\r\n")
        lines = [open_ones.enter_context(connect(site.url, each)) for each in sent]
        assert lines[-1].recv(4096).startswith(b"HTTP/1.1 200 ")
        lines[-1].sendall(HALF)  # a second request
        for line in lines:
            assert httpx.get(site.url).status_code == 200
            assert all_of(line).startswith(b"HTTP/1.1 408 ")


def test_a_byte_now_and_then_gives_headers_no_more_time(site: Site) -> None:
    with connect(site.url, b"GET / HTTP/1.1\r\n") as dripping, connect(site.url, b"") as later:
        dripping.setblocking(False)
        later.setblocking(False)
        while not is_over(later):
            with suppress(ConnectionError):  # it may be over already
                dripping.sendall(b"x")
            assert httpx.get(site.url).status_code == 200
        assert is_over(dripping)


def test_a_request_that_takes_longer_than_its_headers_may_is_answered(site: Site) -> None:
    with connect(site.url, HALF) as slow, connect(site.url, HOLD) as held:
        assert all_of(slow).startswith(b"HTTP/1.1 408 ")  # the time for headers is over
        site.over.set()
        assert held.recv(4096).startswith(b"HTTP/1.1 200 ")
