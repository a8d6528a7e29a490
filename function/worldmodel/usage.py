"""What Prometheus knows of a resource: queries, and the facts that follow from their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from function.shared.facts import Fact, Growth, Usage, fact
from function.shared.prometheus import Sample, quoted

if TYPE_CHECKING:
    from function.worldmodel.reader import Look


SOURCE = "prometheus"
GIB = 2**30
MAX_USAGES = 5
HOUR = 3600.0
FOREVER_HOURS = 10 * 366 * 24.0
"""What is full later than that is not filling."""
VOLUME = "kubelet_volume_stats_"
"""https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/metrics/metrics.go"""


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


def short(number: Any) -> Any:
    """A figure to four digits, as people read it; None stays None."""
    return None if number is None else float(f"{number:.4g}")
