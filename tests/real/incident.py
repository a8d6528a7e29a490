"""The incident's cluster on a real API server, and its volume's series for a real Prometheus."""

from __future__ import annotations

import json
from typing import Any

from tests.real.components import ApiServer

NAMESPACE = "f3iai"
GIB = 2**30
STEP_SECONDS = 300
CAPACITY_GIB = 20
PER_HOUR_GIB = 0.05
USED_PERCENT = 75.2


STORAGE_CLASS: dict[str, Any] = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "ceph-rbd"},
    "provisioner": "rook-ceph.rbd.csi.ceph.com",
    "allowVolumeExpansion": True,
}


def incident(api: ApiServer, namespace: str = NAMESPACE, max_storage: str = "100Gi") -> None:
    """StorageClass, PV, PVC, StatefulSet, Pod, Node, Service, Event, as they were. Nothing runs: the states
    that a kubelet or a controller would write are written here."""
    for each in _objects(namespace, max_storage):
        state = each.pop("status", None)
        if each["kind"] == "Pod":
            each["metadata"]["ownerReferences"] = [_owner(api, namespace)]
        api.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(each))
        if state:
            where = ["-n", each["metadata"]["namespace"]] if "namespace" in each["metadata"] else []
            named = f"{each['kind']}/{each['metadata']['name']}"
            patch = json.dumps({"status": state})
            api.kubectl("patch", *where, named, "--subresource=status", "--type=merge", f"--patch={patch}")


def _owner(api: ApiServer, namespace: str) -> dict[str, Any]:
    """The StatefulSet as its pod names it: by its uid as well, else the garbage collector takes the pod."""
    asked = ("get", "-n", namespace, "statefulset/typedb", "-o", "jsonpath={.metadata.uid}")
    named = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "typedb", "controller": True}
    return named | {"uid": api.kubectl(*asked)}


def _objects(namespace: str, max_storage: str) -> list[dict[str, Any]]:
    labels = {"app": "typedb"}
    container = {
        "name": "typedb",
        "image": "typedb/typedb:3.4.0",
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "typedb-data"}}]
    template: dict[str, Any] = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "volumes": volumes},
    }
    here: dict[str, Any] = {"namespace": namespace}
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": namespace,
                "labels": {"sre-dispatch/classification": "internal", "sre-dispatch/scope": "autonomous"},
            },
        },
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", **here}},
        STORAGE_CLASS,
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": "fmc-worker-2"},
            "status": {
                "allocatable": {"cpu": "16", "memory": "64Gi", "pods": "110"},
                "capacity": {"cpu": "16", "memory": "64Gi", "pods": "110"},
                "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": "pvc-5b1d"},
            "spec": {
                "capacity": {"storage": "20Gi"},
                "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Delete",
                "storageClassName": "ceph-rbd",
                "csi": {"driver": "rook-ceph.rbd.csi.ceph.com", "volumeHandle": "0001"},
                "claimRef": {"name": "typedb-data", **here},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": "typedb-data",
                "annotations": {"sre-dispatch/max-storage": max_storage},
                **here,
            },
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "ceph-rbd",
                "volumeName": "pvc-5b1d",
                "resources": {"requests": {"storage": "20Gi"}},
            },
            "status": {"phase": "Bound", "capacity": {"storage": "20Gi"}, "accessModes": ["ReadWriteOnce"]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "typedb", **here},
            "spec": {
                "serviceName": "typedb",
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": template,
            },
            "status": {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "typedb", **here},
            "spec": {"selector": labels, "ports": [{"port": 1729}]},
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "typedb-0", "labels": labels, **here},
            "spec": {**template["spec"], "nodeName": "fmc-worker-2"},
            "status": {
                "phase": "Running",
                "containerStatuses": [
                    {
                        "name": "typedb",
                        "image": "typedb/typedb:3.4.0",
                        "imageID": "",
                        "ready": True,
                        "restartCount": 2,
                        "state": {"running": {}},
                        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
                    }
                ],
            },
        },
        event(
            "typedb-0.1", "Pod", "typedb-0", "BackOff", "Back-off restarting failed container typedb", **here
        ),
    ]


def event(name: str, kind: str, of: str, reason: str, message: str, namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": {"kind": kind, "name": of, "namespace": namespace},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "count": 7,
    }


def series(now: float, namespace: str = NAMESPACE) -> str:
    """The last 25 hours of the volume in OpenMetrics: it grows by PER_HOUR_GIB."""
    labels = f'namespace="{namespace}",persistentvolumeclaim="typedb-data",node="fmc-worker-2"'
    used_now = CAPACITY_GIB * USED_PERCENT / 100
    times = [int(now) - back for back in range(25 * 3600, -1, -STEP_SECONDS)]

    def rows(name: str, value: Any) -> list[str]:
        full = f"kubelet_volume_stats_{name}"
        return [f"# TYPE {full} gauge", *(f"{full}{{{labels}}} {value(at)} {at}" for at in times)]

    used = lambda at: int((used_now - PER_HOUR_GIB * (now - at) / 3600) * GIB)  # noqa: E731
    lines = rows("used_bytes", used) + rows("capacity_bytes", lambda _: CAPACITY_GIB * GIB)
    lines += rows("inodes_used", lambda _: 1_100) + rows("inodes", lambda _: 1_310_720)
    return "\n".join([*lines, "# EOF\n"])
