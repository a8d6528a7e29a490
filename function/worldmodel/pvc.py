"""The facts of a PersistentVolumeClaim: usage, growth, dependents, and whether the claim can grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from function.shared.facts import Dependent, Reference, Storage
from function.shared.text import cut
from function.worldmodel import objects, usage
from function.worldmodel.crashes import crashes
from function.worldmodel.events import events, happenings
from function.worldmodel.found import Found, state
from function.worldmodel.neighbours import Neighbours, clients, dependents, depends_on, limits, neighbours
from function.worldmodel.objects import Object
from function.worldmodel.owners import WORKLOADS, workload_of
from function.worldmodel.reader import Look
from function.worldmodel.rollouts import rollout

MAX_STORAGE = "sre-dispatch/max-storage"
"""The annotation with the operator's limit for the claim."""
MAX_THOUSANDTHS = 10**12
"""An exbibyte. A larger limit is a mistake."""
PODS_WITH_EVENTS = 3
ONE_NODE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})
"""Access modes with which only one node can mount the claim. Usually only one workload uses such a claim."""
MANY = 10
"""The maximum number of workloads and owners that are read one by one. Other workloads and owners are only
counted."""
STOPS = "mounts it, and stops when it is full"


def claim(look: Look, namespace: str, name: str) -> Found:
    requested = look.get("PersistentVolumeClaim", name, namespace)
    used = usage.volume(look, namespace, name)
    own = events(look, "PersistentVolumeClaim", name, namespace)
    lists = [look.list(kind, namespace) for kind in WORKLOADS]
    near = neighbours(look, namespace)
    of = requested()
    if of is None:
        return Found()
    spec, status = objects.spec(of), objects.status(of)
    storage_class = (
        look.get("StorageClass", spec["storageClassName"]) if spec.get("storageClassName") else None
    )
    volume = look.get("PersistentVolume", spec["volumeName"]) if spec.get("volumeName") else None
    mounting = [each for listed in lists for each in listed() if objects.mounts(each, name)]
    rollouts = [rollout(look, each) for each in mounting[:MANY]]
    pods = _pods(look, of, mounting)
    happened = [
        own,
        *(events(look, "Pod", objects.name(pod), namespace) for pod in pods[:PODS_WITH_EVENTS]),
    ]

    found = Found(exists=True)
    found.add(_state(of, look.now, pods), *crashes(pods, look.now))
    found.facts += used()
    found.add(_storage(of, storage_class() if storage_class else None, volume() if volume else None))
    found.add(dependents(_dependents(look, mounting, pods, near)))
    labels = [*map(objects.template_labels, mounting), *map(objects.labels, pods)]
    found.add(limits(near, labels, _counts))
    found.add(happenings([event for each in happened for event in each()], look.now))
    found.add(depends_on(_needs(spec, pods)))
    found.changes = [change for each in rollouts for change in each().changes]
    capacity = (status.get("capacity") or {}).get("storage", "")
    found.watched = {"requested storage": _requested(of), "capacity": capacity}
    return found


def _pods(look: Look, of: Object, mounting: Sequence[Object]) -> list[Object]:
    """Returns the pods that mount the claim. It searches the pods of the workloads that mount the claim. If
    there are no such pods, or if other pods can mount the claim too, it searches the first pods of the
    namespace."""
    name, namespace = objects.name(of), objects.namespace(of)
    owner = objects.controller(of)
    if owner and owner.kind == "Pod":  # the claim of a generic ephemeral volume
        pod = look.get("Pod", owner.name, namespace)()
        return [pod] if pod else []
    selectors = [objects.as_query(objects.spec(each).get("selector") or {}) for each in mounting[:MANY]]
    lists = [look.list("Pod", namespace, labels=labels) for labels in selectors if labels]
    pods = [pod for listed in lists for pod in listed() if _mounts(pod, name)]
    if not pods or len(mounting) > MANY or not ONE_NODE.issuperset(objects.spec(of).get("accessModes") or ()):
        pods = [pod for pod in look.list("Pod", namespace)() if _mounts(pod, name)]
    return pods


