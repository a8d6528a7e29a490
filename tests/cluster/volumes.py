"""Volumes of exactly their size that this node's kubelet measures, as it measures no hostPath: each a tmpfs,
which grows while pods have it mounted."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from tests.cluster.cluster import Cluster


def folder(name: str) -> Path:
    """Where the volume is on the node."""
    return Path("/var/tmp", name)


def volume(cluster: Cluster, claim: Any) -> dict[str, Any]:
    """The claim's volume, of its name, mounted."""
    name, size = claim["metadata"]["name"], claim["spec"]["resources"]["requests"]["storage"]
    folder(name).mkdir(exist_ok=True)
    if not folder(name).is_mount():
        _mount("-t", "tmpfs", "-o", f"size={_option(size)},mode=0777", name, str(folder(name)))
    (node,) = cluster.get("nodes")["items"]
    host = "kubernetes.io/hostname"
    here = {"key": host, "operator": "In", "values": [node["metadata"]["labels"][host]]}
    spec = {
        "accessModes": claim["spec"]["accessModes"],
        "storageClassName": claim["spec"].get("storageClassName", ""),
        "capacity": {"storage": size},
        "local": {"path": str(folder(name))},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        "claimRef": {"namespace": claim["metadata"]["namespace"], "name": name},
        "persistentVolumeReclaimPolicy": "Retain",
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


def grow(name: str, size: str) -> None:
    _mount("-o", f"remount,size={_option(size)}", str(folder(name)))


def unmount(name: str) -> None:
    if folder(name).is_mount():
        subprocess.run(["umount", folder(name)], check=True, timeout=30)
        folder(name).rmdir()


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, timeout=30)


def _option(size: str) -> str:
    """Mi is M to mount, and as large."""
    return size.removesuffix("i")
