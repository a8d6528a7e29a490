"""Finds the objects around a resource: its dependents, its dependencies, and the limits that apply to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kubernetes.utils.quantity import parse_quantity

from function.shared.fact_fields import MAX_LIST
from function.shared.facts import Dependent, Dependents, DependsOn, DisruptionBudget, Limits, Quota, Reference
from function.worldmodel import objects
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look


@dataclass
class Neighbours:
    """The listings of one namespace. All listings are requested at once."""

    services: Callable[[], Sequence[Object]]
    ingresses: Callable[[], Sequence[Object]]
    budgets: Callable[[], Sequence[Object]]
    quotas: Callable[[], Sequence[Object]]


def neighbours(look: Look, namespace: str) -> Neighbours:
    kinds = ("Service", "Ingress", "PodDisruptionBudget", "ResourceQuota")
    return Neighbours(*(look.list(kind, namespace) for kind in kinds))


def clients(labels: Mapping[str, str], near: Neighbours) -> Iterator[Dependent]:
    """Yields the Services that select pods with these labels, and the Ingresses that route to these
    Services."""
    services = set()
    for service in near.services():
        selector = objects.spec(service).get("selector")
        if selector and objects.selects({"matchLabels": selector}, labels):
            services.add(objects.name(service))
            yield _dependent(service, "leads to its pods")
    for ingress in near.ingresses():
        if services & set(backends(ingress)):
            yield _dependent(ingress, "leads to one of its Services")


def backends(ingress: Object) -> Iterator[str]:
    """Yields the names of the Services to which an Ingress leads."""
    spec = objects.spec(ingress)
    paths = [path for rule in spec.get("rules") or () for path in (rule.get("http") or {}).get("paths") or ()]
    for backend in [spec.get("defaultBackend") or {}, *(path["backend"] for path in paths)]:
        yield (backend.get("service") or {}).get("name", "")


def _dependent(of: Object, reason: str) -> Dependent:
    return Dependent(of["kind"], objects.name(of), objects.namespace(of), reason)


def dependents(found: Iterable[Dependent]) -> Dependents:
    """Returns each dependent once, with the first reason."""
    unique: dict[tuple[str, str, str], Dependent] = {}
    for one in found:
        unique.setdefault((one.kind, one.namespace, one.name), one)
    ordered = [*unique.values()]
    return Dependents(len(ordered), tuple(ordered[:MAX_LIST]))


def depends_on(needs: Iterable[Reference]) -> DependsOn:
    """Returns each reference once."""
    unique = [*dict.fromkeys(needs)]
    return DependsOn(tuple(unique[:MAX_LIST]), more=max(0, len(unique) - MAX_LIST))


def limits(
    near: Neighbours,
    labels: Sequence[Mapping[str, str]] = (),
    counts: Callable[[str], bool] = lambda _: True,
) -> Limits:
    """Returns the namespace's quotas on the resources for which `counts` is true, the fullest first. Returns
    the disruption budgets that select any of these labels too."""
    quotas = [
        (
            _used_share(used.get(resource, 0), hard),
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
    fullest_first = sorted(quotas, key=lambda each: (-each[0], each[1].name, each[1].resource))
    shown = [quota for _, quota in fullest_first[:MAX_LIST]]
    return Limits(tuple(shown), tuple(budgets[:MAX_LIST]), max(0, len(quotas) - MAX_LIST))


def _used_share(used: object, hard: object) -> float:
    """Returns the used share of a quota, from 0 to 1."""
    return float(parse_quantity(used) / parse_quantity(hard)) if parse_quantity(hard) else 1.0
