"""One look at the cluster: all that is asked goes side by side, and what fails or is late leaves a gap."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass, field
from typing import Any, TypeVar

from function.errors import Unavailable
from function.worldmodel.objects import Object, Objects
from function.worldmodel.prometheus import Prometheus, Sample

T = TypeVar("T")

SECONDS = 1.5
"""For all that is asked. Who asks us gives up after 2 s, and a part in time beats the whole too late."""


@dataclass
class Look:
    objects: Objects
    prometheus: Prometheus | None
    threads: Executor
    now: float
    """Seconds since the epoch: ages are counted from here."""
    gaps: set[str] = field(default_factory=set)
    deadline: float = field(default_factory=lambda: time.monotonic() + SECONDS)

    def get(self, kind: str, name: str, namespace: str = "") -> Callable[[], Object | None]:
        """Asks for the object; call what is returned to wait for it."""
        return self._asked("kubernetes_slow", None, self.objects.get, kind, name, namespace)

    def list(self, kind: str, namespace: str = "", **selectors: Any) -> Callable[[], Sequence[Object]]:
        """The same for a listing; `selectors` as Objects.list takes them."""
        told = self._asked("kubernetes_slow", None, self.objects.list, kind, namespace, **selectors)

        def listed() -> Sequence[Object]:
            listing = told()
            if listing is None:
                return ()
            if not listing.whole:
                self.gaps.add("too_many")
            return listing.items

        return listed

    def query(self, expression: str) -> Callable[[], Sequence[Sample]]:
        """The same for a query of Prometheus; without one it is a gap."""
        if self.prometheus is None:
            self.gaps.add("prometheus_none")
            return tuple
        nothing: Sequence[Sample] = ()
        return self._asked("prometheus_slow", nothing, self.prometheus.query, expression)

    def _asked(
        self, slow: str, otherwise: T, call: Callable[..., T], *arguments: Any, **options: Any
    ) -> Callable[[], T]:
        told = self.threads.submit(call, *arguments, **options)

        def wait() -> T:
            try:
                return told.result(max(0.0, self.deadline - time.monotonic()))
            except Late:
                told.cancel()
                self.gaps.add(slow)
            except Unavailable as error:
                self.gaps.add(error.code)
            return otherwise

        return wait
