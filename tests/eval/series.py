"""series.yaml -> samples in OpenMetrics, for the last eight days."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.eval.cases import Named
from tests.eval.forms import quantity, span

MINUTE, HOUR, DAY = 60, 3600, 86_400
EIGHT_DAYS = 8 * DAY
TARGETS = {
    "kube_": {"job": "kube-state-metrics"},
    "container_": {"job": "kubelet", "metrics_path": "/metrics/cadvisor"},
    "kubelet_": {"job": "kubelet", "metrics_path": "/metrics"},
    "node_": {"job": "node-exporter"},
    "etcd_": {"job": "kube-etcd"},
    "apiserver_": {"job": "apiserver"},
    "coredns_": {"job": "coredns"},
}
"""The labels of the target, by the name's beginning, for a series that names no job. The stock rules select
by them."""
Value = Callable[[float], float]


def with_target(named: Named) -> Named:
    """The series with the labels of its target."""
    name, labels = named
    if "job" in dict(labels):
        return named
    (target,) = [TARGETS[begin] for begin in TARGETS if name.startswith(begin)] or [{}]
    return name, tuple(sorted({**target, **dict(labels)}.items()))


def grid(now: int) -> list[int]:
    """The times of samples: dense in the last hours, and where `offset 1d` and `offset 7d` look."""
    times = [
        *range(now - 7 * DAY - 2 * HOUR, now - 7 * DAY + 2 * HOUR, 5 * MINUTE),
        *range(now - 7 * DAY - 30 * MINUTE, now - 7 * DAY, MINUTE),
        *range(now - 26 * HOUR, now - 3 * HOUR, 5 * MINUTE),
        *range(now - DAY - 30 * MINUTE, now - DAY, MINUTE),
        *range(now - 3 * HOUR, now + 1, MINUTE),
    ]
    return sorted(set(times))


def sparse(now: int) -> list[int]:
    """The times of samples of what never changes: as few as instant queries need, now and with `offset`."""
    around = [(7 * DAY, HOUR // 2), (DAY, HOUR // 2), (6 * HOUR, HOUR // 2), (2 * HOUR, 2 * HOUR)]
    return sorted(
        {at for back, wide in around for at in range(now - back - wide, now - back + wide + 1, 5 * MINUTE)}
    )


def openmetrics(series: Mapping[Named, Mapping[str, Any]], now: int) -> str:
    dense, few = grid(now), sparse(now)
    rows = (_rows(named, item, now, few if "sparse" in item else dense) for named, item in series.items())
    return "".join(rows) + "# EOF\n"


def _rows(named: Named, item: Mapping[str, Any], now: int, times: Sequence[int]) -> str:
    begin = now - _seconds(item["from"]) if "from" in item else 0.0
    end = now - _seconds(item["gone"]) if "gone" in item else float(now)
    head, shown = head_of(with_target(named)), [at for at in times if begin <= at <= end]
    return "".join(
        f"{head} {value:.10g} {at}\n" for at, value in zip(shown, values(item, now, shown), strict=True)
    )


def head_of(named: Named) -> str:
    name, labels = named
    escaped = (f'{label}="{_escaped(value)}"' for label, value in labels)
    return f"{name}{{{','.join(escaped)}}}"


def values(item: Mapping[str, Any], now: int, times: Iterable[int]) -> Iterator[float]:
    """The value at each of the times."""
    after = quantity(item.get("now", 0))
    before = quantity(item.get("was", after))
    changed = now - _seconds(item.get("since", "0s"))
    curve = (_slope if item.get("how") == "slope" else _step)(before, after, changed, now)
    if item.get("per_second"):
        curve = _counter(item.get("how") == "slope", before, after, changed, now)
    return map(curve, times)


def _step(before: float, after: float, changed: float, now: int) -> Value:
    return lambda at: after if at >= changed else before


def _slope(before: float, after: float, changed: float, now: int) -> Value:
    steepness = (after - before) / max(now - changed, 1)
    return lambda at: before + max(0.0, at - changed) * steepness


def _counter(slope: bool, before: float, after: float, changed: float, now: int) -> Value:
    """The sum of a rate since eight days ago."""
    start, steepness = now - EIGHT_DAYS, (after - before) / max(now - changed, 1)

    def total(at: float) -> float:
        late = max(0.0, at - changed)
        grown = before * late + steepness * late * late / 2 if slope else after * late
        return before * (min(at, changed) - start) + grown

    return total


def firing(labels: Mapping[str, str], since: str, now: int) -> dict[Named, Mapping[str, Any]]:
    """What Prometheus records of an alert that fires."""
    told, began = tuple(sorted(labels.items())), now - _seconds(since)
    alerts = tuple(sorted({**labels, "alertstate": "firing"}.items()))
    return {
        ("ALERTS", alerts): {"now": 1, "from": since},
        ("ALERTS_FOR_STATE", told): {"now": began, "from": since},
    }


def unfolded(series: Mapping[Named, Mapping[str, Any]], now: int) -> dict[Named, Mapping[str, Any]]:
    """The series with what Prometheus records in place of each `firing`."""
    found: dict[Named, Mapping[str, Any]] = {}
    for named, item in series.items():
        if "firing" in item:
            found |= firing(item["firing"], item.get("since", "3h"), now)
        else:
            found[named] = item
    return found


def _seconds(text: str) -> float:
    return span(text).total_seconds()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', r"\"").replace("\n", r"\n")
