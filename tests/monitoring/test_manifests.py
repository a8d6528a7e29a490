"""What people apply beside the chart: its objects, and whom its network policies let reach whom."""

from __future__ import annotations

import re
from copy import deepcopy
from itertools import combinations
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.harness.fakes import delivery_json
from tests.harness.helm import MONITORING, MORE, PATCH, configuration, load
from tests.harness.process import ROOT
from tests.monitoring.network import Peer, matches, reaches

KNATIVE = ROOT / "knative"
COMPONENTS = KNATIVE / "components"
RULE_FILES = [
    MONITORING / "pvc-usage-alerts.yaml",
    COMPONENTS / "volume-alerts" / "pvc-usage-alerts.yaml",
    COMPONENTS / "node-and-pod-alerts" / "node-and-pod-alerts.yaml",
]
RELEASE = "kube-prom-stack"


def objects(*parts: str) -> list[Any]:
    text = KNATIVE.joinpath(*parts).read_text(encoding="utf-8")
    return [told for told in yaml.safe_load_all(text) if told]


NETWORK = objects("monitoring", "network.yaml")
BESIDE = [
    *objects("base", "network.yaml"),
    *objects("base", "agents-network.yaml"),
    *objects("worldmodel", "network.yaml"),
]
DENY = [
    {
        "metadata": {"namespace": "monitoring"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }
]
"""A namespace that denies by default."""


def pod(namespace: str, **labels: str) -> Peer:
    return Peer(namespace, {key.replace("__", "/").replace("_", "."): value for key, value in labels.items()})


def stack(name: str, **labels: str) -> Peer:
    """A pod of the release, with the labels of chart and operator."""
    return pod("monitoring", app_kubernetes_io__name=name, **labels)


PROMETHEUS = stack("prometheus", operator_prometheus_io__name=f"{RELEASE}-kube-prome-prometheus")
ALERTMANAGER = stack("alertmanager", alertmanager=f"{RELEASE}-kube-prome-alertmanager")
GRAFANA = stack("grafana", app_kubernetes_io__instance=RELEASE)
STATE = stack("kube-state-metrics", app_kubernetes_io__instance=RELEASE)
OPERATOR = Peer("monitoring", {"app": "kube-prometheus-stack-operator", "release": RELEASE})
HOOK = Peer("monitoring", {"app": "kube-prometheus-stack-admission-create", "release": RELEASE})
NODE = Peer(address="10.0.4.12")
OUTSIDE = Peer(address="93.184.216.34")
PEOPLE = Peer(address="192.0.2.1")
DNS = Peer("kube-system", {"k8s-app": "kube-dns"})
TRAEFIK = pod("traefik", app_kubernetes_io__name="traefik")
FUNCTION = pod("f3iai", serving_knative_dev__service="sre-dispatch")
WORLDMODEL = pod("f3iai", app_kubernetes_io__name="sre-dispatch-worldmodel")
AGENT = pod("sre-agents", app_kubernetes_io__name="sre-agent")
GATEWAY = Peer("kourier-system", {"app": "3scale-kourier-gateway"})
STRANGER = Peer("shop", {"app": "shop"})
ROOK = Peer("rook-ceph", {"app": "rook-ceph-mgr"})

NEEDED = {
    "the delivery": (ALERTMANAGER, GATEWAY, 8081),
    "the alert": (PROMETHEUS, ALERTMANAGER, 9093),
    "our notice": (FUNCTION, ALERTMANAGER, 9093),
    "people": (ALERTMANAGER, PEOPLE, 443),
    "kubelet": (PROMETHEUS, NODE, 10250),
    "node-exporter": (PROMETHEUS, NODE, 9100),
    "kube-state-metrics": (PROMETHEUS, STATE, 8080),
    "the operator": (PROMETHEUS, OPERATOR, 10250),
    "a reloader": (PROMETHEUS, ALERTMANAGER, 8080),
    "Grafana's metrics": (PROMETHEUS, GRAFANA, 3000),
    "CoreDNS": (PROMETHEUS, DNS, 9153),
    "somebody's ServiceMonitor": (PROMETHEUS, ROOK, 9283),
    "Prometheus' discovery": (PROMETHEUS, NODE, 6443),
    "dashboards": (GRAFANA, NODE, 6443),
    "panels": (GRAFANA, PROMETHEUS, 9090),
    "Grafana's alerts": (GRAFANA, ALERTMANAGER, 9093),
    "people's browser": (TRAEFIK, GRAFANA, 3000),
    "an agent's Grafana": (AGENT, GRAFANA, 3000),
    "verification": (AGENT, PROMETHEUS, 9090),
    "context": (WORLDMODEL, PROMETHEUS, 9090),
    "objects": (STATE, NODE, 6443),
    "the operator's objects": (OPERATOR, NODE, 6443),
    "admission": (NODE, OPERATOR, 10250),
    "Helm's hooks": (HOOK, NODE, 6443),
}
CLOSED = {
    "a stranger to Prometheus": (STRANGER, PROMETHEUS, 9090),
    "a stranger to Grafana": (STRANGER, GRAFANA, 3000),
    "a stranger to kube-state-metrics": (STRANGER, STATE, 8080),
    "Alertmanager to the world": (ALERTMANAGER, OUTSIDE, 443),
    "Grafana to the world": (GRAFANA, OUTSIDE, 443),
    "Prometheus to the world": (PROMETHEUS, OUTSIDE, 443),
    "Alertmanager to a stranger": (ALERTMANAGER, STRANGER, 8080),
    "Alertmanager past Knative's proxy": (ALERTMANAGER, FUNCTION, 8080),
    "Alertmanager's other ports": (STRANGER, ALERTMANAGER, 9094),
    "Grafana to the function": (GRAFANA, FUNCTION, 8012),
}


@pytest.mark.parametrize("path", NEEDED)
def test_where_the_namespace_denies_by_default_there_is_a_way_for(path: str) -> None:
    assert reaches([*DENY, *NETWORK, *BESIDE], *NEEDED[path])


@pytest.mark.parametrize(
    "asker", [PROMETHEUS, GRAFANA, ALERTMANAGER], ids=["prometheus", "grafana", "alertmanager"]
)
def test_names_are_found_by_those_that_ask_for_them(asker: Peer) -> None:
    assert all(reaches([*DENY, *NETWORK], asker, DNS, 53, protocol) for protocol in ("UDP", "TCP"))


@pytest.mark.parametrize("path", CLOSED)
def test_there_is_no_way_from(path: str) -> None:
    assert not reaches([*NETWORK, *BESIDE], *CLOSED[path])


@pytest.mark.parametrize("policy", NETWORK, ids=lambda policy: policy["metadata"]["name"])
def test_no_policy_can_be_left_out(policy: Any) -> None:
    """Each opens a way that no other opens, in a namespace that denies by default."""
    rest = [other for other in NETWORK if other is not policy]
    lost = [path for path, way in NEEDED.items() if not reaches([*DENY, *rest, *BESIDE], *way)]
    assert lost


def test_the_specified_policies_are_there_by_their_names() -> None:
    names = [policy["metadata"]["name"] for policy in NETWORK]
    assert names[:6] == [
        "allow-prometheus-scrape-egress",
        "allow-prometheus-ingress",
        "allow-grafana-ingress",
        "allow-grafana-to-prometheus",
        "allow-alertmanager-ingress",
        "allow-alertmanager-to-dispatch",
    ]


def test_what_is_specified_of_them_is_in_them() -> None:
    named = {policy["metadata"]["name"]: policy["spec"] for policy in NETWORK}
    assert named["allow-alertmanager-to-dispatch"]["egress"][0]["ports"] == [{"port": 8080}]
    assert reaches(NETWORK, ALERTMANAGER, FUNCTION, 8080)  # until the function's own policy is asked


LABELS = st.dictionaries(
    st.sampled_from(
        ["app", "app.kubernetes.io/name", "app.kubernetes.io/instance", "release", "alertmanager", "x"]
    ),
    st.sampled_from(["prometheus", "alertmanager", "grafana", "kube-state-metrics", "theirs", ""]),
)


@given(LABELS)
def test_no_policy_selects_a_pod_of_another_release(labels: dict[str, str]) -> None:
    for policy in NETWORK:
        selector = policy["spec"]["podSelector"]
        assert selector and not matches(selector, labels)


@pytest.mark.parametrize("policy", NETWORK, ids=lambda policy: policy["metadata"]["name"])
def test_every_policy_selects_one_kind_of_pod_of_ours(policy: Any) -> None:
    ours = [PROMETHEUS, ALERTMANAGER, GRAFANA, STATE, OPERATOR, HOOK]
    assert len([pod for pod in ours if matches(policy["spec"]["podSelector"], pod.labels)]) == 1


def test_every_rule_of_a_policy_says_what_happens_without_it() -> None:
    text = (MONITORING / "network.yaml").read_text(encoding="utf-8")
    for policy in text.split("\n---\n"):
        words = " ".join(policy.replace("#", "").split())
        assert re.search(r"If (this|its|the) (ingress |egress )?(rule|policy) is missing", words), policy


def test_alertmanager_is_reached_by_those_who_need_it_and_by_nobody_else() -> None:
    for pod_ in (PROMETHEUS, GRAFANA, FUNCTION):
        assert reaches([*DENY, *NETWORK, *BESIDE], pod_, ALERTMANAGER, 9093)
    for pod_ in (STRANGER, Peer("monitoring", {"app": "theirs"}), WORLDMODEL, AGENT):
        assert not reaches(NETWORK, pod_, ALERTMANAGER, 9093)


def test_a_component_opens_alertmanager_to_every_pod_as_specified() -> None:
    (patch,) = load(COMPONENTS / "alertmanager-open" / "kustomization.yaml")["patches"]
    (operation,) = yaml.safe_load(patch["patch"])
    opened = deepcopy(NETWORK)
    (policy,) = [told for told in opened if told["metadata"]["name"] == patch["target"]["name"]]
    assert operation["path"] == "/spec/ingress/0/from" and operation["op"] == "replace"
    policy["spec"]["ingress"][0]["from"] = operation["value"]
    assert reaches(opened, STRANGER, ALERTMANAGER, 9093)


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.parent.name)
def test_prometheus_picks_the_rule_up(path: Any) -> None:
    """By the label: the chart has Prometheus ignore every rule without it."""
    rule = load(path)
    assert rule["kind"] == "PrometheusRule" and rule["metadata"]["namespace"] == "monitoring"
    assert rule["metadata"]["labels"]["release"] == RELEASE


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.parent.name)
def test_every_alert_is_routed_and_says_what_it_is_about(path: Any) -> None:
    more = configuration(PATCH, MORE)
    (route,) = [child for child in more["route"]["routes"] if child["receiver"] == "sre-dispatch"]
    (matcher,) = route["matchers"]
    routed = set(matcher.partition('"')[2].rstrip('"').split("|"))
    for alert in alerts(path):
        assert alert["alert"] in routed
        assert alert["labels"]["severity"] in ("info", "warning", "critical")
        summary = alert["annotations"]["summary"]
        assert "{{ $labels.namespace }}" in summary or "{{ $labels.node }}" in summary


