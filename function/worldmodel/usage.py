"""Reads facts from Prometheus: the usage of volumes and memory, and the growth of a volume."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from function.shared.facts import Fact, Growth, Usage, fact
from function.shared.prometheus import Sample, quoted
from function.worldmodel.reader import Look

SOURCE = "prometheus"
GIB = 2**30
MAX_USAGES = 5
HOUR = 3600.0
FOREVER_HOURS = 10 * 366 * 24.0
"""A time span in hours. A volume that is full only after this time counts as not growing."""
VOLUME = "kubelet_volume_stats_"
"""The prefix of the kubelet's series:
https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/metrics/metrics.go"""

KUBELET = 'job="kubelet"'
"""Selects the kubelet's own series. Another exporter could invent series of these names."""


def volume(look: Look, namespace: str, claim: str) -> Callable[[], list[Fact]]:
    """Queries the usage and growth of a claim's volume, and the time at which the volume is full. Returns a
    function that waits for the facts."""
    of = f"{{{KUBELET},namespace={quoted(namespace)},persistentvolumeclaim={quoted(claim)}}}"
    used = f"{VOLUME}used_bytes{of}"
    names = f'{{__name__=~"{VOLUME}(used_bytes|available_bytes|capacity_bytes|inodes|inodes_used)",{of[1:]}'
    now = look.query(names)
    scraped_at = look.query(f"timestamp({used})")
    # While a volume moves to another node, there are two series. At each time the higher value counts.
    fullest = f"max by (persistentvolumeclaim) ({used})"
    slopes = [look.query(f"deriv(({fullest})[{span}])") for span in ("6h:2m", "24h:8m")]

    def facts() -> list[Fact]:
        return _volume(look, now(), _highest(scraped_at()), [_highest(slope()) for slope in slopes])

    return facts


def _volume(
    look: Look, now: Sequence[Sample], scraped_at: float | None, slopes: Sequence[float | None]
) -> list[Fact]:
    values: dict[str, float] = {}
    for sample in now:  # of two series, the fuller series counts
        name = sample.labels.get("__name__", "").removeprefix(VOLUME)
        fuller = min if name == "available_bytes" else max
        values[name] = fuller(sample.value, values.get(name, sample.value))
    if not values.get("capacity_bytes") or "used_bytes" not in values:
        _note_missing(look)
        return []
    used, capacity = values["used_bytes"], values["capacity_bytes"]
    known = values.get("inodes") and "inodes_used" in values
    inodes = values["inodes_used"] / values["inodes"] * 100 if known else None
    age = look.now - scraped_at if scraped_at is not None else 0.0
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
    """Queries the memory usage of each container. Returns a function that waits for the facts. The fullest
    container comes first.

    `expression` returns the used bytes by the label `container`. `capacities` contains the memory of each
    container."""
    samples = look.query(expression) if capacities else tuple

    def facts() -> list[Fact]:
        used = {sample.labels.get("container", ""): sample.value for sample in samples()}
        known = {
            name: used[name] / bytes * 100 for name, bytes in capacities.items() if name in used and bytes
        }
        if capacities and not known:
            _note_missing(look)
        return [
            fact(
                Usage(_memory_of(name), short(used[name] / GIB), short(capacities[name] / GIB), short(share)),
                SOURCE,
            )
            for name, share in sorted(known.items(), key=lambda each: -each[1])[:MAX_USAGES]
        ]

    return facts


def _memory_of(container: str) -> str:
    return f"memory of {container}" if container else "memory"


def _note_missing(look: Look) -> None:
    """Adds a gap if Prometheus responded without a series. If Prometheus did not respond, there is a gap
    already."""
    if not any(gap.startswith("prometheus_") for gap in look.gaps):
        look.gaps.add("prometheus_no_series")


def _highest(samples: Sequence[Sample]) -> float | None:
    return max((sample.value for sample in samples), default=None)


def short(number: Any) -> Any:
    """Returns the number rounded to four significant digits. None stays None."""
    return None if number is None else float(f"{number:.4g}")
