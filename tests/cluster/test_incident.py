"""The incident's story on the cluster, with a kubelet that measures; and who reaches what in the stack."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.conftest import install
from tests.cluster.incident import OnCluster, on_cluster
from tests.cluster.knative import to_zero
from tests.cluster.probe import probe
from tests.cluster.stack import ALERTMANAGER, NAMESPACE, PROMETHEUS
from tests.harness.process import ROOT
from tests.harness.site import NAMED, Site
from tests.story import report, scenes
from tests.story.diary import Diary, facts

REPORT = ROOT / "build" / "incident-on-cluster"


@pytest.fixture(scope="module")
def diary() -> Diary:
    return Diary(facts("Mi"))


@pytest.fixture(scope="module")
def parts(installed: Cluster, site: Site, addresses: dict[str, str], diary: Diary) -> Iterator[OnCluster]:
    """What is installed asks the Prometheus that the manifests name."""
    install(installed, {name: url for name, url in addresses.items() if name != NAMED["prometheus"]})
    try:
        with on_cluster(installed, site, diary) as parts:
            to_zero(installed)
            yield parts
    finally:
        install(installed, addresses)


def test_the_incident_from_metric_to_remedy(parts: OnCluster, diary: Diary) -> None:
    why = ""
    diary.begin()
    try:
        scenes.tell(parts, diary)
    except Exception as error:  # noqa: BLE001  whatever it was, the page says so
        why = f"{type(error).__name__}: {error}"
    report.write(REPORT, report.Told(diary, "", is_scripted=True, why=why, on_cluster=True))
    print(f"\n{REPORT / 'incident.md'}, with its picture beside it")
    assert (diary.missing(), why) == ([], "")


# --- who reaches what, by real connections ------------------------------------------------------------

GRAFANA = {"app.kubernetes.io/name": "grafana", "app.kubernetes.io/instance": "kube-prom-stack"}


@pytest.fixture(scope="module")
def paths(parts: OnCluster) -> dict[str, tuple[str, int]]:
    """What there is to reach, each of it there."""
    cluster = parts.cluster

    def ip(namespace: str, label: str) -> str:
        pods = cluster.get("pods", "-n", namespace, "-l", label)["items"]
        return str(next(pod["status"]["podIP"] for pod in pods if pod["status"]["phase"] == "Running"))

    (api,) = cluster.get("endpointslices", "-n", "default", "kubernetes")["endpoints"]
    return {
        "Prometheus": (ip(NAMESPACE, "app.kubernetes.io/name=prometheus"), 9090),
        "Alertmanager": (ip(NAMESPACE, "app.kubernetes.io/name=alertmanager"), 9093),
        "world model": (ip("f3iai", "app.kubernetes.io/name=sre-dispatch-worldmodel"), 50060),
        "gateway": (ip("knative-ingress", "app=traefik"), 8081),
        "DNS": (ip("kube-system", "k8s-app=kube-dns"), 53),
        "API server": (api["addresses"][0], 6443),
        "kubelet": (cluster.address, 10250),
        "people": (cluster.address, urlsplit(parts.people).port or 0),
    }


REACHED = {
    "a stray pod": ({}, set()),
    "Alertmanager": (ALERTMANAGER, {"gateway", "DNS", "people"}),
    "Prometheus": (
        PROMETHEUS,
        {"Prometheus", "Alertmanager", "gateway", "DNS", "API server", "kubelet"},
    ),
    "Grafana": (GRAFANA, {"Prometheus", "Alertmanager", "DNS", "API server"}),
}


@pytest.mark.parametrize("who", REACHED)
def test_each_program_reaches_what_it_needs_and_nothing_else(
    parts: OnCluster, paths: dict[str, tuple[str, int]], who: str
) -> None:
    labels, wanted = REACHED[who]
    told = probe(parts.cluster, NAMESPACE, paths, **labels)
    assert {name for name, answer in told.items() if answer == "open"} == wanted
    assert set(told.values()) <= {"open", "silent"}


def test_from_elsewhere_neither_prometheus_nor_alertmanager_is_reached(
    parts: OnCluster, paths: dict[str, tuple[str, int]]
) -> None:
    there = {name: paths[name] for name in ("Prometheus", "Alertmanager")}
    assert probe(parts.cluster, "elsewhere", there) == {"Prometheus": "silent", "Alertmanager": "silent"}
