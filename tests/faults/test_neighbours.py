"""Hostile deliveries in a loop, and ordinary ones beside them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.bench.load import send
from tests.bench.stage import COMPONENTS, group, stage
from tests.harness.components import need

pytestmark = pytest.mark.real

ORDINARY, HOSTILE = 60, 8
MEBIBYTE = 1024 * 1024


def with_texts(number: int, texts: dict[str, str], alerts: int = 8) -> bytes:
    """A group of alerts with these annotations, which is new each time."""
    body: dict[str, Any] = json.loads(group(alerts, 100_000 + number * 10, f"Hostile{number}"))
    for alert in body["alerts"]:
        alert["annotations"] |= texts
    return json.dumps(body).encode()


def crammed(number: int) -> str:
    return ". ".join(f"delete files {number} {word}" for word in range(300))[:4000]


KINDS: tuple[Callable[[int], bytes], ...] = (
    # letters that become 18 characters each, encoded three times over
    lambda number: with_texts(number, {f"n{n}": "\ufdfa" * 1300 + "%25252541" for n in range(16)}),
    # words that the policy takes long for
    lambda number: with_texts(number, {f"n{n}": crammed(n) for n in range(12)}),
    # a check of brackets that was quadratic once
    lambda number: b"[" * 200_001 + b'"' + b'\\"' * 200_000,
    # an alert with more annotations than are kept
    lambda number: with_texts(number, {f"n{n}": "x" for n in range(60_000)}, alerts=1),
    # bodies that together need more memory than there is
    lambda number: group(1, 900_000 + number, "Wide") + b" " * 4 * MEBIBYTE,
)


def test_hostile_deliveries_in_a_loop_keep_no_ordinary_one_out(tmp_path: Path) -> None:
    """Each ordinary delivery brings a new alert, and is accepted at the first try. Health checks are answered
    while hostile deliveries are under way."""
    need(*COMPONENTS)
    over, sent = threading.Event(), []

    def attack(port: int, number: int) -> None:
        turn = 0
        while not over.is_set():
            sent.append(send(port, [KINDS[(number + turn) % len(KINDS)](number * 1000 + turn)]).statuses)
            turn += 1

    with stage(tmp_path) as staged, ThreadPoolExecutor(HOSTILE) as threads:
        attacks = [threads.submit(attack, staged.port, number) for number in range(HOSTILE)]
        try:
            for number in range(ORDINARY):
                replies = send(staged.port, [group(1, number, "Ordinary")])
                assert replies.statuses == {200: 1}, (number, replies.statuses)
                assert httpx.get(f"{staged.server.url}/health/readiness", timeout=30).is_success
            assert not any(attack.done() for attack in attacks)
        finally:
            over.set()
    assert len(sent) >= HOSTILE
