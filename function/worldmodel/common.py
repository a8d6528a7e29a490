"""What is told alike of several kinds of resource."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from function.shared.facts import (
    MAX_LIST,
    Change,
    Dependent,
    Dependents,
    DependsOn,
    DisruptionBudget,
    Fact,
    Happening,
    Happenings,
    Limits,
    Owners,
    Quota,
    Reference,
    Replicas,
    State,
    fact,
)
from function.shared.text import ago, cut
from function.worldmodel import objects
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look

SOURCE = "kubernetes"
WORKLOADS = ("StatefulSet", "Deployment", "DaemonSet", "CronJob")
"""Kinds that a person works with: what stands between them and their pods is left out."""
MAX_EVENTS = 10
MAX_CHAIN = 4
ROLLOUTS = {
    "Deployment": "ReplicaSet",
    "StatefulSet": "ControllerRevision",
    "DaemonSet": "ControllerRevision",
}
"""What each makes a new one of at every change of its pod template."""


@dataclass
class Found:
    """What one look found of a resource."""

    facts: list[Fact] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    watched: dict[str, str] = field(default_factory=dict)
    """What is compared from one look to the next."""
    exists: bool = False

    def tell(self, *told: object) -> None:
        self.facts += [fact(each, SOURCE) for each in told]


def state(of: Object, now: float, status: str, **details: object) -> State:
    """Details without a value are left out."""
    told: dict[str, Any] = {"made": ago(now - objects.created(of)), **details}
    told["conditions"] = objects.conditions(of)
    told["being_deleted"] = "deletionTimestamp" in of["metadata"] or None
    return State(cut(status), {name: _detail(value) for name, value in told.items() if _says(value)})


def _says(value: object) -> bool:
    return value is not None and value not in ([], "")


def _detail(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(cut(each) for each in some(value))
    return cut(value) if isinstance(value, str) else value


def some(of: list[str]) -> list[str]:
    """At most MAX_LIST of them, the last one saying how many more there are."""
    return of if len(of) <= MAX_LIST else [*of[: MAX_LIST - 1], f"and {len(of) - MAX_LIST + 1} more"]


def events(look: Look, kind: str, name: str, namespace: str) -> Callable[[], Sequence[Object]]:
    chosen = f"involvedObject.kind={kind},involvedObject.name={name}"
    return look.list("Event", namespace, fields=chosen)


def happenings(found: Iterable[Object], now: float) -> Happenings:
    """The newest events; what an Event says is written by whoever may create one."""
    ordered = sorted(found, key=_last, reverse=True)
    told = [_happening(event, now) for event in ordered[:MAX_EVENTS]]
    return Happenings(tuple(told), more=max(0, len(ordered) - MAX_EVENTS))


def _happening(event: Object, now: float) -> Happening:
    about = event.get("involvedObject") or {}
    return Happening(
        subject=cut(f"{about.get('kind', '')}/{about.get('name', '')}"),
        type=cut(event.get("type") or ""),
        reason=cut(event.get("reason") or ""),
        message=cut(event.get("message") or ""),
        count=event.get("count") or (event.get("series") or {}).get("count") or 1,
        ago=ago(now - _last(event)),
    )


def _last(event: Object) -> float:
    series = (event.get("series") or {}).get("lastObservedTime")
    times = (series, event.get("lastTimestamp"), event.get("eventTime"))
    return max((objects.seconds(time) for time in times if time), default=objects.created(event))


def owners(look: Look, of: Object) -> list[Reference]:
    """Who controls the object, who controls that, and so on."""
    chain: list[Reference] = []
    found: Object | None = of
    while found is not None and len(chain) < MAX_CHAIN and (owner := objects.controller(found)):
        chain.append(owner)
        known = owner.kind in objects.PATHS and owner.kind not in WORKLOADS
        found = look.get(owner.kind, owner.name, owner.namespace)() if known else None
    return chain


def workload(look: Look, pod: Object) -> Reference:
    """What a person works with behind the pod."""
    return outermost(owners(look, pod), pod)


def outermost(chain: Sequence[Reference], pod: Object) -> Reference:
    """The last in the chain of the pod's owners, or the pod itself."""
    real = [owner for owner in chain if owner.kind != "Node"]  # which only mirrors a static pod
    return real[-1] if real else Reference("Pod", objects.name(pod), objects.namespace(pod))


def owned(chain: Sequence[Reference]) -> list[Owners]:
    return [Owners(tuple(chain))] if chain else []


@dataclass
class Around:
    """What surrounds the workloads of a namespace, asked for at once."""

    services: Callable[[], Sequence[Object]]
    ingresses: Callable[[], Sequence[Object]]
    budgets: Callable[[], Sequence[Object]]
    quotas: Callable[[], Sequence[Object]]


