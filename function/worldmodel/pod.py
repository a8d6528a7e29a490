"""What is told of a Pod."""

from __future__ import annotations

from collections.abc import Sequence

from kubernetes.utils.quantity import parse_quantity

from function.shared.facts import Dependent, Reference, Replicas
from function.shared.prometheus import quoted
from function.worldmodel import common, objects, usage
from function.worldmodel.common import Found
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look

REPLICATED = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")


def pod(look: Look, namespace: str, name: str) -> Found:
    asked = look.get("Pod", name, namespace)
    happened = common.events(look, "Pod", name, namespace)
    near = common.around(look, namespace)
    of = asked()
    if of is None:
        return Found()
    used = usage.memory(look, _memory(namespace, name), _memory_limits(of))
    chain = common.owners(look, of)
    workload = _workload(look, chain)

    found = Found(exists=True)
    found.tell(_state(of, look.now))
    found.facts += used()
    if workload:
        found.tell(common.replicas(workload))
    elif not chain:
        found.tell(Replicas(1, *(2 * [int(objects.status(of).get("phase") == "Running")])))  # itself, alone
    last = common.outermost(chain, of)
    owner = [Dependent(last.kind, last.name, namespace, "runs as this pod")] if last.kind != "Pod" else []
    found.tell(common.dependents([*owner, *common.clients(objects.labels(of), near)]))
    found.tell(common.limits(near, [objects.labels(of)]), *common.owned(chain))
    found.tell(common.happenings(happened(), look.now), common.depends_on(objects.needs(of)))
    found.changes = common.rollout(look, workload)() if workload else []
    found.watched = {"images": ", ".join(objects.images(of)), "node": objects.spec(of).get("nodeName", "")}
    return found


def _workload(look: Look, chain: Sequence[Reference]) -> Object | None:
    """The outermost of the pod's owners that counts replicas: a ReplicaSet too, where something unknown owns
    it."""
    for owner in reversed(chain):
        if owner.kind in REPLICATED:
            return look.get(owner.kind, owner.name, owner.namespace)()
    return None


def _state(of: Object, now: float) -> object:
    spec, status = objects.spec(of), objects.status(of)
    return common.state(
        of,
        now,
        " ".join(filter(None, (status.get("phase"), status.get("reason")))),
        node=spec.get("nodeName"),
        message=status.get("message"),
        containers=[*objects.containers(of)],
        images=objects.images(of),
    )


def _memory(namespace: str, name: str) -> str:
    of = f'namespace={quoted(namespace)},pod={quoted(name)},container!=""'
    return f"max by (container) (container_memory_working_set_bytes{{{of}}})"


def _memory_limits(of: Object) -> dict[str, float]:
    """Bytes that each container may use, where it has a limit."""
    found = {
        each["name"]: ((each.get("resources") or {}).get("limits") or {}).get("memory")
        for each in objects.spec(of).get("containers") or ()
    }
    return {name: float(parse_quantity(limit)) for name, limit in found.items() if limit}
