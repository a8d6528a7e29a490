"""Sends the requests of verification to Prometheus, all of them before one deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from function.runner.report.promql import Node
from function.shared import http
from function.shared.errors import Unavailable
from function.shared.prometheus import Bounds, Prometheus, Sample

T = TypeVar("T")

BOUNDS = Bounds(seconds=5.0, connect_seconds=2.0, max_bytes=4 * 1024 * 1024)
"""The limits of one request."""
SETTING = "report.prometheus of the tier"


@dataclass(frozen=True)
class Clock:
    """Functions for the time since the epoch, the monotonic time, and waiting."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


SYSTEM_CLOCK = Clock()


@dataclass(frozen=True)
class Questions:
    """Sends requests to Prometheus. Each method raises Unavailable with a condition.Reason as its code."""

    prometheus: Prometheus
    deadline: float
    clock: Clock
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4, "prometheus"))

    def close(self) -> None:
        self.prometheus.close()
        self.threads.shutdown(wait=False, cancel_futures=True)

    def alerting_rules(self, name: str) -> Any:
        return self._ask(self.prometheus.alerting_rules, name)

    def syntax_tree(self, expression: str) -> Node | None:
        tree: Node | None = self._ask(self.prometheus.syntax_tree, expression)
        return tree

    def query(self, expression: str) -> list[Sample]:
        return self._ask(self.prometheus.query, expression)

    def _ask(self, call: Callable[[str, float], T], about: str) -> T:
        seconds = min(BOUNDS.seconds, self.deadline - self.clock.monotonic())
        late = Unavailable("prometheus_slow", f"Prometheus did not answer in time: check {SETTING}")
        if seconds <= 0:
            raise late
        try:
            return http.result_within(seconds, self.threads.submit(call, about, seconds), late)
        except Unavailable as error:
            if error is late:
                self.prometheus.close()  # ends the thread that still waits
            raise
