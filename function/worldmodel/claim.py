"""What is told of a PersistentVolumeClaim: how full, how fast, who stops with it, and whether it can grow."""

from __future__ import annotations

from collections.abc import Sequence

from function.facts import Change, Dependent, Reference, Storage, ago, cut
from function.worldmodel import common, objects, prometheus
from function.worldmodel.common import Found
from function.worldmodel.look import Look
from function.worldmodel.objects import Object

MAX_STORAGE = "sre-dispatch/max-storage"
"""The operator's ceiling for the claim."""
PODS_WITH_EVENTS = 3
STOPS = "mounts it, and stops when it is full"


def claim(look: Look, namespace: str, name: str) -> Found:
    asked = look.get("PersistentVolumeClaim", name, namespace)
    usage = prometheus.volume(look, namespace, name)
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
    rollouts = [common.rollout(look, each) for each in mounting]
    pods = _pods(look, namespace, name, mounting)
    happened = [
        own,
        *(common.events(look, "Pod", objects.name(pod), namespace) for pod in pods[:PODS_WITH_EVENTS]),
    ]

    found = Found(exists=True)
    found.tell(_state(of, look.now, pods))
    found.facts += usage()
    if held and (storage_class := held()):
        found.tell(_storage(of, storage_class, volume() if volume else None))
    found.tell(common.dependents(_dependents(mounting, pods, near)))
    labels = objects.template_labels(mounting[0]) if mounting else None
    found.tell(common.limits(labels, near))
    found.tell(common.happenings([event for each in happened for event in each()], look.now))
    found.tell(common.depends_on(_needs(spec, pods)))
    found.changes = [*_resized(of, look.now), *(change for each in rollouts for change in each())]
    capacity = (status.get("capacity") or {}).get("storage", "")
    found.watched = {"requested storage": _requested(of), "capacity": capacity}
    return found


def _pods(look: Look, namespace: str, name: str, mounting: Sequence[Object]) -> list[Object]:
    """The pods that mount the claim: those of the workloads that do, or, where none does, among the first
    of the namespace."""
    selectors = [objects.as_query(objects.spec(each).get("selector") or {}) for each in mounting]
    lists = [look.list("Pod", namespace, labels=labels) for labels in selectors if labels]
    if not mounting:
        lists = [look.list("Pod", namespace)]
    return [pod for listed in lists for pod in listed() if name in objects.claims(pod)]


def _state(of: Object, now: float, pods: Sequence[Object]) -> object:
    status = objects.status(of)
    return common.state(
        of,
        now,
        str(status.get("phase", "")),
        requested=_requested(of),
        capacity=(status.get("capacity") or {}).get("storage"),
        mounted_by=[f"{objects.name(pod)} on {objects.spec(pod).get('nodeName', 'no node')}" for pod in pods],
        containers=[f"{objects.name(pod)} {each}" for pod in pods for each in objects.containers(pod)],
    )


def _requested(of: Object) -> str:
    return str(((objects.spec(of).get("resources") or {}).get("requests") or {}).get("storage", ""))


def _storage(of: Object, storage_class: Object, volume: Object | None) -> Storage:
    ceiling = objects.notes(of).get(MAX_STORAGE)
    return Storage(
        storage_class=objects.name(storage_class),
        provisioner=cut(storage_class.get("provisioner") or ""),
        allow_volume_expansion=storage_class.get("allowVolumeExpansion") is True,
        access_modes=tuple(objects.spec(of).get("accessModes") or ()),
        volume=objects.spec(of).get("volumeName") or "",
        reclaim_policy=objects.spec(volume or {}).get("persistentVolumeReclaimPolicy") or "",
        max_storage=cut(ceiling) if ceiling is not None else None,
    )


def _dependents(mounting: Sequence[Object], pods: Sequence[Object], near: common.Around) -> list[Dependent]:
    found = [Dependent(each["kind"], objects.name(each), objects.namespace(each), STOPS) for each in mounting]
    if not mounting:
        for pod in pods:
            owner = objects.controller(pod) or Reference("Pod", objects.name(pod))
            found.append(Dependent(owner.kind, owner.name, objects.namespace(pod), STOPS))
    labels = [objects.template_labels(each) for each in mounting] or [objects.labels(pod) for pod in pods]
    return [*found, *(client for each in labels for client in common.clients(each, near))]


def _needs(spec: Object, pods: Sequence[Object]) -> list[Reference]:
    named = (("PersistentVolume", spec.get("volumeName")), ("StorageClass", spec.get("storageClassName")))
    nodes = {objects.spec(pod).get("nodeName") for pod in pods}
    return [
        *(Reference(kind, name) for kind, name in named if name),
        *(Reference("Node", name) for name in sorted(filter(None, nodes))),
    ]


def _resized(of: Object, now: float) -> list[Change]:
    at = objects.last_resize(of)
    return [Change("its size was last set by somebody", ago(now - at))] if at else []
