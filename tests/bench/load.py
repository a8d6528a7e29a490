"""Senders of deliveries. Each keeps one connection open, as Alertmanager does."""

from __future__ import annotations

import http.client
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from threading import Lock

from tests.harness.server import TOKEN

HEADERS = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
REPLY_SECONDS = 60


@dataclass
class Replies:
    """What the senders were answered."""

    milliseconds: list[float] = field(default_factory=list)
    """From the time at which each delivery was due to its reply."""
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    """From the first delivery to the last reply."""

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.seconds

    def percentile(self, percent: float) -> float:
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def send(port: int, bodies: Sequence[bytes], senders: int = 1, rate: float = 0.0) -> Replies:
    """Sends all bodies and returns the replies. Without a `rate`, each sender sends its next body as soon as
    it has a reply. With a rate, each body is due at a fixed time, so a slow reply delays no other body."""
    replies, lock, turn = Replies(), Lock(), count()
    started = time.perf_counter()

    def one_sender() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=REPLY_SECONDS)) as line:
            for place in _taken(turn, len(bodies)):
                due = started + place / rate if rate else time.perf_counter()
                time.sleep(max(0.0, due - time.perf_counter()))
                status = _posted(line, bodies[place])
                with lock:
                    replies.statuses[status] += 1
                    replies.milliseconds.append((time.perf_counter() - due) * 1000)

    with ThreadPoolExecutor(senders) as threads:
        for done in [threads.submit(one_sender) for _ in range(senders)]:
            done.result()
    replies.seconds = time.perf_counter() - started
    return replies


def _posted(line: http.client.HTTPConnection, body: bytes) -> int:
    """Returns the status, or 0 if the connection was closed while the body was being sent."""
    try:
        line.request("POST", "/alertmanager", body, HEADERS)
        reply = line.getresponse()
        reply.read()
        return reply.status
    except ConnectionError:
        line.close()
        return 0


def _taken(turn: Iterator[int], end: int) -> Iterator[int]:
    """Yields the next numbers below `end`. Several threads take from the same turn."""
    while (place := next(turn)) < end:
        yield place
