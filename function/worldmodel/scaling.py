"""What a HorizontalPodAutoscaler does: its limits, its replicas, and the metrics that it follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from function.shared.symptoms import Scaling, ScalingMetric
from function.shared.text import cut, cut_middle
from function.worldmodel import objects
from function.worldmodel.found import few
from function.worldmodel.objects import Object

MAX_METRICS = 5
GOOD = frozenset({"AbleToScale", "ScalingActive"})


def scales(scaler: Object, of: Object) -> bool:
    """Returns whether the autoscaler scales the workload."""
    target = objects.spec(scaler)["scaleTargetRef"]
    return (target["kind"], target["name"]) == (of["kind"], objects.name(of))


def scaling(scaler: Object) -> Scaling:
    spec, status = objects.spec(scaler), objects.status(scaler)
    target = spec["scaleTargetRef"]
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    return Scaling(
        autoscaler=objects.name(scaler),
        scales=cut(f"{target['kind']}/{target['name']}"),
        minimum=int(spec.get("minReplicas") or 1),
        maximum=int(spec["maxReplicas"]),
        current=int(status.get("currentReplicas") or 0),
        desired=int(status.get("desiredReplicas") or 0),
        limited=(conditions.get("ScalingLimited") or {}).get("status") == "True",
        metrics=tuple(_metrics(spec.get("metrics") or (), status.get("currentMetrics") or ()))[:MAX_METRICS],
        conditions=tuple(few([cut_middle(_words(each)) for each in conditions.values() if _is_bad(each)])),
    )


def _is_bad(condition: Mapping[str, Any]) -> bool:
    bad = "False" if condition["type"] in GOOD else "True"
    return bool(condition["status"] == bad)


def _words(condition: Mapping[str, Any]) -> str:
    parts = (
        f"{condition['type']}={condition['status']}",
        condition.get("reason"),
        condition.get("message"),
    )
    return " ".join(filter(None, parts))


def _metrics(wanted: Any, measured: Any) -> Iterator[ScalingMetric]:
    """Yields each metric with its target. The status names the metrics as the spec does."""
    now = {_name(each): _values(each, "current") for each in measured}
    for each in wanted:
        name, target = _name(each), _values(each, "target")
        current = now.get(name) or {}
        yield ScalingMetric(
            name=cut(name),
            current=cut(_shown(current)),
            target=cut(_shown(target)),
            current_percent=current.get("averageUtilization"),
            target_percent=target.get("averageUtilization"),
        )


def _source(metric: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the part of a metric whose name is its type in lower case, such as `resource`."""
    kind = str(metric["type"])
    return metric.get(kind[:1].lower() + kind[1:]) or {}


def _name(metric: Mapping[str, Any]) -> str:
    source = _source(metric)
    name = source.get("name") or (source.get("metric") or {}).get("name") or ""
    return " ".join(filter(None, (source.get("container"), str(name))))


def _values(metric: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    return _source(metric).get(part) or {}


def _shown(values: Mapping[str, Any]) -> str:
    if values.get("averageUtilization") is not None:
        return f"{values['averageUtilization']} %"
    return str(values.get("averageValue") or values.get("value") or "unknown")
