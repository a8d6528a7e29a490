"""The components that not everybody wants, each laid over what is installed and tried by real requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from tests.cluster.cluster import AGENTS, Cluster
from tests.cluster.conftest import install
from tests.cluster.knative import sender
from tests.cluster.page import Page
from tests.cluster.probe import probe
from tests.cluster.stack import alertmanager
from tests.harness.components import wait_until
from tests.harness.manifests import KNATIVE

ALERT = {"alertname": "KubePodNotReady", "namespace": "shop", "pod": "web", "severity": "critical"}
PROXY = {"app": "proxy"}


def laid_over(page: Page, component: str) -> None:
    """Applies the installation with the component in it."""
    folder = page.folder / "knative" / "overlays" / component
    folder.mkdir(exist_ok=True)
    wanted = {"resources": ["../ours"], "components": [f"../../components/{component}"]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(wanted), encoding="utf-8")
    page.cluster.kubectl("apply", "--server-side", "--force-conflicts", "-k", folder)
    ready = ("ksvc/sre-dispatch", "--for=condition=Ready", "--timeout=110s")
    page.cluster.kubectl("wait", "-n", "f3iai", *ready)


@pytest.fixture
def reviewing(page: Page, addresses: dict[str, str]) -> Iterator[Cluster]:
    cluster = page.cluster
    for name in (alertmanager(cluster).service, "another"):
        account = {"metadata": {"name": name, "namespace": "monitoring"}}
        cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", **account})
    laid_over(page, "tokenreview")
    yield cluster
    cluster.kubectl("delete", "clusterrole,clusterrolebinding", "sre-dispatch-tokenreview")
    install(cluster, addresses)


def test_alertmanager_is_known_by_its_own_token_and_nobody_else_by_theirs(
    reviewing: Cluster, page: Page
) -> None:
    def status(account: str, audience: str = "sre-dispatch") -> int:
        named = ("-n", "monitoring", account, f"--audience={audience}")
        reply: httpx.Response = sender(reviewing, reviewing.kubectl("create", "token", *named).strip())(ALERT)
        return reply.status_code

    theirs = alertmanager(reviewing).service
    wait_until(lambda: status(theirs) == 200, "its token to be accepted", 60, every=2)
    assert (status("another"), status(theirs, "another")) == (401, 401)
    assert sender(reviewing)(ALERT).status_code == 200  # the shared token stands beside it
    told = page.run_these(["knative/check"])
    assert "FAIL" not in told


@pytest.fixture
def proxy(installed: Cluster) -> Iterator[dict[str, tuple[str, int]]]:
    """A program where the component expects the proxy; its address, and what else the pod listens at."""
    command = "import http.server, threading as t; s = http.server.ThreadingHTTPServer; "
    command += "t.Thread(target=s(('', 8443), http.server.BaseHTTPRequestHandler).serve_forever).start(); "
    command += "s(('', 3128), http.server.BaseHTTPRequestHandler).serve_forever()"
    container = {"name": "it", "image": "dev.local/sre-agent:0.1.0", "command": ["python3", "-c", command]}
    named = {"name": "proxy", "namespace": "egress", "labels": PROXY}
    installed.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "egress"}},
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": named,
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
        },
    )
    installed.kubectl("wait", "-n", "egress", "pod/proxy", "--for=condition=Ready", "--timeout=60s")
    address: str = installed.get("pod", "-n", "egress", "proxy")["status"]["podIP"]
    yield {"the proxy": (address, 3128), "beside it": (address, 8443)}
    installed.kubectl("delete", "namespace", "egress", "--wait=false")


def test_with_a_proxy_agents_reach_it_and_nothing_beside_it(
    installed: Cluster, proxy: dict[str, tuple[str, int]]
) -> None:
    agent = {"app.kubernetes.io/name": "sre-agent"}
    policy: Any = yaml.safe_load((KNATIVE / "components" / "egress-proxy" / "network.yaml").read_text())
    before = probe(installed, AGENTS, proxy, **agent)
    installed.apply(policy)
    try:
        after = probe(installed, AGENTS, proxy, **agent)
    finally:
        installed.kubectl("delete", "networkpolicy", "-n", AGENTS, policy["metadata"]["name"])
    assert before == {"the proxy": "silent", "beside it": "silent"}
    assert after == {"the proxy": "open", "beside it": "silent"}
