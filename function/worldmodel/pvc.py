"""What is told of a PersistentVolumeClaim: how full, how fast, who stops with it, and whether it can grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from function.shared.facts import Dependent, Reference, Storage
from function.shared.text import cut
from function.worldmodel import common, objects, usage
from function.worldmodel.common import Found
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look

MAX_STORAGE = "sre-dispatch/max-storage"
"""The operator's ceiling for the claim."""
PODS_WITH_EVENTS = 3
ALONE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})
"""Access modes with which a claim is mounted on one node, and so by one workload as a rule."""
MANY = 10
"""Workloads and owners that are asked about one by one; what more there are is counted all the same."""
STOPS = "mounts it, and stops when it is full"


def claim(look: Look, namespace: str, name: str) -> Found:
    asked = look.get("PersistentVolumeClaim", name, namespace)
    used = usage.volume(look, namespace, name)
    own = common.events(look, "PersistentVolumeClaim", name, namespace)
    lists = [look.list(kind, namespace) for kind in common.WORKLOADS]
    near = common.around(look, namespace)
    of = asked()
    if of is None:
        return Found()
    spec, status = objects.spec(of), objects.status(of)
    held = look.get("StorageClass", spec["storageClassName"]) if spec.get("storageClassName") else None
    volume = look.get("PersistentVolume", spec["volumeName"]) if spec.get("volumeName") else None
    mounting = [each for listed in lists for each in listed() if objects.mounts(each, name)]
    rollouts = [common.rollout(look, each) for each in mounting[:MANY]]
    pods = _pods(look, of, mounting)
    happened = [
        own,
        *(common.events(look, "Pod", objects.name(pod), namespace) for pod in pods[:PODS_WITH_EVENTS]),
    ]

    found = Found(exists=True)
    found.tell(_state(of, look.now, pods))
    found.facts += used()
    found.tell(_storage(of, held() if held else None, volume() if volume else None))
    found.tell(common.dependents(_dependents(look, mounting, pods, near)))
    labels = [*map(objects.template_labels, mounting), *map(objects.labels, pods)]
    found.tell(common.limits(near, labels, _counts))
    found.tell(common.happenings([event for each in happened for event in each()], look.now))
    found.tell(common.depends_on(_needs(spec, pods)))
    found.changes = [change for each in rollouts for change in each()]
    capacity = (status.get("capacity") or {}).get("storage", "")
    found.watched = {"requested storage": _requested(of), "capacity": capacity}
    return found


def _pods(look: Look, of: Object, mounting: Sequence[Object]) -> list[Object]:
    """The pods that mount the claim: those of the workloads that do; where that finds none, or others may
    mount it beside them, among the first of the namespace."""
    name, namespace = objects.name(of), objects.namespace(of)
    owner = objects.controller(of)
    if owner and owner.kind == "Pod":  # a generic ephemeral volume, which lives and dies with its pod
        pod = look.get("Pod", owner.name, namespace)()
        return [pod] if pod else []
    selectors = [objects.as_query(objects.spec(each).get("selector") or {}) for each in mounting[:MANY]]
    lists = [look.list("Pod", namespace, labels=labels) for labels in selectors if labels]
    pods = [pod for listed in lists for pod in listed() if _mounts(pod, name)]
    if not pods or len(mounting) > MANY or not ALONE.issuperset(objects.spec(of).get("accessModes") or ()):
        pods = [pod for pod in look.list("Pod", namespace)() if _mounts(pod, name)]
    return pods


def _mounts(pod: Object, name: str) -> bool:
    return name in objects.claims(pod) and not objects.is_over(pod)


def _state(of: Object, now: float, pods: Sequence[Object]) -> object:
    status = objects.status(of)
    return common.state(
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
    """Also of a claim without a class, which cannot grow, and of one whose class cannot be read."""
    ceiling, name = objects.annotation(of, MAX_STORAGE), objects.spec(of).get("storageClassName") or ""
    held = storage_class or {}
    return Storage(
        storage_class=name,
        provisioner=cut(held.get("provisioner") or ""),
        allow_volume_expansion=None if name and not held else held.get("allowVolumeExpansion") is True,
        access_modes=tuple(objects.spec(of).get("accessModes") or ()),
        volume=objects.spec(of).get("volumeName") or "",
        reclaim_policy=objects.spec(volume or {}).get("persistentVolumeReclaimPolicy") or "",
        max_storage=cut(ceiling) if ceiling is not None else None,
    )


def _dependents(
    look: Look, mounting: Sequence[Object], pods: Sequence[Object], near: common.Around
) -> list[Dependent]:
    """The workloads that mount it, whoever owns the other pods that do, and who reaches all these."""
    found = [Dependent(each["kind"], objects.name(each), objects.namespace(each), STOPS) for each in mounting]
    labels = [objects.template_labels(each) for each in mounting]
    selectors = [objects.spec(each).get("selector") for each in mounting]
    others = [pod for pod in pods if not _belongs(pod, selectors)]
    # One of each owner stands for all of them: asking up the chain of each pod would take as many requests.
    for number, pod in enumerate(
        {objects.controller(pod) or objects.name(pod): pod for pod in others}.values()
    ):
        direct = objects.controller(pod)
        owner = direct if direct and number >= MANY else common.workload(look, pod)
        found.append(Dependent(owner.kind, owner.name, objects.namespace(pod), STOPS))
        labels.append(objects.labels(pod))
    return [*found, *(client for each in labels for client in common.clients(each, near))]


def _belongs(pod: Object, selectors: Sequence[Any]) -> bool:
    """Whether the pod is one of those that the selectors' workloads run: they adopt what has their labels."""
    owned = objects.controller(pod) is not None
    return owned and any(objects.selects(each, objects.labels(pod)) for each in selectors)


def _counts(resource: str) -> bool:
    """Whether a quota on the resource is one on claims."""
    return resource.endswith("requests.storage") or resource.endswith("persistentvolumeclaims")


def _needs(spec: Object, pods: Sequence[Object]) -> list[Reference]:
    named = (("PersistentVolume", spec.get("volumeName")), ("StorageClass", spec.get("storageClassName")))
    nodes = {objects.spec(pod).get("nodeName") for pod in pods}
    return [
        *(Reference(kind, name) for kind, name in named if name),
        *(Reference("Node", name) for name in sorted(filter(None, nodes))),
    ]
