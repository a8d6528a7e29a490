"""A whole cluster: real kubelet, real containers. What pods call of ours runs in the test,
which must therefore run where the nodes can reach it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.harness.components import Broken, find, kubectl, wait_until
from tests.harness.process import ROOT

AGENTS = "sre-agents"


@dataclass(frozen=True)
class Cluster:
    kubeconfig: Path
    address: str
    """Of the node, by which pods reach what runs beside its kubelet."""

    def kubectl(self, *arguments: str | Path, stdin: str | None = None) -> str:
        """What kubectl prints; a `Broken` with its complaint when it fails."""
        return kubectl(self.kubeconfig, *arguments, stdin=stdin)

    def get(self, *arguments: str) -> Any:
        return json.loads(self.kubectl("get", "-o", "json", *arguments))

    def jobs(self) -> list[Any]:
        """Of the agents."""
        found: list[Any] = self.get("jobs", "-n", AGENTS)["items"]
        return found

    def environment(self) -> dict[str, str]:
        """Of programs that call kubectl and are to find this cluster."""
        path = f"{find('kubectl').parent}:{os.environ['PATH']}"
        return os.environ | {"KUBECONFIG": str(self.kubeconfig), "PATH": path}

    def apply(self, *objects: Mapping[str, Any]) -> None:
        whole = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=whole)

    def secret(self, namespace: str, name: str, key: str) -> str:
        return base64.b64decode(self.get("secret", "-n", namespace, name)["data"][key]).decode()

    def beside(self) -> list[Any]:
        """The egress of a network policy to what runs beside the kubelet, as the tests do."""
        return [{"to": [{"ipBlock": {"cidr": f"{self.address}/32"}}]}]

    def world(self, tool: str, arguments: Mapping[str, Any], key: str = "reader") -> Any:
        """What the world model's tool answers to whom the key belongs, asked from the node."""
        (pod,) = self.get("pods", "-n", "f3iai", "-l", "app.kubernetes.io/name=sre-dispatch-worldmodel")[
            "items"
        ]
        headers = {
            "Authorization": f"Bearer {self.secret('f3iai', 'sre-dispatch-worldmodel', key)}",
        }
        url = f"http://{pod['status']['podIP']}:50060/jsonrpc"
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
        message |= {"params": {"name": tool, "arguments": arguments}}
        told = httpx.post(url, json=message, headers=headers, timeout=30, trust_env=False).json()
        return told["result"]["structuredContent"]

    def pod_of(self, job: str) -> Any:
        """The Job's one pod, None while it has none."""
        pods = self.get("pods", "-n", AGENTS, "-l", f"job-name={job}")["items"]
        return pods[0] if pods else None

    def ended(self, job: str, seconds: float = 120) -> Any:
        """The Job's pod once it has ended."""

        def is_over() -> bool:
            pod = self.pod_of(job)
            return bool(pod) and pod["status"]["phase"] in ("Succeeded", "Failed")

        try:
            wait_until(is_over, f"the pod of {job} to end", seconds, every=0.5)
        except Broken as late:
            told = self.kubectl("describe", "pods", "-n", AGENTS, "-l", f"job-name={job}")
            raise Broken(f"{late}\n{told[-3000:]}") from None
        return self.pod_of(job)


def messages(pod: Any) -> dict[str, Any]:
    """The termination messages in a pod's status, by container."""
    states = {each["name"]: each["state"]["terminated"] for each in pod["status"]["containerStatuses"]}
    return {
        name: json.loads(state["message"]) if "message" in state else {} for name, state in states.items()
    }


def codes(pod: Any) -> dict[str, int]:
    """The exit statuses, by container."""
    return {
        each["name"]: each["state"]["terminated"]["exitCode"] for each in pod["status"]["containerStatuses"]
    }


def process(pod: Any, container: str) -> int:
    """The id of the container's first process, on this node: the lowest whose cgroup is the container's."""
    statuses = [*pod["status"].get("initContainerStatuses", ()), *pod["status"]["containerStatuses"]]
    (name,) = [each["containerID"].rpartition("/")[2] for each in statuses if each["name"] == container]
    found = []
    for each in Path("/proc").glob("[0-9]*/cgroup"):
        with suppress(OSError):
            if name in each.read_text():
                found.append(int(each.parent.name))
    return min(found)


@contextmanager
def reachable(url: str, address: str) -> Iterator[str]:
    """The same server at the node's address: what listens on loopback is forwarded to, at the same port."""
    port = url.split("/")[2].rpartition(":")[2]
    forward = (sys.executable, "-m", "tests.cluster.forward", address, port)
    with subprocess.Popen(forward, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline()
        try:
            yield url.replace("127.0.0.1", address)
        finally:
            process.kill()
