"""Reads the cluster once for a context. Requests run in parallel. A failed or late request becomes a gap."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from function.shared.errors import Unavailable
from function.shared.prometheus import Prometheus, Sample, finite
from function.worldmodel.objects import Listing, Object, Objects

T = TypeVar("T")

SECONDS = 1.5
"""The time limit for all requests together. The dispatcher waits 2 s. An incomplete response in time is
better than a late response."""


@dataclass(frozen=True)
class Threads:
    """A thread pool for each source. A source that hangs does not delay the other source."""

    kubernetes: Executor
    prometheus: Executor


@dataclass
class Look:
    """One reading of the cluster. Each method sends a request at once and returns a function that waits for
    the result."""

    objects: Objects
    prometheus: Prometheus | None
    threads: Threads
    now: float
    """The present time in seconds since the epoch. Ages are relative to this time."""
    gaps: set[str] = field(default_factory=set)
    deadline: float = field(default_factory=lambda: time.monotonic() + SECONDS)
    requests: list[Future[Any]] = field(default_factory=list)
    listings: dict[tuple[Any, ...], Callable[[], Listing]] = field(default_factory=dict)

    def get(self, kind: str, name: str, namespace: str = "") -> Callable[[], Object | None]:
        """Requests an object."""
        future = self.threads.kubernetes.submit(self.objects.get, kind, name, namespace)
        return self._waiting(future, "kubernetes_slow", None)

    def list(self, kind: str, namespace: str = "", **selectors: Any) -> Callable[[], Sequence[Object]]:
        """Requests a listing. Objects.list defines the `selectors`."""
        listing = self._listing(kind, namespace, **selectors)

        def listed() -> Sequence[Object]:
            if not listing().whole:
                self.gaps.add("too_many")
            return listing().items

        return listed

    def some(self, kind: str, namespace: str = "", **selectors: Any) -> Callable[[], Sequence[Object]]:
        """Requests a listing of which some objects are enough. A longer listing is no gap."""
        listing = self._listing(kind, namespace, **selectors)
        return lambda: listing().items

    def _listing(self, kind: str, namespace: str, **selectors: Any) -> Callable[[], Listing]:
        """Requests a listing, or returns the same request if it has been sent."""
        asked = (kind, namespace, *sorted(selectors.items()))
        if asked not in self.listings:
            future = self.threads.kubernetes.submit(self.objects.list, kind, namespace, **selectors)
            self.listings[asked] = self._waiting(future, "kubernetes_slow", Listing((), whole=True))
        return self.listings[asked]

    def query(self, expression: str) -> Callable[[], Sequence[Sample]]:
        """Queries Prometheus for samples with finite values. If no Prometheus is configured, it adds a
        gap."""
        if self.prometheus is None:
            self.gaps.add("prometheus_none")
            return tuple
        future = self.threads.prometheus.submit(self.prometheus.query, expression)
        samples = self._waiting(future, "prometheus_slow", [])
        return lambda: finite(samples())

    def close(self) -> None:
        """Cancels requests that are not needed any more. Such requests would delay the next reading."""
        for future in self.requests:
            future.cancel()

    def _waiting(self, future: Future[T], slow: str, otherwise: T) -> Callable[[], T]:
        self.requests.append(future)

        @cache  # every call returns the result of the first wait
        def wait() -> T:
            try:
                return future.result(max(0.0, self.deadline - time.monotonic()))
            except (Late, CancelledError):
                self.gaps.add(slow)
            except Unavailable as error:
                self.gaps.add(error.code)
            return otherwise

        return wait
