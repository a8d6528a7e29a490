"""The facts of a Node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kubernetes.utils.quantity import parse_quantity

from function.shared.facts import Dependent, Reference
from function.shared.prometheus import quoted
from function.worldmodel import metrics, objects, usage
from function.worldmodel.events import NODES, events, happenings
from function.worldmodel.found import Found, state
from function.worldmodel.machines import machine
from function.worldmodel.neighbours import dependents
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look

MAX_IMAGES = 5
LIVE = "status.phase!=Succeeded,status.phase!=Failed"


def node(look: Look, name: str) -> Found:
    requested = look.get("Node", name)
    listed = look.list("Pod", fields=f"spec.nodeName={name},{LIVE}", metadata=True)
    happened = events(look, "Node", name, NODES)
    of = requested()
    if of is None:
        return Found()
    allocatable = objects.status(of).get("allocatable") or {}
    # The memory is the sum over pods, because kube-prometheus-stack drops the kubelet's series of the whole
    # machine.
    of_pods = f'container_memory_working_set_bytes{{node={quoted(name)},container!="",pod!=""}}'
    memory = {"": float(parse_quantity(allocatable.get("memory", 0)))}
    used = usage.memory(look, f"sum({of_pods})", memory)

    measured = [machine(look, name, objects.addresses(of)), metrics.filesystems(look, of)]

    found = Found(exists=True)
    pods = listed()
    found.add(_state(of, look.now, allocatable, pods))
    found.facts += [*used(), *(each for facts in measured for each in facts())]
    found.add(dependents(_dependents(pods)), happenings(happened(), look.now))
    found.watched = {
        "kubelet": (objects.status(of).get("nodeInfo") or {}).get("kubeletVersion", ""),
        "unschedulable": str(bool(objects.spec(of).get("unschedulable"))),
    }
    return found


def host(look: Look, address: str) -> Found:
    """Returns the facts of the Node with this address. Exporters know a machine by its address alone."""
    for each in look.list("Node")():
        if any(known["address"] == address for known in objects.status(each).get("addresses") or ()):
            return node(look, objects.name(each))
    return Found()


def _state(of: Object, now: float, allocatable: Object, pods: Sequence[Object]) -> object:
    ready = [each["status"] for each in objects.status(of).get("conditions") or () if each["type"] == "Ready"]
    return state(
        of,
        now,
        {"True": "Ready", "False": "NotReady"}.get(ready[0] if ready else "", "Unknown"),
        unschedulable=objects.spec(of).get("unschedulable"),
        taints=[f"{each['key']}:{each['effect']}" for each in objects.spec(of).get("taints") or ()],
        allocatable=[f"{key}: {allocatable[key]}" for key in ("cpu", "memory", "pods") if key in allocatable],
        kubelet=(objects.status(of).get("nodeInfo") or {}).get("kubeletVersion"),
        images=_images(of),
        pods=len(pods),
    )


def _images(of: Object) -> list[str]:
    """Returns the largest images on the Node, which the kubelet keeps as long as a container has them."""
    listed = objects.status(of).get("images") or ()
    largest = sorted(listed, key=lambda each: -int(each.get("sizeBytes") or 0))[:MAX_IMAGES]
    return [
        f"{(each.get('names') or ['unnamed'])[-1]}: {int(each.get('sizeBytes') or 0) / usage.GIB:.1f} GiB"
        for each in largest
    ]


def _dependents(pods: Sequence[Object]) -> list[Dependent]:
    """Returns the workloads that run on the Node. Workloads with the most pods come first."""
    counts = Counter(_workload(pod) for pod in pods)
    return [
        Dependent(
            owner.kind, owner.name, owner.namespace, f"runs {count} pod{'s' if count > 1 else ''} there"
        )
        for owner, count in counts.most_common()
    ]


def _workload(pod: Object) -> Reference:
    owner = objects.controller(pod)
    if owner is None or owner.kind == "Node":
        return Reference("Pod", objects.name(pod), objects.namespace(pod))
    return Reference(owner.kind, owner.name, objects.namespace(pod))
