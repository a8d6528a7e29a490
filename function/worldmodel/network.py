"""The facts of a Service and of an Ingress."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from function.shared.facts import Dependent, Reference
from function.worldmodel import metrics, objects
from function.worldmodel.crashes import crashes
from function.worldmodel.events import events, happenings
from function.worldmodel.found import Found, state
from function.worldmodel.neighbours import backends, dependents, depends_on
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look
from function.worldmodel.services import endpoints, services

MAX_ALIKE = 3


def service(look: Look, namespace: str, name: str) -> Found:
    requested = look.get("Service", name, namespace)
    counted = endpoints(look, namespace)
    ingresses = look.list("Ingress", namespace)
    happened = events(look, "Service", name, namespace)
    targets = metrics.targets(look, namespace, name)
    of = requested()
    if of is None:
        return Found()
    measured = metrics.control_plane_service(look, of)
    selector = objects.spec(of).get("selector")
    chosen = objects.as_query({"matchLabels": selector or {}})
    listed = look.list("Pod", namespace, labels=chosen) if selector else tuple
    others = look.some("Pod", namespace) if selector and not listed() else tuple
    alike = _alike(name, selector or {}, others())
    pods = [pod for pod in listed() if not objects.is_over(pod)]
    troubles = [f"{objects.name(pod)} {each}" for pod in pods for each in objects.troubles(pod)]

    found = Found(exists=True)
    kind = str(objects.spec(of).get("type") or "ClusterIP")
    found.add(state(of, look.now, kind, selector=chosen, pods=len(pods), troubles=troubles, pods_alike=alike))
    found.add(*crashes(pods, look.now))
    found.facts += [*targets(), *measured()]
    found.add(*services([of], counted(), lambda _: True, pods))
    leading = [each for each in ingresses() if name in backends(each)]
    found.add(
        dependents(Dependent("Ingress", objects.name(each), namespace, "leads to it") for each in leading)
    )
    found.add(happenings(happened(), look.now))
    owners = [owner for pod in pods if (owner := objects.controller(pod))]
    found.add(depends_on(owners))
    found.watched = {"selector": chosen}
    return found


def ingress(look: Look, namespace: str, name: str) -> Found:
    requested = look.get("Ingress", name, namespace)
    listed = look.list("Service", namespace)
    counted = endpoints(look, namespace)
    happened = events(look, "Ingress", name, namespace)
    of = requested()
    if of is None:
        return Found()
    wanted = sorted({each for each in backends(of) if each})
    there = {objects.name(each): each for each in listed()}
    spec = objects.spec(of)
    missing = [each for each in wanted if each not in there]

    found = Found(exists=True)
    hosts = [str(rule.get("host") or "*") for rule in spec.get("rules") or ()]
    details = {"hosts": hosts, "backends": wanted, "missing_backends": missing}
    found.add(state(of, look.now, str(spec.get("ingressClassName") or "no class"), **details))
    leads = _is_one_of(wanted)
    found.add(*services([there[each] for each in wanted if each in there], counted(), leads, ()))
    found.add(happenings(happened(), look.now))
    found.add(depends_on(Reference("Service", each, namespace) for each in wanted))
    found.watched = {"backends": ", ".join(wanted)}
    return found


def _alike(name: str, selector: Mapping[str, str], pods: Sequence[Object]) -> list[str]:
    """Returns the pods that a Service without pods may have meant: those with its name in theirs, or with one
    of the labels of its selector. It tells the labels by which they are not selected."""
    found = []
    for pod in pods:
        labels = objects.labels(pod)
        if name in objects.name(pod) or any(labels.get(key) == value for key, value in selector.items()):
            has = ", ".join(f"{key}={labels[key]}" for key in labels if "hash" not in key)
            phase = objects.status(pod).get("phase", "Unknown")
            found.append(f"{objects.name(pod)} is {phase} with {has or 'no labels'}")
    return found[:MAX_ALIKE]


def _is_one_of(names: list[str]) -> Callable[[Object], bool]:
    return lambda service: objects.name(service) in names
