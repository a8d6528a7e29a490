"""What is told of a Pod."""

from __future__ import annotations

from kubernetes.utils.quantity import parse_quantity

from function.facts import Dependent, Replicas
from function.worldmodel import common, objects, prometheus
from function.worldmodel.common import Found
from function.worldmodel.look import Look
from function.worldmodel.objects import Object

REPLICATED = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")


def pod(look: Look, namespace: str, name: str) -> Found:
    asked = look.get("Pod", name, namespace)
    happened = common.events(look, "Pod", name, namespace)
    near = common.around(look, namespace)
    of = asked()
    if of is None:
        return Found()
    usage = (
        prometheus.memory(look, _memory(namespace, name), _memory_limit(of)) if _memory_limit(of) else list
    )
    chain = common.owners(look, of)
    last = chain[-1] if chain else None
    workload = (
        look.get(last.kind, last.name, last.namespace)() if last and last.kind in objects.PATHS else None
    )

    found = Found(exists=True)
    found.tell(_state(of, look.now))
    found.facts += usage()
    if workload and workload["kind"] in REPLICATED:
        found.tell(common.replicas(workload))
    elif not chain:
        found.tell(Replicas(1, *(2 * [int(objects.status(of).get("phase") == "Running")])))  # itself, alone
    clients = [*common.clients(objects.labels(of), near)]
    owner = [Dependent(last.kind, last.name, last.namespace, "runs as this pod")] if last else []
    found.tell(common.dependents([*owner, *clients]))
    found.tell(common.limits(objects.labels(of), near), *common.owned(chain))
    found.tell(common.happenings(happened(), look.now), common.depends_on(objects.needs(of)))
    found.changes = common.rollout(look, workload)() if workload else []
    found.watched = {"images": ", ".join(objects.images(of)), "node": objects.spec(of).get("nodeName", "")}
    return found


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
        being_deleted="deletionTimestamp" in of["metadata"] or None,
    )


def _memory(namespace: str, name: str) -> str:
    of = f'namespace={prometheus.quoted(namespace)},pod={prometheus.quoted(name)},container!=""'
    return f"sum(container_memory_working_set_bytes{{{of}}})"


def _memory_limit(of: Object) -> float:
    """Bytes that its containers may use together; 0 where one of them has no limit."""
    limits = [
        ((each.get("resources") or {}).get("limits") or {}).get("memory")
        for each in objects.spec(of).get("containers") or ()
    ]
    return float(sum(parse_quantity(limit) for limit in limits)) if all(limits) else 0.0