def test_every_route_has_a_rule_and_every_alert_a_page_of_its_own() -> None:
    more = configuration(PATCH, MORE)
    (route,) = [child for child in more["route"]["routes"] if child["receiver"] == "sre-dispatch"]
    routed = set(route["matchers"][0].partition('"')[2].rstrip('"').split("|"))
    assert routed == {alert["alert"] for path in RULE_FILES for alert in alerts(path)}
    assert routed <= {path.name.split(".")[0] for path in (ROOT / "prompts" / "alerts").iterdir()}


def alerts(path: Any) -> list[Any]:
    return [rule for group in load(path)["spec"]["groups"] for rule in group["rules"] if "alert" in rule]


def test_the_specified_rules_are_verbatim() -> None:
    high, critical = alerts(RULE_FILES[0])
    used = "(kubelet_volume_stats_used_bytes / kubelet_volume_stats_capacity_bytes) * 100"
    assert (high["alert"], high["expr"], high["for"]) == ("PVCUsageHigh", f"{used} > 75", "10m")
    assert (critical["alert"], critical["expr"], critical["for"]) == (
        "PVCUsageCritical",
        f"{used} > 90",
        "5m",
    )
    assert [alert["labels"] for alert in (high, critical)] == [
        {"severity": "warning"},
        {"severity": "critical"},
    ]