def around(look: Look, namespace: str) -> Around:
    kinds = ("Service", "Ingress", "PodDisruptionBudget", "ResourceQuota")
    return Around(*(look.list(kind, namespace) for kind in kinds))


def clients(labels: Mapping[str, str], near: Around) -> Iterator[Dependent]:
    """The Services that lead to pods with these labels, and the Ingresses that lead to those."""
    services = set()
    for service in near.services():
        selector = objects.spec(service).get("selector")
        if selector and objects.selects({"matchLabels": selector}, labels):
            services.add(objects.name(service))
            yield _dependent(service, "leads to its pods")
    for ingress in near.ingresses():
        if services & set(_backends(ingress)):
            yield _dependent(ingress, "leads to one of its Services")


def _backends(ingress: Object) -> Iterator[str]:
    spec = objects.spec(ingress)
    paths = [path for rule in spec.get("rules") or () for path in (rule.get("http") or {}).get("paths") or ()]
    for backend in [spec.get("defaultBackend") or {}, *(path["backend"] for path in paths)]:
        yield (backend.get("service") or {}).get("name", "")


def _dependent(of: Object, why: str) -> Dependent:
    return Dependent(of["kind"], objects.name(of), objects.namespace(of), why)


def dependents(found: Iterable[Dependent]) -> Dependents:
    """Each once, the first reason standing."""
    each: dict[tuple[str, str, str], Dependent] = {}
    for one in found:
        each.setdefault((one.kind, one.namespace, one.name), one)
    ordered = [*each.values()]
    return Dependents(len(ordered), tuple(ordered[:MAX_LIST]))


def depends_on(needs: Iterable[Reference]) -> DependsOn:
    found = [*dict.fromkeys(needs)]
    return DependsOn(tuple(found[:MAX_LIST]), more=max(0, len(found) - MAX_LIST))


def limits(
    near: Around,
    labels: Sequence[Mapping[str, str]] = (),
    counts: Callable[[str], bool] = lambda _: True,
) -> Limits:
    """The namespace's quotas on resources that count, the fullest first, and the disruption budgets that
    select any of these labels."""
    quotas = [
        (
            _share(used.get(resource, 0), hard),
            Quota(objects.name(of), resource, str(used.get(resource, "")), str(hard)),
        )
        for of in near.quotas()
        for used in [objects.status(of).get("used") or {}]
        for resource, hard in (objects.status(of).get("hard") or {}).items()
        if counts(resource)
    ]
    budgets = [
        DisruptionBudget(objects.name(budget), int(objects.status(budget).get("disruptionsAllowed") or 0))
        for budget in near.budgets()
        if any(objects.selects(objects.spec(budget).get("selector"), each) for each in labels)
    ]
    ordered = [
        quota for _, quota in sorted(quotas, key=lambda each: (-each[0], each[1].name, each[1].resource))
    ]
    return Limits(tuple(ordered[:MAX_LIST]), tuple(budgets[:MAX_LIST]), max(0, len(ordered) - MAX_LIST))


def _share(used: object, hard: object) -> float:
    """How much of a quota is used, 0 to 1."""
    return float(parse_quantity(used) / parse_quantity(hard)) if parse_quantity(hard) else 1.0


def replicas(of: Object) -> Replicas:
    """Of a Deployment, StatefulSet, ReplicaSet or DaemonSet, each of which counts under names of its own."""
    spec, status = objects.spec(of), objects.status(of)
    if of["kind"] == "DaemonSet":
        names = ("desiredNumberScheduled", "numberReady", "numberAvailable")
        return Replicas(*(int(status.get(name) or 0) for name in names))
    desired = spec.get("replicas")
    return Replicas(
        1 if desired is None else int(desired),
        int(status.get("readyReplicas") or 0),
        int(status.get("availableReplicas") or 0),
    )


def rollout(look: Look, of: Object) -> Callable[[], list[Change]]:
    """When the workload's pod template last changed; call to wait for it."""
    kind = ROLLOUTS.get(of["kind"])
    selector = objects.spec(of).get("selector")
    if kind is None or not selector:
        return list
    revisions = look.list(kind, objects.namespace(of), labels=objects.as_query(selector), metadata=True)

    def told() -> list[Change]:
        own = [
            each
            for each in revisions()
            if (owner := objects.controller(each))
            and (owner.kind, owner.name) == (of["kind"], objects.name(of))
        ]
        latest = objects.newest(own)
        if latest is None:
            return []
        what = f"the newest revision of {of['kind']} {objects.name(of)} was made ({len(own)} are kept)"
        return [Change(cut(what), ago(look.now - objects.created(latest)))]

    return told
