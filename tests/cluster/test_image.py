"""The function's image as its pod has it: small, and with nothing left to compile at a start."""

from __future__ import annotations

from typing import Any

from tests.cluster.cluster import Cluster
from tests.cluster.knative import no_agents, webhook

IMAGE = "dev.local/sre-dispatch-function:0.1.0"
MAX_BYTES = 150_000_000
"""Unpacked. It is what a node pulls before the first alert on it is answered."""

SERVE = ("python3", "-v", "-m", "function", "serve")
"""Python says of each module whether it was compiled (`code object from` its source) or found compiled."""
DELIVER = """
import sys, time, urllib.error, urllib.request
token = open("/etc/sre-dispatch/token").read()
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
request = urllib.request.Request("http://127.0.0.1:8080/alertmanager", sys.argv[1].encode(), headers)
for _ in range(100):
    try:
        print(urllib.request.urlopen(request, timeout=30).read().decode())
        break
    except urllib.error.URLError:  # not there yet, or 503: with -v it is slow
        time.sleep(0.5)
"""
CHECK = {"app.kubernetes.io/name": "sre-dispatch-check"}
"""As the labels of the installation's own check, which may reach what the function may."""
WALK = """
import importlib.util, pathlib, sys
paths = [path for path in map(pathlib.Path, sys.path) if path.is_dir()]
for source in sorted({file for place in paths for file in place.rglob("*.py")}):
    cached = pathlib.Path(importlib.util.cache_from_source(str(source)))
    if not cached.exists():
        print("not compiled:", source)
    elif cached.read_bytes()[4:8] != bytes([1, 0, 0, 0]):
        print("checks its source:", source)
"""


def pod(cluster: Cluster, name: str, command: list[str]) -> Any:
    """As the function's own, with the Secrets that it reads, and a command of the test's."""
    service = cluster.get("ksvc", "-n", "f3iai", "sre-dispatch")["spec"]["template"]
    (container,) = service["spec"]["containers"]
    kept = ("env", "securityContext", "volumeMounts")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "f3iai", "labels": CHECK},
        "spec": {
            "serviceAccountName": "sre-dispatch",
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "volumes": service["spec"]["volumes"],
            "containers": [
                {"name": "it", "image": IMAGE, "command": command, **{key: container[key] for key in kept}}
            ],
        },
    }


def test_the_image_is_small(installed: Cluster) -> None:
    (node,) = installed.get("nodes")["items"]
    sizes = {name: each["sizeBytes"] for each in node["status"]["images"] for name in each["names"] or ()}
    assert sizes[IMAGE] < MAX_BYTES, sizes[IMAGE]


def test_every_file_of_its_python_is_compiled_for_good(installed: Cluster) -> None:
    named = ("-n", "f3iai", "pod/walk")
    installed.apply(pod(installed, "walk", ["python3", "-P", "-c", WALK]))
    try:
        installed.kubectl("wait", *named, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=90s")
        told = installed.kubectl("logs", *named)
    finally:
        installed.kubectl("delete", *named)
    assert told == ""


def test_a_start_and_its_first_delivery_compile_nothing(installed: Cluster) -> None:
    named = ("-n", "f3iai", "pod/start")
    given = pod(installed, "start", list(SERVE))
    given["spec"]["containers"][0]["env"].append({"name": "PORT", "value": "8080"})
    installed.apply(given)
    alert = {"alertname": "KubePodNotReady", "namespace": "shop", "pod": "web", "severity": "critical"}
    try:
        installed.kubectl("wait", *named, "--for=condition=Ready", "--timeout=90s")
        with no_agents(installed):
            deliver = ("python3", "-c", DELIVER, webhook(alert).decode())
            told = installed.kubectl("exec", "-n", "f3iai", "start", "--", *deliver)
        lines = installed.kubectl("logs", *named).splitlines()
    finally:
        installed.kubectl("delete", *named)
    loaded = [line for line in lines if line.startswith("# code object from ")]
    assert "created" in told and any("function/dispatch/__pycache__/pipeline" in line for line in loaded)
    assert [line for line in loaded if line.strip("'").endswith(".py")] == []
