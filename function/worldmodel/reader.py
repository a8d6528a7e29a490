"""One look at the cluster: all that is asked goes side by side, and what fails or is late leaves a gap."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from function.shared.errors import Unavailable
from function.shared.prometheus import Prometheus, Sample
from function.worldmodel.objects import Listing, Object, Objects

T = TypeVar("T")

SECONDS = 1.5
"""For all that is asked. Who asks us gives up after 2 s, and a part in time beats the whole too late."""


@dataclass(frozen=True)
class Threads:
    """Those that wait for each source: one that hangs takes the time of no other."""

    kubernetes: Executor
    prometheus: Executor


@dataclass
class Look:
    objects: Objects
    prometheus: Prometheus | None
    threads: Threads
    now: float
    """Seconds since the epoch: ages are counted from here."""
    gaps: set[str] = field(default_factory=set)
    deadline: float = field(default_factory=lambda: time.monotonic() + SECONDS)
    asked: list[Future[Any]] = field(default_factory=list)

    def get(self, kind: str, name: str, namespace: str = "") -> Callable[[], Object | None]:
        """Asks for the object; call what is returned to wait for it."""
        told = self.threads.kubernetes.submit(self.objects.get, kind, name, namespace)
        return self._waiting(told, "kubernetes_slow", None)

    def list(self, kind: str, namespace: str = "", **selectors: Any) -> Callable[[], Sequence[Object]]:
        """The same for a listing; `selectors` as Objects.list takes them."""
        told = self.threads.kubernetes.submit(self.objects.list, kind, namespace, **selectors)
        listing = self._waiting(told, "kubernetes_slow", Listing((), whole=True))

        def listed() -> Sequence[Object]:
            if not listing().whole:
                self.gaps.add("too_many")
            return listing().items

        return listed

    def query(self, expression: str) -> Callable[[], Sequence[Sample]]:
        """The same for a query of Prometheus; without one it is a gap."""
        if self.prometheus is None:
            self.gaps.add("prometheus_none")
            return tuple
        told = self.threads.prometheus.submit(self.prometheus.query, expression)
        return self._waiting(told, "prometheus_slow", ())

    def close(self) -> None:
        """Takes back what was asked and nobody waits for any more, so that it holds up no later look."""
        for told in self.asked:
            told.cancel()

    def _waiting(self, told: Future[T], slow: str, otherwise: T) -> Callable[[], T]:
        self.asked.append(told)

        @cache  # the first answer stands, however often it is asked for
        def wait() -> T:
            try:
                return told.result(max(0.0, self.deadline - time.monotonic()))
            except (Late, CancelledError):
                self.gaps.add(slow)
            except Unavailable as error:
                self.gaps.add(error.code)
            return otherwise

        return wait
