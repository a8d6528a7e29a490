"""What kube-state-metrics would say of the objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tests.eval.cases import Key, Named, Object
from tests.eval.forms import quantity

Sample = tuple[str, dict[str, str], float]
PHASES = ("Pending", "Running", "Succeeded", "Failed", "Unknown")
RESOURCES = {"cpu": "core", "memory": "byte", "ephemeral-storage": "byte", "pods": "integer"}


def samples(objects: Mapping[Key, Object]) -> dict[Named, float]:
    """Each series with its value."""
    found: dict[Named, float] = {}
    for made in objects.values():
        for name, labels, value in OF.get(made["kind"], _nothing)(made):
            found[name, tuple(sorted(labels.items()))] = value
    return found


def changing(
    before: Mapping[Key, Object], after: Mapping[Key, Object], since: str
) -> dict[Named, Mapping[str, Any]]:
    """The series of two worlds, the second of which began so long ago."""
    was, now = samples(before), samples(after)
    found: dict[Named, Mapping[str, Any]] = {}
    for named in was.keys() | now.keys():
        if named not in now:
            found[named] = {"now": was[named], "gone": since}
        elif named not in was:
            found[named] = {"now": now[named], "from": since}
        elif was[named] == now[named]:
            found[named] = {"now": now[named], "sparse": True}
        else:
            found[named] = {"was": was[named], "now": now[named], "since": since}
    return found


def _nothing(made: Object) -> Iterator[Sample]:
    yield from ()


def _home(made: Object, label: str) -> dict[str, str]:
    return {"namespace": made["metadata"].get("namespace", ""), label: made["metadata"]["name"]}


def _pod(made: Object) -> Iterator[Sample]:
    pod, spec, status = _home(made, "pod"), made.get("spec", {}), made.get("status", {})
    info = {"node": spec.get("nodeName", ""), "pod_ip": status.get("podIP", "")}
    yield "kube_pod_info", pod | info, 1
    for phase in PHASES:
        yield "kube_pod_status_phase", pod | {"phase": phase}, float(status.get("phase") == phase)
    for condition in status.get("conditions", ()):
        if condition["type"] == "Ready":
            yield from _condition("kube_pod_status_ready", pod, condition["status"])
    for each in status.get("containerStatuses", ()):
        yield from _container(pod | {"container": each["name"]}, each)
    for each in spec.get("containers", ()):
        yield from _resources(
            pod | {"container": each["name"], "node": info["node"]}, each.get("resources", {})
        )
    for volume in spec.get("volumes", ()):
        if claim := volume.get("persistentVolumeClaim"):
            named = {"volume": volume["name"], "persistentvolumeclaim": claim["claimName"]}
            yield "kube_pod_spec_volumes_persistentvolumeclaims_info", pod | named, 1


def _container(labels: dict[str, str], status: Mapping[str, Any]) -> Iterator[Sample]:
    yield "kube_pod_container_status_restarts_total", labels, status.get("restartCount", 0)
    yield "kube_pod_container_status_ready", labels, float(bool(status.get("ready")))
    if waiting := status.get("state", {}).get("waiting"):
        reason = {"reason": waiting.get("reason", "")}
        yield "kube_pod_container_status_waiting_reason", labels | reason, 1
    if ended := status.get("lastState", {}).get("terminated"):
        reason = {"reason": ended.get("reason", "")}
        yield "kube_pod_container_status_last_terminated_reason", labels | reason, 1


def _resources(labels: dict[str, str], resources: Mapping[str, Any]) -> Iterator[Sample]:
    for part in ("requests", "limits"):
        for name, amount in resources.get(part, {}).items():
            unit = {"resource": name, "unit": RESOURCES.get(name, "integer")}
            yield f"kube_pod_container_resource_{part}", labels | unit, quantity(amount)


def _condition(name: str, labels: dict[str, str], status: str) -> Iterator[Sample]:
    for known in ("true", "false", "unknown"):
        yield name, labels | {"condition": known}, float(status.lower() == known)


def _replicas(kind: str) -> Callable[[Object], Iterator[Sample]]:
    def read(made: Object) -> Iterator[Sample]:
        labels, status = _home(made, kind), made.get("status", {})
        desired = made["spec"].get("replicas", 1)
        if kind == "deployment":
            available = status.get("availableReplicas", 0)
            yield "kube_deployment_spec_replicas", labels, desired
            yield "kube_deployment_status_replicas", labels, status.get("replicas", 0)
            yield "kube_deployment_status_replicas_available", labels, available
            yield "kube_deployment_status_replicas_unavailable", labels, status.get("unavailableReplicas", 0)
            yield "kube_deployment_status_replicas_updated", labels, status.get("updatedReplicas", available)
        elif kind == "statefulset":
            yield "kube_statefulset_replicas", labels, desired
            yield "kube_statefulset_status_replicas_ready", labels, status.get("readyReplicas", 0)
            yield "kube_statefulset_status_replicas", labels, status.get("replicas", 0)

    return read


def _daemon_set(made: Object) -> Iterator[Sample]:
    labels, status = _home(made, "daemonset"), made.get("status", {})
    for name, field in (
        ("desired_number_scheduled", "desiredNumberScheduled"),
        ("current_number_scheduled", "currentNumberScheduled"),
        ("number_ready", "numberReady"),
        ("number_available", "numberAvailable"),
        ("number_misscheduled", "numberMisscheduled"),
    ):
        yield f"kube_daemonset_status_{name}", labels, status.get(field, 0)


def _node(made: Object) -> Iterator[Sample]:
    node, status = {"node": made["metadata"]["name"]}, made.get("status", {})
    info = status.get("nodeInfo", {})
    version = {
        "kubelet_version": info.get("kubeletVersion", ""),
        "kernel_version": info.get("kernelVersion", ""),
    }
    addresses = {each["type"]: each["address"] for each in status.get("addresses", ())}
    yield "kube_node_info", node | version | {"internal_ip": addresses.get("InternalIP", "")}, 1
    yield "kube_node_spec_unschedulable", node, float(bool(made.get("spec", {}).get("unschedulable")))
    for condition in status.get("conditions", ()):
        for state in ("true", "false", "unknown"):
            labels = node | {"condition": condition["type"], "status": state}
            yield "kube_node_status_condition", labels, float(condition["status"].lower() == state)
    for part in ("allocatable", "capacity"):
        for name, amount in status.get(part, {}).items():
            unit = {"resource": name.replace("-", "_"), "unit": RESOURCES.get(name, "integer")}
            yield f"kube_node_status_{part}", node | unit, quantity(amount)


def _autoscaler(made: Object) -> Iterator[Sample]:
    labels, spec, status = _home(made, "horizontalpodautoscaler"), made["spec"], made.get("status", {})
    begin = "kube_horizontalpodautoscaler"
    yield f"{begin}_spec_min_replicas", labels, spec.get("minReplicas", 1)
    yield f"{begin}_spec_max_replicas", labels, spec["maxReplicas"]
    yield f"{begin}_status_current_replicas", labels, status.get("currentReplicas", 0)
    yield f"{begin}_status_desired_replicas", labels, status.get("desiredReplicas", 0)
    for each in status.get("conditions", ()):
        for state in ("true", "false", "unknown"):
            named = labels | {"condition": each["type"], "status": state}
            yield f"{begin}_status_condition", named, float(each["status"].lower() == state)


def _quota(made: Object) -> Iterator[Sample]:
    labels, status = _home(made, "resourcequota"), made.get("status", {})
    for part in ("hard", "used"):
        for name, amount in status.get(part, {}).items():
            yield "kube_resourcequota", labels | {"resource": name, "type": part}, quantity(amount)


def _job(made: Object) -> Iterator[Sample]:
    labels, status = _home(made, "job_name"), made.get("status", {})
    yield "kube_job_status_failed", labels, status.get("failed", 0)
    yield "kube_job_status_succeeded", labels, status.get("succeeded", 0)
    yield "kube_job_status_active", labels, status.get("active", 0)
    failed = any(each["type"] == "Failed" for each in status.get("conditions", ()))
    if failed:
        yield "kube_job_failed", labels | {"condition": "true"}, 1


def _claim(made: Object) -> Iterator[Sample]:
    labels, spec = _home(made, "persistentvolumeclaim"), made["spec"]
    named = {"storageclass": spec.get("storageClassName", ""), "volumename": spec.get("volumeName", "")}
    yield "kube_persistentvolumeclaim_info", labels | named, 1
    for phase in ("Bound", "Pending", "Lost"):
        now = float(made.get("status", {}).get("phase") == phase)
        yield "kube_persistentvolumeclaim_status_phase", labels | {"phase": phase}, now
    size = spec.get("resources", {}).get("requests", {}).get("storage")
    if size:
        yield "kube_persistentvolumeclaim_resource_requests_storage_bytes", labels, quantity(size)


OF: Mapping[str, Callable[[Object], Iterable[Sample]]] = {
    "Pod": _pod,
    "Deployment": _replicas("deployment"),
    "StatefulSet": _replicas("statefulset"),
    "DaemonSet": _daemon_set,
    "Node": _node,
    "HorizontalPodAutoscaler": _autoscaler,
    "ResourceQuota": _quota,
    "Job": _job,
    "PersistentVolumeClaim": _claim,
}
