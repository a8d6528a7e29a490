"""Senders that send too much, too slowly, or too many alerts, and what this costs the others."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.faults.system import System, events, firing, webhook
from tests.harness.components import wait_until
from tests.harness.examples import THOROUGH
from tests.harness.half_open import all_of, connect
from tests.harness.server import TOKEN

MEBIBYTE = 1024 * 1024
SENT_MEBIBYTES = 200
MAX_MEBIBYTES = 256
"""Half of what knative/base/service.yaml allows."""
SLOW = 200
NEEDLE = "needle-in-the-header"
STORM = 10_000 if THOROUGH else 300
HEAD = (
    "POST /alertmanager HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    f"Authorization: Bearer {TOKEN}\r\n"
)


def chunks() -> Iterator[bytes]:
    for _ in range(SENT_MEBIBYTES):
        yield b" " * MEBIBYTE


@pytest.mark.parametrize("length", [None, SENT_MEBIBYTES * MEBIBYTE])
def test_a_body_of_200_mib_is_refused_and_takes_no_memory(system: System, length: int | None) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    headers |= {} if length is None else {"Content-Length": str(length)}
    try:
        reply = httpx.post(
            f"{system.server.url}/alertmanager", content=chunks(), headers=headers, timeout=120
        )
        status = reply.status_code
    except httpx.WriteError:  # the server answered and closed before all was sent
        status = 413
    assert status == 413
    wait_until(lambda: bool(system.server.refused), "the audit line")
    assert [line["audit"]["code"] for line in system.server.refused] == ["too_large"]
    assert system.server.peak_mebibytes() < MAX_MEBIBYTES
    system.send_until_done()
    system.assert_same_end()


def test_two_hundred_senders_of_slow_bodies_keep_nobody_out(system: System) -> None:
    with ExitStack() as stack:
        half = (HEAD + "Content-Length: 1000\r\n\r\n{").encode()
        lines: list[socket.socket] = [
            stack.enter_context(connect(system.server.url, half)) for _ in range(SLOW)
        ]
        assert httpx.get(f"{system.server.url}/health/readiness", timeout=120).status_code == 200
        system.send_until_done()
        answers = [all_of(line) for line in lines]
    assert all(answer.startswith(b"HTTP/1.1 503 ") and b"slow_body" in answer for answer in answers)
    system.assert_same_end()


def test_a_header_of_1_mib_is_refused_and_not_logged(system: System) -> None:
    try:
        with connect(system.server.url, HEAD.encode() + f"X: {NEEDLE}".encode() * 50_000) as line:
            answer = all_of(line)
    except ConnectionError:  # the server answered and closed before all was sent
        answer = b"HTTP/1.1 400 "
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))
    system.send_until_done()
    system.assert_same_end()
    assert not any(NEEDLE in line for line in system.server.lines)


def test_thousands_of_alerts_in_one_delivery_share_a_job_and_each_has_its_outcome(system: System) -> None:
    body = webhook(*(firing(f"claim-{number}") for number in range(STORM)))
    outcomes = system.send_until_done(body)
    assert sum(outcomes.values()) == STORM + outcomes.get("created", 0)
    assert list(system.jobs().values()) == ["investigate"]
    identities = {event.identity for event in events(body)}
    wait_until(lambda: identities <= system.final([system.server]).keys(), "an outcome of each alert")
