from __future__ import annotations

import math
import threading
import time

import pytest

from function.runner.report.questions import BOUNDS, SYSTEM_CLOCK, Questions
from function.shared.errors import Unavailable
from function.shared.prometheus import Prometheus, Sample


class Slow(Prometheus):
    """Answers a query once it was let go; remembers how many seconds each query was given."""

    def __init__(self) -> None:
        super().__init__("http://prometheus.invalid", BOUNDS, "the test")
        self.let_go = threading.Event()
        self.given: list[float] = []
        self.closed = 0

    def query(self, expression: str, seconds: float = math.inf) -> list[Sample]:
        self.given.append(seconds)
        assert self.let_go.wait(30)
        return [Sample({"of": expression}, 1.0)]

    def close(self) -> None:
        self.closed += 1
        self.let_go.set()


def test_a_question_has_its_bound_and_never_more_than_is_left() -> None:
    prometheus = Slow()
    prometheus.let_go.set()
    patient = Questions(prometheus, time.monotonic() + 600, SYSTEM_CLOCK)
    assert patient.query("up") == [Sample({"of": "up"}, 1.0)]
    hurried = Questions(prometheus, time.monotonic() + BOUNDS.seconds / 2, SYSTEM_CLOCK)
    hurried.query("up")
    first, second = prometheus.given
    assert first == BOUNDS.seconds and 0 < second <= BOUNDS.seconds / 2


def test_after_the_deadline_nobody_is_asked() -> None:
    prometheus = Slow()
    with pytest.raises(Unavailable) as failure:
        Questions(prometheus, time.monotonic() - 1, SYSTEM_CLOCK).query("up")
    assert (failure.value.code, prometheus.given) == ("prometheus_slow", [])


def test_a_question_that_is_late_is_given_up_and_its_thread_freed() -> None:
    prometheus = Slow()
    with pytest.raises(Unavailable) as failure:
        Questions(prometheus, time.monotonic() + 0.05, SYSTEM_CLOCK).query("up")
    assert (failure.value.code, prometheus.closed) == ("prometheus_slow", 1)