def test_the_better_rules_take_the_place_of_the_specified_ones() -> None:
    """By the same name, so that both are never in force at once."""
    assert load(RULE_FILES[0])["metadata"] == load(RULE_FILES[1])["metadata"]


def test_the_labels_of_the_incident_are_those_of_a_rule() -> None:
    (alert,) = delivery_json("incident-75")["alerts"]
    high, _ = alerts(RULE_FILES[0])
    assert alert["labels"]["alertname"] == high["alert"]
    assert alert["labels"]["severity"] == high["labels"]["severity"]


def test_grafana_is_reached_by_its_services_port() -> None:
    (route,) = objects("monitoring", "grafana-ingressroute.yaml")
    assert (route["apiVersion"], route["kind"]) == ("traefik.io/v1alpha1", "IngressRoute")
    assert route["spec"] == {
        "entryPoints": ["web"],
        "routes": [
            {
                "kind": "Rule",
                "match": "Host(`grafana.vitro.lan`)",
                "services": [{"name": f"{RELEASE}-grafana", "port": 80}],
            }
        ],
    }


def test_every_object_is_ours_by_name_and_label_and_none_is_a_namespace() -> None:
    listed = load(MONITORING / "kustomization.yaml")["resources"]
    told = [each for name in listed for each in objects("monitoring", name)]
    for each in told:
        assert each["metadata"]["namespace"] == "monitoring"
        assert each["metadata"]["labels"]["app.kubernetes.io/part-of"] == "sre-dispatch"
        assert each["kind"] != "Namespace"
    assert not [
        1
        for one, other in combinations(told, 2)
        if one["kind"] == other["kind"] and one["metadata"]["name"] == other["metadata"]["name"]
    ]
