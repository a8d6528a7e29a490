"""Which calls are read from a page, and why an evidence does not arrive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.eval.forms import ToolCall
from tests.eval.names import joined, of_alert, of_answers, of_facts
from tests.eval.reasons import metrics, reason
from tests.eval.walker import calls, walked
from tests.harness.pages import PAGES, page

NOW = datetime(2026, 3, 29, 3, 10, tzinfo=UTC)
BEGAN = NOW - timedelta(minutes=12)
NAMES = {"NAMESPACE": ("shop",), "POD": ("web-0",), "NODE": ("w1",), "CONTAINER": ("main",)}


def asked(text: str) -> list[str]:
    return [str(call) for call in calls(text, NAMES, BEGAN, NOW)]


def test_a_query_is_asked_now_and_from_an_hour_before_the_alert() -> None:
    now, before = asked('Look at `kube_pod_info{namespace="NAMESPACE", pod="POD"}`.')
    assert now == (
        'grafana.query_prometheus(expr=kube_pod_info{namespace="shop", pod="web-0"}, endTime=now, '
        "queryType=instant)"
    )
    assert "startTime=2026-03-29T01:58:00Z, stepSeconds=73" in before


def test_a_query_with_a_word_that_nobody_knows_is_not_asked() -> None:
    assert asked('`kube_hpa_info{horizontalpodautoscaler="HPA"}`') == []


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("`pods_get` the pod", "kubernetes.pods_get(namespace=shop, name=web-0)"),
        (
            "`events_list` with `involvedObject.name=POD`",
            "kubernetes.events_list(fieldSelector=involvedObject.name=web-0, namespace=shop)",
        ),
        (
            "`events_list` with `involvedObject.name=NODE`",
            "kubernetes.events_list(fieldSelector=involvedObject.name=w1)",
        ),
        ("`events_list` of the namespace", "kubernetes.events_list(namespace=shop)"),
        (
            "`resources_get` the Node (v1)",
            "kubernetes.resources_get(apiVersion=v1, kind=Node, name=w1)",
        ),
        (
            "`resources_get` the Service",
            "kubernetes.resources_list(apiVersion=v1, kind=Service, namespace=shop)",
        ),
        (
            "`resources_list` of its ReplicaSets (apps/v1)",
            "kubernetes.resources_list(apiVersion=apps/v1, kind=ReplicaSet, namespace=shop)",
        ),
        (
            "`pods_list` with the fieldSelector `spec.nodeName=NODE`",
            "kubernetes.pods_list(fieldSelector=spec.nodeName=w1)",
        ),
    ],
)
def test_a_call_is_read_from_a_sentence(text: str, call: str) -> None:
    assert asked(text) == [call]


def test_a_log_is_asked_for_twice_where_the_page_names_the_previous_one() -> None:
    assert len(asked("`pods_log` with `tail` 100, once as it is and once with `previous`")) == 2
    assert len(asked("`pods_log`")) == 1


def test_what_the_first_round_answers_fills_the_second() -> None:
    text = "1. `pods_get` the pod.\n2. `resources_get` the PersistentVolumeClaim."
    told = walked(text, NAMES, (BEGAN, NOW), lambda call: "claimName: data-web-0\n")
    assert [name for name in told if "kind=PersistentVolumeClaim, namespace=shop, name=data-web-0" in name]


@pytest.mark.parametrize("alertname", PAGES)
def test_every_page_of_ours_names_a_call(alertname: str) -> None:
    assert asked(page(alertname))


def test_names_come_from_labels_facts_and_answers() -> None:
    labels = {"namespace": "shop", "instance": "10.0.0.9:8080", "job": "kube-state-metrics"}
    alert = of_alert(labels, "k8s_pod", "web-0")
    assert alert == {"POD": ("web-0",), "NAMESPACE": ("shop",), "JOB": ("kube-state-metrics",)}
    facts = of_facts('{"kind": "state", "data": {"containers": ["web-0 main: running"], "node": "w1"}}')
    assert (facts["NODE"], facts["POD"], facts["CONTAINER"]) == (("w1",), ("web-0",), ("main",))
    answer = '{"data": [{"metric": {"nodename": "w1", "instance": "10.0.0.11:9100"}}]}'
    assert of_answers([answer], facts)["INSTANCE"] == ("10.0.0.11:9100",)


def test_the_sick_pods_of_a_workload_come_first() -> None:
    table = (
        "shop v1 Pod web-a 1/1 Running\nshop v1 Pod web-b 0/1 CrashLoopBackOff\nshop v1 Pod api-c 0/1 Error"
    )
    assert of_answers([table], {"WORKLOAD": ("web",)})["POD"] == ("web-b", "web-a")


def test_the_pods_of_a_dependency_are_those_that_are_named_after_it() -> None:
    log = "cannot connect host=db err=refused"
    answers = [log, "shop v1 Pod db-0 1/1 Running\nshop v1 Pod web-0 0/1 Error"]
    found = of_answers(answers, {"WORKLOAD": ("web",)})
    assert (found["REFERENCE"], found["ITSPOD"], found["POD"]) == (
        ("Service/db",),
        ("shop/db-0/",),
        ("web-0",),
    )


def test_a_dependency_in_another_namespace_is_looked_for_there() -> None:
    text = "`get_resource_context`, and `pods_log` of its pods"
    rows = {"billing": "billing v1 Pod invoice-a 0/1 Error"}
    told = walked(
        text,
        NAMES | {"REFERENCE": ("Service/billing/invoice",)},
        (BEGAN, NOW),
        lambda call: rows.get(call.arguments["namespace"], ""),
    )
    assert [*told] == [
        "world.get_resource_context(resource_type=Service, resource_id=invoice, namespace=billing)",
        "kubernetes.pods_list_in_namespace(namespace=billing)",
        "kubernetes.pods_log(namespace=billing, name=invoice-a, tail=100)",
    ]


@pytest.mark.parametrize(
    ("host", "reference"),
    [
        ("db", "Service/db"),
        ("db.data", "Service/data/db"),
        ("db.data.svc.cluster.local", "Service/data/db"),
        ("db-0.db.data", "Service/data/db"),
    ],
)
def test_a_host_names_a_service(host: str, reference: str) -> None:
    assert of_answers([f"dial tcp: {host}:5432: refused"], {})["REFERENCE"] == (reference,)


def test_what_a_list_shows_is_read() -> None:
    hook = '{"items":[{"Name":"guard","apiVersion":"a/v1","kind":"ValidatingWebhookConfiguration"}]}'
    tables = {"pods_list": "kube-system v1 Pod etcd-cp1 1/1 Running", "resources_list": hook}
    text = (
        "`pods_list` by `app=etcd`, `pods_log` of these pods, `resources_get` ValidatingWebhookConfiguration"
    )
    told = walked(text, NAMES, (BEGAN, NOW), lambda call: tables.get(call.tool.partition(".")[2], ""))
    assert "kubernetes.pods_log(namespace=kube-system, name=etcd-cp1, tail=100)" in told
    assert [name for name in told if "resources_get" in name and "name=guard" in name]


def test_what_a_dependency_depends_on_is_followed_too() -> None:
    needs = '{"needs": [{"kind": "StatefulSet", "name": "cache", "namespace": "shop"}]}'
    answer = f'{{"facts": [{{"kind": "depends_on", "data": {needs}}}]}}'
    assert of_answers([answer], {})["REFERENCE"] == ("StatefulSet/shop/cache",)


def test_the_first_pod_of_a_querys_answer_is_looked_at() -> None:
    text = "1. `topk(5, a_b_c{})`.\n2. `pods_get` the first, `get_resource_context` of the first."
    most = '{"data": [{"metric": {"namespace": "data", "pod": "big"}, "value": [1, "9"]}]}'
    told = walked(text, NAMES, (BEGAN, NOW), lambda call: most if call.tool.startswith("grafana") else "")
    assert [*told][2:] == [
        "kubernetes.pods_get(namespace=data, name=big)",
        "world.get_resource_context(resource_type=Pod, resource_id=big, namespace=data)",
    ]


def test_a_nodes_address_names_its_exporter() -> None:
    node = "status:\n  addresses:\n  - address: 10.0.0.11\n    type: InternalIP\n"
    assert of_answers([node], {})["INSTANCE"] == ("10.0.0.11:9100",)


def test_an_exporters_own_pod_and_container_are_not_meant() -> None:
    labels = {"job": "kube-state-metrics", "container": "kube-state-metrics", "pod": "x-kube-state-metrics-a"}
    assert of_alert(labels, "", "") == {"JOB": ("kube-state-metrics",)}


def test_joined_names_keep_their_order() -> None:
    assert joined({"POD": ("b", "a")}, {"POD": ("a", "c")}) == {"POD": ("b", "a", "c")}


def test_a_reason_names_what_the_page_lacks() -> None:
    log = ToolCall("kubernetes.pods_log", {"name": "db-0", "namespace": "shop"})
    query = ToolCall("grafana.query_prometheus", {"expr": 'rate(pg_wal_bytes{pod="a_b_c"}[5m])'})
    made = [ToolCall("kubernetes.pods_log", {"name": "web-0", "namespace": "shop"})]
    assert reason([log], []) == "no call of kubernetes.pods_log is named, or nothing tells its arguments"
    assert reason([log], made) == "kubernetes.pods_log is not called with name db-0"
    other = ToolCall("grafana.query_prometheus", {"expr": "up{}"})
    assert reason([query], [other]) == "no query of pg_wal_bytes"


def test_the_metrics_of_an_expression() -> None:
    assert metrics('sum by (le, pod_name_x) (rate(a_b_c{d="e_f_g"}[5m])) / up{}') == {"a_b_c", "up"}
