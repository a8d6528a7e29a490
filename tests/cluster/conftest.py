"""A cluster with the whole installation, by the overlay for one's own, and the site around it."""

from __future__ import annotations

import os
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.cluster import AGENTS, Cluster, reachable
from tests.cluster.page import Page, copied
from tests.cluster.volumes import volume
from tests.harness import jira as jiras
from tests.harness import site as sites
from tests.harness.container import KEY
from tests.harness.grafana import TOKEN as GRAFANA_TOKEN
from tests.harness.manifests import KNATIVE
from tests.harness.site import NAMED, Site

THROW_AWAY = "sre-dispatch/throw-away"
"""A label of the namespace kube-system: these tests delete claims, Jobs and Secrets."""
MODEL_PORT = 18_900
"""Where each test's scripted model listens: the tiers' templates name it once."""
NEXT = "0.1.1"
"""The tag of the images with tests/cluster/policies over the policy (.ci/cluster)."""
SOON_AT_ZERO = {
    "autoscaling.knative.dev/window": "6s",
    "autoscaling.knative.dev/scale-to-zero-pod-retention-period": "0s",
}
"""The least that Knative takes; ten minutes as in the file are too long for a test."""
OURS = "deployments,services,configmaps,cronjobs,networkpolicies,roles,rolebindings,resourcequotas,ksvc"
OURS += ",validatingadmissionpolicies,validatingadmissionpolicybindings,clusterroles,clusterrolebindings"
NEIGHBOURS = "pods,services,persistentvolumeclaims,networkpolicies"
Object = dict[str, Any]
Times = dict[str, list[float]]
"""What was timed, and each time in seconds."""
TIMES: pytest.StashKey[Times] = pytest.StashKey()


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """Of a variable of our own, since these tests change the cluster: `make e2e` gives KUBECONFIG to it."""
    if not os.environ.get("E2E_KUBECONFIG"):
        pytest.skip("E2E_KUBECONFIG names no cluster: make e2e takes the one of KUBECONFIG, and changes it")
    config = Path(os.environ["E2E_KUBECONFIG"])
    found = Cluster(config, "")
    if THROW_AWAY not in found.get("namespace", "kube-system")["metadata"].get("labels", {}):
        how = f"kubectl label namespace kube-system {THROW_AWAY}=yes"
        pytest.fail(f"this cluster is nobody's to break, as far as it says. If it is: {how}", pytrace=False)
    (node,) = found.get("nodes")["items"]
    (address,) = [each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP"]
    return Cluster(config, address)


@pytest.fixture(scope="session")
def site(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with sites.site(tmp_path_factory.mktemp("site"), cluster.kubeconfig) as site:
        yield site


@pytest.fixture(scope="session")
def model_port() -> int:
    return MODEL_PORT


@pytest.fixture(scope="session")
def addresses(cluster: Cluster, site: Site) -> Iterator[dict[str, str]]:
    """Where the site is for pods, in place of what stands in the tiers' files."""
    with ExitStack() as stack:
        found = site.addresses()
        del found[NAMED["world"]]  # the world model is a pod
        for url in (site.jira.url, site.gitea.url, site.grafana.url, site.prometheus.url):
            here = stack.enter_context(reachable(url, cluster.address))
            found = {name: told.replace(url, here) for name, told in found.items()}
        yield found


@pytest.fixture(scope="session")
def neighbours(cluster: Cluster) -> list[Any]:
    """What lives in f3iai before us, and what it looks like then."""
    for namespace in ("f3iai", "monitoring"):
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    named = {"name": "neighbour", "namespace": "f3iai", "labels": {"app": "neighbour"}}
    container = {
        "name": "web",
        "image": "dev.local/sre-agent:0.1.0",
        "command": ["python3", "-m", "http.server", "8000", "--directory", "/tmp"],
    }
    chosen = {"matchLabels": {"app": "neighbour"}}
    specs: list[tuple[str, str, Object]] = [
        ("v1", "Pod", {"containers": [container], "terminationGracePeriodSeconds": 1}),
        ("v1", "Service", {"selector": {"app": "neighbour"}, "ports": [{"port": 8000}]}),
        (
            "v1",
            "PersistentVolumeClaim",
            {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "none",
                "resources": {"requests": {"storage": "1Gi"}},
            },
        ),
        ("networking.k8s.io/v1", "NetworkPolicy", {"podSelector": chosen, "ingress": [{}]}),
    ]
    cluster.apply(
        *(
            {"apiVersion": version, "kind": kind, "metadata": named, "spec": spec}
            for version, kind, spec in specs
        )
    )
    cluster.kubectl("wait", "-n", "f3iai", "pod/neighbour", "--for=condition=Ready", "--timeout=60s")
    return shape(cluster)


def shape(cluster: Cluster) -> list[Any]:
    """All of the neighbours that nobody but their owner may change."""
    kept = ("name", "uid", "labels", "annotations", "generation")
    return [
        (each["kind"], {key: each["metadata"].get(key) for key in kept}, each["spec"])
        for each in cluster.get(NEIGHBOURS, "-n", "f3iai", "-l", "app=neighbour")["items"]
    ]


@pytest.fixture(scope="session")
def installed(cluster: Cluster, site: Site, addresses: dict[str, str], neighbours: list[Any]) -> Cluster:
    """The cluster with everything installed. Its agents call the site and the scripted model."""
    secrets(cluster, site)
    install(cluster, addresses)
    return cluster


@pytest.fixture(scope="session")
def page(installed: Cluster, addresses: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The operations page, whose own overlay is what is installed."""
    theirs = ("Namespace", "f3iai")  # which the overlay for a cluster of one's own alone has
    objects = [
        each for each in overlay(installed, addresses) if (each["kind"], each["metadata"]["name"]) != theirs
    ]
    return copied(installed, tmp_path_factory.mktemp("page"), objects)


def credentials(cluster: Cluster, site: Site) -> dict[str, str]:
    """What agents show to others, in the variables that knative/secrets reads."""
    host = f"{cluster.address}:{site.gitea.url.rpartition(':')[2]}"
    return {
        "ANTHROPIC_API_KEY": KEY,
        "GRAFANA_TOKEN": GRAFANA_TOKEN,
        "JIRA_TOKEN": jiras.TOKEN,
        "GIT_CREDENTIALS": f"http://agent:{site.gitea.tokens['agent']}@{host}",
    }


def secrets(cluster: Cluster, site: Site) -> None:
    """By the script that people use. Most of them are its own random ones."""
    given = credentials(cluster, site)
    environment = cluster.environment() | given
    for namespace, name in (
        (AGENTS, "sre-agent-report"),
        (AGENTS, "sre-agent-grafana"),
        (AGENTS, "sre-agent-model"),
    ):
        cluster.kubectl("delete", "secret", "-n", namespace, name, "--ignore-not-found")  # of a run before
    done = subprocess.run(
        [KNATIVE / "secrets"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not any(secret in done.stdout + done.stderr for secret in given.values())


def install(cluster: Cluster, addresses: dict[str, str], knative: Path = KNATIVE, tag: str = "0.1.0") -> None:
    """Applies it, and waits until all of it is there."""
    cluster.apply(*overlay(cluster, addresses, knative, tag))
    for name in ("sre-dispatch-opa", "sre-dispatch-worldmodel"):
        cluster.kubectl("rollout", "status", "-n", "f3iai", f"deployment/{name}", "--timeout=120s")
    cluster.kubectl("wait", "-n", "f3iai", "ksvc/sre-dispatch", "--for=condition=Ready", "--timeout=120s")


def overlay(
    cluster: Cluster, addresses: dict[str, str], knative: Path = KNATIVE, tag: str = "0.1.0"
) -> list[Object]:
    """The overlay for a cluster of one's own, with the test's addresses in it and images of the tag."""
    text = cluster.kubectl("kustomize", knative / "overlays" / "kind").replace(":0.1.0", f":{tag}")
    for old, new in addresses.items():
        text = text.replace(old, new)
    return [*(fitted(each, cluster) for each in yaml.safe_load_all(text)), way_out(cluster)]


def fitted(each: Object, cluster: Cluster) -> Object:
    """What the machine lacks: a gateway for the model, a class of volumes that makes them, and time."""
    if each["kind"] == "CronJob" and each["metadata"]["namespace"] == AGENTS:
        containers = each["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        (agent,) = [container for container in containers if container["name"] == "agent"]
        agent["env"].append({"name": "ANTHROPIC_BASE_URL", "value": f"http://{cluster.address}:{MODEL_PORT}"})
    if each["kind"] == "Service" and "serving.knative.dev" in each["apiVersion"]:
        each["spec"]["template"]["metadata"]["annotations"] |= SOON_AT_ZERO
    if each["kind"] == "PersistentVolumeClaim":
        each["spec"] |= {"storageClassName": "", "volumeName": each["metadata"]["name"]}
        cluster.apply(volume(cluster, each))
    return each


def way_out(cluster: Cluster) -> Object:
    """As the component egress-ipblocks: the site is outside of the cluster, at the node's address."""
    (component,) = yaml.safe_load_all(
        (KNATIVE / "components" / "egress-ipblocks" / "network.yaml").read_text(encoding="utf-8")
    )
    component["spec"]["egress"] = cluster.beside()
    told: Object = component
    return told


@pytest.fixture(autouse=True)
def no_jobs_left(installed: Cluster) -> Iterator[None]:
    yield
    no_jobs(installed)


def no_jobs(cluster: Cluster) -> None:
    cluster.kubectl("delete", "jobs", "--all", "-n", AGENTS, "--cascade=foreground", "--timeout=100s")


@pytest.fixture(scope="session")
def runs(installed: Cluster) -> Callable[[str], list[Object]]:
    """What the world model remembers of runs after an alert."""

    def runs(alertname: str) -> list[Object]:
        told = installed.world("list_outcomes", {"alertname": alertname, "limit": 50})
        outcomes: list[Object] = told["outcomes"]
        return outcomes

    return runs


@pytest.fixture(scope="session")
def times(pytestconfig: pytest.Config) -> Times:
    """Shown as a table at the end."""
    return pytestconfig.stash.setdefault(TIMES, defaultdict(list))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    if found := config.stash.get(TIMES, {}):
        terminalreporter.section("times in seconds: number, median, worst")
        for what, times in found.items():
            line = f"{what:60} {len(times):3} {statistics.median(times):8.2f} {max(times):8.2f}"
            terminalreporter.write_line(line)
