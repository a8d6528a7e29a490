"""The function ends in the middle of a delivery, at each of its calls, and the delivery is sent again."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest

from tests.faults.system import END, System, is_create, is_write, kind
from tests.harness.components import answers, wait_until
from tests.harness.examples import THOROUGH
from tests.harness.fault_proxy import Call
from tests.harness.faults import Hold, on, silent
from tests.harness.server import Server


def every_call(_: Call) -> bool:
    return True


def first_of_each_kind() -> Callable[[Call], bool]:
    seen = set[str]()

    def is_first(call: Call) -> bool:
        before = len(seen)
        seen.add(kind(call))
        return len(seen) > before

    return is_first


@contextmanager
def sending(system: System, server: Server) -> Iterator[list[httpx.Response]]:
    """The delivery is sent while the block runs. The list has the reply, if there was one."""
    replies: list[httpx.Response] = []

    def send() -> None:
        with suppress(httpx.TransportError):  # the process was killed
            replies.append(system.send(server=server))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield replies
    finally:
        thread.join()


def is_killed_at(system: System, server: Server, hold: Hold) -> bool:
    """Send the delivery and kill the process once the call is held. Returns False if the delivery has no such
    call."""
    system.break_all(hold)
    with sending(system, server) as replies:
        wait_until(lambda: hold.reached.is_set() or bool(replies), "the call, or the reply")
        if not replies:
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
    system.lift()
    return hold.reached.is_set()


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_delivery_that_was_killed_ends_as_any_other_when_it_is_sent_again(
    system: System, after: bool
) -> None:
    """A quick run kills the process before the first call of each kind, and after each call that changes
    something. All other moments leave one of the same states. A thorough run kills it at every call."""
    number, killed = 1, True
    while killed:
        counted = every_call if THOROUGH else is_write if after else first_of_each_kind()
        with system.restart() as server:
            killed = is_killed_at(system, server, Hold(number, counted, after=after))
            system.send_until_done()
            system.assert_same_end(server)
        system.clear()
        system.server.lines.clear()
        number += 1
    assert number > len(END)


def is_told_to_end(server: Server) -> None:
    server.process.terminate()
    wait_until(lambda: not answers(f"{server.url}/health/liveness"), "it to accept nobody any more")


def test_told_to_end_it_answers_its_delivery_first(system: System) -> None:
    hold = Hold(2, is_create)
    with system.restart() as server:
        system.break_all(hold)
        with sending(system, server) as replies:
            assert hold.reached.wait(60)
            is_told_to_end(server)
            hold.lift()
        server.process.wait(60)
        assert len(replies) == 1
        system.lift()
        system.send_until_done()
        system.assert_same_end(server)


def test_told_to_end_while_the_api_server_is_silent_it_defers_the_rest_and_ends(system: System) -> None:
    with system.restart() as server:
        system.break_all(on(is_create, silent, times=1))
        with sending(system, server) as replies:
            wait_until(lambda: bool(system.calls(is_create)), "the first Job")
            is_told_to_end(server)
        server.process.wait(60)
        assert [reply.status_code for reply in replies] == [503]
        system.lift()
        system.send_until_done()
        system.assert_same_end(server)
