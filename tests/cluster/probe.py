"""Who reaches what, by real connections from a pod."""

from __future__ import annotations

import json

from tests.cluster.cluster import Cluster

PROBE = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def reach(where):
    try:
        socket.create_connection(tuple(where), timeout=3).close()
        return "open"
    except TimeoutError:
        return "silent"
    except OSError as error:
        return type(error).__name__
paths = json.loads(sys.argv[1])
with ThreadPoolExecutor(len(paths)) as pool:
    print(json.dumps(dict(zip(paths, pool.map(reach, paths.values())))))
"""


def probe(
    cluster: Cluster, namespace: str, where: dict[str, tuple[str, int]], **labels: str
) -> dict[str, str]:
    """What a pod with these labels, in that namespace, gets of each connection."""
    container = {
        "name": "probe",
        "image": "dev.local/sre-agent:0.1.0",
        "command": ["python3", "-c", PROBE, json.dumps(where)],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "probe", "namespace": namespace, "labels": labels},
            "spec": {"containers": [container], "restartPolicy": "Never"},
        }
    )
    named = ("-n", namespace, "pod/probe")
    try:
        cluster.kubectl("wait", *named, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=90s")
        told: dict[str, str] = json.loads(cluster.kubectl("logs", *named))
    finally:
        cluster.kubectl("delete", *named, "--wait=true", "--grace-period=1")
    return told