def _mounts(pod: Object, name: str) -> bool:
    return name in objects.claims(pod) and not objects.is_over(pod)


def _state(of: Object, now: float, pods: Sequence[Object]) -> object:
    status = objects.status(of)
    return state(
        of,
        now,
        str(status.get("phase", "")),
        requested=_requested(of),
        capacity=(status.get("capacity") or {}).get("storage"),
        resizing=(status.get("allocatedResourceStatuses") or {}).get("storage"),
        mounted_by=[f"{objects.name(pod)} on {objects.spec(pod).get('nodeName', 'no node')}" for pod in pods],
        containers=[f"{objects.name(pod)} {each}" for pod in pods for each in objects.containers(pod)],
    )


def _requested(of: Object) -> str:
    return str(((objects.spec(of).get("resources") or {}).get("requests") or {}).get("storage", ""))


def _storage(of: Object, storage_class: Object | None, volume: Object | None) -> Storage:
    """Returns the storage of a claim. A claim without a class cannot grow. If the class cannot be read, it is
    unknown whether the claim can grow."""
    ceiling, name = objects.annotation(of, MAX_STORAGE), objects.spec(of).get("storageClassName") or ""
    class_ = storage_class or {}
    return Storage(
        storage_class=name,
        provisioner=cut(class_.get("provisioner") or ""),
        allow_volume_expansion=None if name and not class_ else class_.get("allowVolumeExpansion") is True,
        access_modes=tuple(objects.spec(of).get("accessModes") or ()),
        volume=objects.spec(of).get("volumeName") or "",
        reclaim_policy=objects.spec(volume or {}).get("persistentVolumeReclaimPolicy") or "",
        max_storage=cut(ceiling) if ceiling is not None else None,
        max_storage_gib=_gib(ceiling or ""),
    )


def _gib(quantity: str) -> float | None:
    """Returns the quantity in GiB, rounded down, so that nobody asks for more than the limit. It is None if
    the text is no quantity above nought."""
    try:
        thousandths = int(parse_quantity(quantity) * 1000 / usage.GIB)
    except (ValueError, ArithmeticError):
        return None
    return thousandths / 1000 if 0 < thousandths < MAX_THOUSANDTHS else None


def _dependents(
    look: Look, mounting: Sequence[Object], pods: Sequence[Object], near: Neighbours
) -> list[Dependent]:
    """Returns the workloads that mount the claim, the owners of other pods that mount it, and the Services
    and Ingresses of all of them."""
    found = [Dependent(each["kind"], objects.name(each), objects.namespace(each), STOPS) for each in mounting]
    labels = [objects.template_labels(each) for each in mounting]
    selectors = [objects.spec(each).get("selector") for each in mounting]
    others = [pod for pod in pods if not _belongs(pod, selectors)]
    # Reads the chain of owners once for each owner, not once for each pod.
    for number, pod in enumerate(
        {objects.controller(pod) or objects.name(pod): pod for pod in others}.values()
    ):
        direct = objects.controller(pod)
        owner = direct if direct and number >= MANY else workload_of(look, pod)
        found.append(Dependent(owner.kind, owner.name, objects.namespace(pod), STOPS))
        labels.append(objects.labels(pod))
    return [*found, *(client for each in labels for client in clients(each, near))]


def _belongs(pod: Object, selectors: Sequence[Any]) -> bool:
    """Returns whether one of the workloads runs the pod. Such a pod has an owner and matches the workload's
    selector."""
    owned = objects.controller(pod) is not None
    return owned and any(objects.selects(each, objects.labels(pod)) for each in selectors)


def _counts(resource: str) -> bool:
    """Returns whether a quota on this resource limits claims."""
    return resource.endswith("requests.storage") or resource.endswith("persistentvolumeclaims")


def _needs(spec: Object, pods: Sequence[Object]) -> list[Reference]:
    named = (("PersistentVolume", spec.get("volumeName")), ("StorageClass", spec.get("storageClassName")))
    nodes = {objects.spec(pod).get("nodeName") for pod in pods}
    return [
        *(Reference(kind, name) for kind, name in named if name),
        *(Reference("Node", name) for name in sorted(filter(None, nodes))),
    ]
