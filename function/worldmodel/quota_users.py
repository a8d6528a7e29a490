"""Who uses up a quota: the owners of the pods or Jobs that it counts, those with the most first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from function.worldmodel import objects
from function.worldmodel.objects import Object

MAX_USERS = 5
JOBS = ("count/jobs.batch", "jobs.batch")
PODS = ("pods", "count/pods")
SUMS = ("requests", "limits")


def users(resource: str, pods: Iterable[Object], jobs: Iterable[Object]) -> list[str]:
    """Returns the greatest users of this resource, in words. It is empty for other resources than pods, Jobs,
    and what pods request."""
    kind, _, name = resource.partition(".")
    if resource in JOBS:
        return _counted(jobs, "Job", lambda job: bool(objects.status(job).get("completionTime")))
    alive = [each for each in pods if not objects.is_over(each)]
    if resource in PODS:
        return _counted(alive, "pod", lambda _: False)
    if resource in ("cpu", "memory"):
        kind, name = "requests", resource
    return _summed(alive, kind, name) if kind in SUMS else []


def _owner(of: Object) -> str:
    owner = objects.controller(of)
    return f"{owner.kind} {owner.name}" if owner else "no owner"


def _by_owner(found: Iterable[Object]) -> Mapping[str, Sequence[Object]]:
    groups: dict[str, list[Object]] = defaultdict(list)
    for each in found:
        groups[_owner(each)].append(each)
    return groups


def _counted(found: Iterable[Object], what: str, is_done: Any) -> list[str]:
    groups = sorted(_by_owner(found).items(), key=lambda each: -len(each[1]))
    return [
        f"{owner}: {len(own)} {what}s, {sum(map(is_done, own))} completed, such as {objects.name(own[0])}"
        for owner, own in groups[:MAX_USERS]
    ]


def _summed(pods: Iterable[Object], kind: str, name: str) -> list[str]:
    asked = {owner: [_asked(pod, kind, name) for pod in own] for owner, own in _by_owner(pods).items()}
    most = sorted(asked.items(), key=lambda each: -sum(each[1]))[:MAX_USERS]
    return [
        f"{owner}: {len(own)} pods, {kind}.{name} {_shown(sum(own, Decimal(0)), name)}"
        for owner, own in most
        if sum(own)
    ]


def _asked(pod: Object, kind: str, name: str) -> Decimal:
    wanted = [
        ((each.get("resources") or {}).get(kind) or {}).get(name)
        for each in objects.spec(pod).get("containers") or ()
    ]
    return sum((parse_quantity(each) for each in wanted if each), Decimal(0))


def _shown(amount: Decimal, name: str) -> str:
    return f"{amount / 2**20:.0f}Mi" if name in ("memory", "ephemeral-storage") else f"{amount:.3g}"
