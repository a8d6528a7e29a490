"""The facts of a Pod."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kubernetes.utils.quantity import parse_quantity

from function.shared.facts import Dependent, Reference, Replicas
from function.shared.prometheus import quoted
from function.worldmodel import metrics, objects, usage
from function.worldmodel.crashes import crashes
from function.worldmodel.events import NODES, events, happenings
from function.worldmodel.found import Found, state
from function.worldmodel.machines import machine
from function.worldmodel.neighbours import clients, dependents, depends_on, limits, neighbours
from function.worldmodel.objects import Object
from function.worldmodel.owners import outermost, owned, owners
from function.worldmodel.placing import volumes
from function.worldmodel.reader import Look
from function.worldmodel.readiness import is_ready, node_of, readiness
from function.worldmodel.rollouts import Rolled, replicas, rollout
from function.worldmodel.services import endpoints, selecting, services

REPLICATED = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")


def pod(look: Look, namespace: str, name: str) -> Found:
    requested = look.get("Pod", name, namespace)
    happened = events(look, "Pod", name, namespace)
    near = neighbours(look, namespace)
    counted = endpoints(look, namespace)
    of = requested()
    if of is None:
        return Found()
    used = usage.memory(look, _memory(namespace, name), _memory_limits(of))
    measured = [metrics.cpu(look, of), metrics.control_plane(look, of)]
    node = node_of(look, of)
    on = objects.spec(of).get("nodeName") or ""
    measured += [machine(look, on, [objects.status(of).get("hostIP") or on])] if on else []
    of_node = events(look, "Node", on, NODES) if on else tuple
    chain = owners(look, of)
    workload = _workload(look, chain)
    rolled = rollout(look, workload) if workload else Rolled
    siblings = _siblings(look, workload)

    found = Found(exists=True)
    found.add(_state(of, look.now, volumes(look, of)), *crashes([of], look.now))
    if not (is_ready(of) or objects.is_over(of)):
        found.add(readiness(of, node(), siblings()))
    found.facts += [*used(), *(each for facts in measured for each in facts())]
    if workload:
        found.add(replicas(workload))
    elif not chain:
        running = int(objects.status(of).get("phase") == "Running")
        found.add(Replicas(1, running, running))  # a pod without owners is its own replica
    last = outermost(chain, of)
    owner = [Dependent(last.kind, last.name, namespace, "runs as this pod")] if last.kind != "Pod" else []
    found.add(dependents([*owner, *clients(objects.labels(of), near)]))
    found.add(*rolled().facts)
    found.add(*services(near.services(), counted(), selecting([objects.labels(of)]), [of]))
    found.add(limits(near, [objects.labels(of)]), *owned(chain))
    found.add(happenings([*happened(), *of_node()], look.now), depends_on(objects.needs(of)))
    found.changes = rolled().changes
    found.watched = {"images": ", ".join(objects.images(of)), "node": objects.spec(of).get("nodeName", "")}
    return found


def _workload(look: Look, chain: Sequence[Reference]) -> Object | None:
    """Returns the outermost owner with a number of replicas. If an unknown kind owns the ReplicaSet, it
    returns the ReplicaSet."""
    for owner in reversed(chain):
        if owner.kind in REPLICATED:
            return look.get(owner.kind, owner.name, owner.namespace)()
    return None


def _siblings(look: Look, workload: Object | None) -> Callable[[], Sequence[Object]]:
    """Requests the pods of the workload."""
    selector = objects.spec(workload or {}).get("selector")
    if workload is None or not selector:
        return tuple
    return look.list("Pod", objects.namespace(workload), labels=objects.as_query(selector))


def _state(of: Object, now: float, waits_for: list[str]) -> object:
    spec, status = objects.spec(of), objects.status(of)
    return state(
        of,
        now,
        " ".join(filter(None, (status.get("phase"), status.get("reason")))),
        node=spec.get("nodeName"),
        message=status.get("message"),
        volumes=waits_for,
        containers=[*objects.containers(of)],
        images=objects.images(of),
    )


def _memory(namespace: str, name: str) -> str:
    of = f'namespace={quoted(namespace)},pod={quoted(name)},container!=""'
    return f"max by (container) (container_memory_working_set_bytes{{{of}}})"


def _memory_limits(of: Object) -> dict[str, float]:
    """Returns the memory limit of each container in bytes. Containers without a limit are left out."""
    found = {
        each["name"]: ((each.get("resources") or {}).get("limits") or {}).get("memory")
        for each in objects.spec(of).get("containers") or ()
    }
    return {name: float(parse_quantity(limit)) for name, limit in found.items() if limit}
