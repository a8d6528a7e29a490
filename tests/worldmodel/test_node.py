from __future__ import annotations

import pytest

from function.shared.errors import Unavailable
from function.shared.fact_fields import MAX_LIST
from function.shared.facts import Dependent, Dependents, Happenings, State, Usage
from function.shared.prometheus import Sample
from function.worldmodel.found import Found
from function.worldmodel.node import host, node
from function.worldmodel.usage import GIB
from tests.worldmodel.cluster import Asked, Cluster, Manifest, Series, event, kinds, look, manifest, told

SERIES = {"container_memory": [Sample({}, 12.0 * GIB)]}
LIVE = "spec.nodeName=w2,status.phase!=Succeeded,status.phase!=Failed"
PODS = Asked("Pod", "", fields=LIVE, metadata=True)
READY = {"type": "Ready", "status": "True"}


def w2(*conditions: Manifest, **spec: object) -> Manifest:
    status = {
        "allocatable": {"cpu": "4", "memory": "16Gi", "pods": "110", "ephemeral-storage": "1"},
        "conditions": [*conditions],
        "nodeInfo": {"kubeletVersion": "v1.36.3"},
    }
    return manifest("Node", "w2", "", spec=spec, status=status)


def pod(name: str, owner: str = "", namespace: str = "f3iai", on: str = "w2") -> Manifest:
    return manifest("Pod", name, namespace, owner=owner, spec={"nodeName": on})


def read(*manifests: Manifest) -> Found:
    return node(look(Cluster(*manifests), Series(SERIES)), "w2")


def test_a_node_is_told() -> None:
    series = Series(SERIES)
    rebooted = event("e", "Node/w2", "2026-03-29T03:00:00Z", "default", reason="Rebooted")
    other = event("f", "Node/w1", "2026-03-29T03:00:00Z", "default", reason="Other")
    cluster = Cluster(w2(READY), rebooted, other, pod("a", "ReplicaSet/web-5d8"))
    looking = look(cluster, series)
    found = node(looking, "w2")
    assert (found.exists, looking.gaps) == (True, set())
    assert told(found, State) == State(
        "Ready",
        {
            "made": "28 days ago",
            "allocatable": ("cpu: 4", "memory: 16Gi", "pods: 110"),
            "kubelet": "v1.36.3",
            "pods": 1,
        },
    )
    assert told(found, Usage) == Usage("memory", 12.0, 16.0, 75.0)
    assert series.asked[:1] == ['sum(container_memory_working_set_bytes{node="w2",container!="",pod!=""})']
    assert [each.reason for each in told(found, Happenings).events] == ["Rebooted"]
    assert found.watched == {"kubelet": "v1.36.3", "unschedulable": "False"}


def test_its_pods_are_asked_by_field_and_without_their_specs() -> None:
    cluster = Cluster(w2(READY), pod("a"), pod("b", on="w1"))
    found = node(look(cluster, Series(SERIES)), "w2")
    assert [asked for asked in cluster.asked if asked.kind == "Pod"] == [PODS]
    assert told(found, State).details["pods"] == 1
    events = "involvedObject.kind=Node,involvedObject.name=w2"
    assert cluster.asked == [Asked("Node", "", "w2"), PODS, Asked("Event", "default", fields=events)]


def test_dependents_are_the_workloads_with_the_most_pods_first() -> None:
    pods = [
        pod("x", "ReplicaSet/web-5d8"),
        *(pod(f"a{number}", "StatefulSet/typedb") for number in range(3)),
        *(pod(f"b{number}", "ReplicaSet/web-5d8", "shop") for number in range(2)),
        pod("y", "StatefulSet/elsewhere", on="w1"),
    ]
    assert told(read(w2(READY), *pods), Dependents) == Dependents(
        3,
        (
            Dependent("StatefulSet", "typedb", "f3iai", "runs 3 pods there"),
            Dependent("ReplicaSet", "web-5d8", "shop", "runs 2 pods there"),
            Dependent("ReplicaSet", "web-5d8", "f3iai", "runs 1 pod there"),
        ),
    )


