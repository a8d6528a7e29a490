"""The incident's cluster on a real API server, and its volume's series for a real Prometheus."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from tests.harness.components import ApiServer, wait_until
from tests.harness.manifests import KNATIVE, MANIFESTS

NAMESPACE = "f3iai"
GIB = 2**30
STEP_SECONDS = 300
CAPACITY_GIB = 20
PER_HOUR_GIB = 0.05
USED_PERCENT = 75.2
CLAIMS = "/api/v1/namespaces/f3iai/persistentvolumeclaims"
MERGE = {"content-type": "application/merge-patch+json"}


@dataclass(frozen=True)
class Database:
    """A StatefulSet of one, and the claim that it mounts."""

    name: str
    image: str
    port: int
    volume: str
    size: str
    max_storage: str

    @property
    def claim(self) -> str:
        return f"{self.name}-data"


TYPEDB = Database("typedb", "typedb/typedb:3.4.0", 1729, "pvc-5b1d", "20Gi", "100Gi")

STORAGE_CLASS: dict[str, Any] = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "ceph-rbd"},
    "provisioner": "rook-ceph.rbd.csi.ceph.com",
    "allowVolumeExpansion": True,
}


def installed(api: ApiServer, max_storage: str = "100Gi") -> None:
    """The incident's objects, and everything of ours that is in force on such a cluster."""
    incident(api, max_storage=max_storage)
    for manifest in [*MANIFESTS, KNATIVE / "enrolled" / "f3iai.yaml"]:
        api.kubectl("apply", "-f", manifest)
    with api.client(api.token("sre-agents", "sre-agent-remediate")) as low:
        patch = {"spec": {"resources": {"requests": {"storage": "101Gi"}}}}
        asked: Any = {"json": patch, "headers": MERGE, "params": {"dryRun": "All"}}
        wait_until(
            lambda: low.patch(f"{CLAIMS}/typedb-data", **asked).status_code == 422,
            "the ceilings to be in force",
        )


def incident(api: ApiServer, namespace: str = NAMESPACE, max_storage: str = "100Gi") -> None:
    """StorageClass, PV, PVC, StatefulSet, Pod, Node, Service, Event, as they were."""
    back_off = event(
        "typedb-0.1", "Pod", "typedb-0", "BackOff", "Back-off restarting failed container typedb", namespace
    )
    put(api, *_cluster(namespace))
    put(api, *database(replace(TYPEDB, max_storage=max_storage), namespace), back_off)


def put(api: ApiServer, *objects: dict[str, Any]) -> None:
    """Nothing runs: the states that a kubelet or a controller would write are written here."""
    for each in objects:
        state = each.pop("status", None)
        if each["kind"] == "Pod":
            each["metadata"]["ownerReferences"] = [_owner(api, each["metadata"])]
        api.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(each))
        if state:
            where = ["-n", each["metadata"]["namespace"]] if "namespace" in each["metadata"] else []
            named = f"{each['kind']}/{each['metadata']['name']}"
            patch = json.dumps({"status": state})
            api.kubectl("patch", *where, named, "--subresource=status", "--type=merge", f"--patch={patch}")


def _owner(api: ApiServer, pod: dict[str, Any]) -> dict[str, Any]:
    """The StatefulSet as its pod names it: by its uid as well, else the garbage collector takes the pod."""
    name = pod["name"].removesuffix("-0")
    asked = ("get", "-n", pod["namespace"], f"statefulset/{name}", "-o", "jsonpath={.metadata.uid}")
    named = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": name, "controller": True}
    return named | {"uid": api.kubectl(*asked)}


def _cluster(namespace: str) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": namespace,
                "labels": {"sre-dispatch/classification": "internal", "sre-dispatch/scope": "autonomous"},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": namespace},
        },
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
    ]


def database(of: Database, namespace: str = NAMESPACE) -> list[dict[str, Any]]:
    """Its objects, in the order in which they apply."""
    return [*_storage(of, namespace), *_workload(of, namespace)]


def _storage(of: Database, namespace: str) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": of.volume},
            "spec": {
                "capacity": {"storage": of.size},
                "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Delete",
                "storageClassName": "ceph-rbd",
                "csi": {"driver": "rook-ceph.rbd.csi.ceph.com", "volumeHandle": of.volume},
                "claimRef": {"name": of.claim, "namespace": namespace},
            },
        },
        claim_of(of, namespace)
        | {"status": {"phase": "Bound", "capacity": {"storage": of.size}, "accessModes": ["ReadWriteOnce"]}},
    ]


def claim_of(of: Database, namespace: str = NAMESPACE) -> dict[str, Any]:
    """The claim as its owner writes it."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": of.claim,
            "namespace": namespace,
            "annotations": {"sre-dispatch/max-storage": of.max_storage},
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "ceph-rbd",
            "volumeName": of.volume,
            "resources": {"requests": {"storage": of.size}},
        },
    }


def _workload(of: Database, namespace: str) -> list[dict[str, Any]]:
    labels = {"app": of.name}
    mounts = [{"name": "data", "mountPath": "/data"}]
    container = {"name": of.name, "image": of.image, "volumeMounts": mounts}
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": of.claim}}]
    spec: dict[str, Any] = {"containers": [container], "volumes": volumes}
    here: dict[str, Any] = {"namespace": namespace}
    running = {
        "name": of.name,
        "image": of.image,
        "imageID": "",
        "ready": True,
        "restartCount": 2,
        "state": {"running": {}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
    }
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": of.name, **here},
            "spec": {
                "serviceName": of.name,
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": spec},
            },
            "status": {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": of.name, **here},
            "spec": {"selector": labels, "ports": [{"port": of.port}]},
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"{of.name}-0", "labels": labels, **here},
            "spec": {**spec, "nodeName": "fmc-worker-2"},
            "status": {"phase": "Running", "containerStatuses": [running]},
        },
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
    labels = f'job="kubelet",namespace="{namespace}",persistentvolumeclaim="typedb-data",node="fmc-worker-2"'
    used_now = CAPACITY_GIB * USED_PERCENT / 100
    times = [int(now) - back for back in range(25 * 3600, -1, -STEP_SECONDS)]

    def rows(name: str, value: Any) -> list[str]:
        full = f"kubelet_volume_stats_{name}"
        return [f"# TYPE {full} gauge", *(f"{full}{{{labels}}} {value(at)} {at}" for at in times)]

    used = lambda at: int((used_now - PER_HOUR_GIB * (now - at) / 3600) * GIB)  # noqa: E731
    lines = rows("used_bytes", used) + rows("capacity_bytes", lambda _: CAPACITY_GIB * GIB)
    lines += rows("inodes_used", lambda _: 1_100) + rows("inodes", lambda _: 1_310_720)
    return "\n".join([*lines, "# EOF\n"])
