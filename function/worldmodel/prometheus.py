"""What Prometheus knows of a resource: queries, and the facts that follow from their answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from function import wire
from function.adapters.kube import SHAPE_ERRORS
from function.errors import Unavailable
from function.facts import Fact, Growth, Usage, fact

if TYPE_CHECKING:
    import httpx

    from function.worldmodel.look import Look

SECONDS = 1.0
CONNECT_SECONDS = 0.3
"""Less than a whole look takes, so that no query outlives the look that asked it for long."""
MAX_BYTES = 1024 * 1024
SOURCE = "prometheus"
GIB = 2**30
MAX_USAGES = 5
HOUR = 3600.0
FOREVER_HOURS = 10 * 366 * 24.0
"""What is full later than that is not filling."""

VOLUME = "kubelet_volume_stats_"
"""https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/metrics/metrics.go"""


@dataclass(frozen=True)
class Sample:
    labels: Mapping[str, str]
    value: float


class Prometheus:
    """Instant queries over the HTTP API, by one kept-alive client. Raises Unavailable."""

    def __init__(self, url: str, read_token: Callable[[], str] | None = None) -> None:
        self._url, self._read_token = url, read_token
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def query(self, expression: str) -> Sequence[Sample]:
        """The samples of an instant vector, now; those that are no number left out."""
        import httpx

        try:
            body = self._post({"query": expression, "timeout": f"{int(SECONDS * 1000)}ms"})
        except httpx.HTTPError as error:
            what = f"Prometheus cannot be asked ({type(error).__name__}): see PROMETHEUS_URL"
            raise Unavailable("prometheus_unreachable", what) from None
        odd = Unavailable("prometheus_answer", "Prometheus' answer is no vector: see PROMETHEUS_URL")
        answer = wire.parsed(body, odd)
        try:
            samples = [
                Sample(dict(each["metric"].items()), float(each["value"][1]))
                for each in answer["data"]["result"]
            ]
        except (*SHAPE_ERRORS, ArithmeticError):
            raise odd from None
        return [sample for sample in samples if abs(sample.value) < float("inf")]  # and so no NaN

    def _post(self, form: Mapping[str, str]) -> bytes:
        headers = dict(wire.PLAIN)
        if self._read_token:
            headers["Authorization"] = f"Bearer {self._read_token()}"
        deadline = time.monotonic() + SECONDS
        asked: Any = {"data": form, "headers": headers}
        with self._connected().stream("POST", f"{self._url}/api/v1/query", **asked) as response:
            if response.status_code != 200:
                what = f"Prometheus answered {response.status_code}, wanted 200: see PROMETHEUS_URL"
                raise Unavailable("prometheus_status", what)
            over = Unavailable("prometheus_answer", f"Prometheus' answer is over {MAX_BYTES} bytes")
            return wire.body(response, MAX_BYTES, deadline, over)

    def _connected(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = wire.connect(self._url, SECONDS, CONNECT_SECONDS)
            return self._client


def volume(look: Look, namespace: str, claim: str) -> Callable[[], list[Fact]]:
    """How full a claim's volume is, how fast it fills and when it will be full; call to wait for it."""
    of = f"{{namespace={quoted(namespace)},persistentvolumeclaim={quoted(claim)}}}"
    used = f"{VOLUME}used_bytes{of}"
    names = f'{{__name__=~"{VOLUME}(used_bytes|available_bytes|capacity_bytes|inodes|inodes_used)",{of[1:]}'
    now = look.query(names)
    at = look.query(f"timestamp({used})")
    # The fullest series at each time: when the volume moves to another node, two tell of it for a while.
    fullest = f"max by (persistentvolumeclaim) ({used})"
    slopes = [look.query(f"deriv(({fullest})[{span}])") for span in ("6h:2m", "24h:8m")]

    def told() -> list[Fact]:
        return _volume(look, now(), _highest(at()), [_highest(slope()) for slope in slopes])

    return told


def _volume(
    look: Look, now: Sequence[Sample], at: float | None, slopes: Sequence[float | None]
) -> list[Fact]:
    values: dict[str, float] = {}
    for sample in now:  # two kubelets tell of the same volume while it moves: the fuller one counts
        name = sample.labels.get("__name__", "").removeprefix(VOLUME)
        fuller = min if name == "available_bytes" else max
        values[name] = fuller(sample.value, values.get(name, sample.value))
    if not values.get("capacity_bytes") or "used_bytes" not in values:
        _nothing(look)
        return []
    used, capacity = values["used_bytes"], values["capacity_bytes"]
    known = values.get("inodes") and "inodes_used" in values
    inodes = values["inodes_used"] / values["inodes"] * 100 if known else None
    age = look.now - at if at is not None else 0.0
    usage = Usage(
        "volume", short(used / GIB), short(capacity / GIB), short(used / capacity * 100), short(inodes)
    )
    left = values.get("available_bytes", capacity - used)
    return [fact(usage, SOURCE, age), fact(_growth(look.now, left, slopes), SOURCE, age)]


def _growth(now: float, left: float, slopes: Sequence[float | None]) -> Growth:
    steepest = max((slope for slope in slopes if slope is not None), default=0.0) * HOUR
    hours = max(0.0, left) / steepest if steepest > 0 else None
    if hours is not None and hours > FOREVER_HOURS:
        hours = None
    at = datetime.fromtimestamp(now + hours * HOUR, UTC) if hours is not None else None
    six, day = (short(slope * HOUR / GIB) if slope is not None else None for slope in slopes)
    return Growth(six, day, short(hours), at.strftime("%Y-%m-%dT%H:%MZ") if at else None)


def memory(look: Look, expression: str, capacities: Mapping[str, float]) -> Callable[[], list[Fact]]:
    """How much memory each container uses of its own: `expression` gives bytes by the label `container`,
    `capacities` what each has. The fullest comes first; call to wait for it."""
    asked = look.query(expression) if capacities else tuple

    def told() -> list[Fact]:
        used = {sample.labels.get("container", ""): sample.value for sample in asked()}
        known = {
            name: used[name] / bytes * 100 for name, bytes in capacities.items() if name in used and bytes
        }
        if capacities and not known:
            _nothing(look)
        return [
            fact(
                Usage(_memory_of(name), short(used[name] / GIB), short(capacities[name] / GIB), short(share)),
                SOURCE,
            )
            for name, share in sorted(known.items(), key=lambda each: -each[1])[:MAX_USAGES]
        ]

    return told


def _memory_of(container: str) -> str:
    return f"memory of {container}" if container else "memory"


def _nothing(look: Look) -> None:
    """Only where Prometheus answered, and had nothing: else that it did not is the gap already."""
    if not any(gap.startswith("prometheus_") for gap in look.gaps):
        look.gaps.add("prometheus_no_series")


def _highest(samples: Sequence[Sample]) -> float | None:
    return max((sample.value for sample in samples), default=None)


def quoted(text: str) -> str:
    """A string as PromQL takes it, which escapes as JSON does."""
    return json.dumps(text)


def short(number: Any) -> Any:
    """A figure to four digits, as people read it; None stays None."""
    return None if number is None else float(f"{number:.4g}")
