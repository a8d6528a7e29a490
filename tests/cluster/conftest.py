"""A cluster with the agents' part of the installation, and the site around it."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import jira as jiras
from tests.cluster.cluster import AGENTS, Cluster, reachable
from tests.real import site as sites
from tests.real.conftest import KNATIVE, TIERS
from tests.real.grafana import TOKEN as GRAFANA_TOKEN
from tests.real.site import Site
from tests.runner.container import KEY
from tests.worldmodel.process import READER, WRITER

BASE = ("agents", "dispatcher", "admission", "reading", "ceilings")
SECRETS = {
    "sre-agent-model": {"api-key": KEY},
    "sre-agent-grafana": {"token": GRAFANA_TOKEN},
    "sre-agent-reader": {"token": READER},
}


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """Of a variable of our own, since these tests change the cluster: `make e2e` gives KUBECONFIG to it."""
    if not os.environ.get("E2E_KUBECONFIG"):
        pytest.skip("E2E_KUBECONFIG names no cluster: make e2e takes the one of KUBECONFIG, and changes it")
    config = Path(os.environ["E2E_KUBECONFIG"])
    found = Cluster(config, "")
    (node,) = found.get("nodes")["items"]
    (address,) = [each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP"]
    return Cluster(config, address)


@pytest.fixture(scope="session")
def site(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with sites.site(tmp_path_factory.mktemp("site"), cluster.kubeconfig) as site:
        yield site


@pytest.fixture(scope="session")
def model_port() -> int:
    """Where each test's scripted model listens: the tiers' templates name it once."""
    return 18_900


@pytest.fixture(scope="session")
def installed(cluster: Cluster, site: Site, model_port: int) -> Iterator[Cluster]:
    """The cluster with the tiers in it, which call the site and the scripted model."""
    with ExitStack() as stack:
        addresses = site.addresses()
        for url in (site.jira.url, site.gitea.url, site.grafana.url, site.prometheus.url, site.world.url):
            here = stack.enter_context(reachable(url, cluster.address))
            addresses = {name: told.replace(url, here) for name, told in addresses.items()}
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "f3iai"}})
        for name in BASE:
            cluster.kubectl("apply", "-f", KNATIVE / "base" / f"{name}.yaml")
        cluster.kubectl("apply", "-f", KNATIVE / "enrolled" / "f3iai.yaml")
        credentials = (
            f"http://agent:{site.gitea.tokens['agent']}@{cluster.address}:{site.gitea.url.rpartition(':')[2]}"
        )
        report = {"git-credentials": credentials, "jira-token": jiras.TOKEN, "worldmodel-token": WRITER}
        cluster.apply(
            *[_secret(name, told) for name, told in (SECRETS | {"sre-agent-report": report}).items()]
        )
        for tier in TIERS:
            cluster.apply(*_tier(tier, addresses, f"http://{cluster.address}:{model_port}"))
        yield cluster


def _tier(tier: str, addresses: dict[str, str], model: str) -> list[dict[str, Any]]:
    """The tier's file with the test's addresses in it, and a gateway for the model."""
    text = (KNATIVE / "tiers" / f"{tier}.yaml").read_text(encoding="utf-8")
    for old, new in addresses.items():
        text = text.replace(old, new)
    objects = [*yaml.safe_load_all(text)]
    for each in objects:
        if each["kind"] == "CronJob":
            containers = each["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
            (agent,) = [container for container in containers if container["name"] == "agent"]
            agent["env"].append({"name": "ANTHROPIC_BASE_URL", "value": model})
    return objects


def _secret(name: str, told: dict[str, str]) -> dict[str, Any]:
    data = {key: base64.b64encode((text + "\n").encode()).decode() for key, text in told.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": AGENTS},
        "data": data,
    }


@pytest.fixture(autouse=True)
def no_jobs_left(installed: Cluster) -> Iterator[None]:
    yield
    installed.kubectl("delete", "jobs", "--all", "-n", AGENTS, "--cascade=foreground", "--timeout=100s")