def test_pods_that_no_workload_runs_depend_on_it_themselves() -> None:
    pods = [pod("static", "Node/w2", "kube-system"), pod("bare"), pod("bare", namespace="shop")]
    assert told(read(w2(READY), *pods), Dependents) == Dependents(
        3,
        (
            Dependent("Pod", "static", "kube-system", "runs 1 pod there"),
            Dependent("Pod", "bare", "f3iai", "runs 1 pod there"),
            Dependent("Pod", "bare", "shop", "runs 1 pod there"),
        ),
    )


def test_all_dependents_are_counted_and_a_few_are_told() -> None:
    pods = [pod(str(number), f"ReplicaSet/{number}") for number in range(MAX_LIST + 5)]
    found = told(read(w2(READY), *pods), Dependents)
    assert (found.count, len(found.dependents)) == (MAX_LIST + 5, MAX_LIST)


def test_more_pods_than_one_listing_holds_are_a_gap() -> None:
    looking = look(Cluster(w2(READY), pod("a"), pod("b"), pod("c"), page=2), Series(SERIES))
    assert told(node(looking, "w2"), State).details["pods"] == 2
    assert looking.gaps == {"too_many"}


@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        ([READY], "Ready"),
        ([{"type": "MemoryPressure", "status": "True"}, {"type": "Ready", "status": "False"}], "NotReady"),
        ([{"type": "Ready", "status": "Unknown"}], "Unknown"),
        ([{"type": "MemoryPressure", "status": "False"}], "Unknown"),
        ([], "Unknown"),
    ],
)
def test_the_status_of_a_node_is_its_readiness(conditions: list[Manifest], status: str) -> None:
    assert told(read(w2(*conditions)), State).status == status


def test_what_keeps_pods_away_is_told() -> None:
    taints = [
        {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"},
        {"key": "dedicated", "value": "db", "effect": "NoExecute"},
    ]
    pressure = {"type": "DiskPressure", "status": "True", "reason": "KubeletHasDiskPressure"}
    found = read(w2(READY, pressure, unschedulable=True, taints=taints))
    details = told(found, State).details
    assert details["unschedulable"] is True
    assert details["taints"] == ("node.kubernetes.io/unschedulable:NoSchedule", "dedicated:NoExecute")
    assert details["conditions"] == ("DiskPressure=True KubeletHasDiskPressure",)
    assert found.watched["unschedulable"] == "True"


def test_a_node_that_is_not_there_is_none() -> None:
    looking = look(Cluster(pod("a")), Series(SERIES))
    assert node(looking, "w2") == Found()
    assert looking.gaps == set()


def test_a_node_that_tells_nothing_of_itself_is_told_without_its_usage() -> None:
    looking = look(Cluster(manifest("Node", "w2", "")), Series(SERIES))
    found = node(looking, "w2")
    assert told(found, State) == State("Unknown", {"made": "28 days ago", "pods": 0})
    assert "usage" not in kinds(found) and looking.gaps == {"prometheus_no_series"}
    assert found.watched == {"kubelet": "", "unschedulable": "False"}


def test_a_node_whose_pods_cannot_be_read_is_told_with_that_gap() -> None:
    forbidden = Unavailable("kubernetes_forbidden", "may not read Pods")
    looking = look(Cluster(w2(READY), pod("a"), failing={"Pod": forbidden}), Series(SERIES))
    found = node(looking, "w2")
    assert looking.gaps == {"kubernetes_forbidden"}
    assert {"state", "usage", "events"} <= kinds(found)


def test_a_host_is_the_node_with_its_address() -> None:
    of = w2(READY)
    of["status"]["addresses"] = [{"type": "InternalIP", "address": "10.0.0.5"}]
    cluster = Cluster(of, manifest("Node", "w1", "", status={}))
    assert told(host(look(cluster, Series(SERIES)), "10.0.0.5"), State).status == "Ready"
    assert host(look(cluster, Series(SERIES)), "10.0.0.6") == Found()


def test_the_largest_images_on_a_node_are_told() -> None:
    images = [
        {"names": ["web@sha256:1", "web:1"], "sizeBytes": 2**30},
        {"names": ["train:2"], "sizeBytes": 14 * 2**30},
        {"sizeBytes": 5},
    ]
    found = node(look(Cluster(manifest("Node", "w1", "", status={"images": images}))), "w1")
    shown = told(found, State).details["images"]
    assert shown == ("train:2: 14.0 GiB", "web:1: 1.0 GiB", "unnamed: 0.0 GiB")
