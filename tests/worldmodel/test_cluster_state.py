from __future__ import annotations

from function.shared.facts import Fact
from function.shared.prometheus import Sample
from function.worldmodel.cluster_state import MAX_ALERTS, cluster_state
from function.worldmodel.metrics import PART
from tests.worldmodel.cluster import Cluster, Manifest, Series, look, manifest


def dns(*ready: bool) -> Manifest:
    labels = {"kubernetes.io/service-name": "kube-dns"}
    listed = [{"addresses": [f"10.0.0.{at}"], "conditions": {"ready": each}} for at, each in enumerate(ready)]
    return manifest("EndpointSlice", "kube-dns-x", "kube-system", labels=labels, endpoints=listed)


def sample(part: str, value: float = 1, **labels: str) -> Sample:
    return Sample({PART: part, **labels}, value)


def read(*manifests: Manifest, samples: list[Sample] | None = None) -> dict[str, Fact]:
    series = Series({"kube_node_info": samples or []})
    looking = look(Cluster(*manifests), series)
    found = cluster_state(looking, "shop")()
    assert (len(series.asked), looking.gaps) == (1, set())
    return {each.kind: each for each in found}


def test_a_cluster_of_which_nothing_is_known_has_no_such_fact() -> None:
    assert read() == {}
    assert cluster_state(look(Cluster()), "shop")() == []


def test_the_dns_without_a_ready_endpoint_is_told() -> None:
    state = read(dns(False, False))["cluster"].data
    assert (state["dns"]["ready_endpoints"], state["dns"]["unready_endpoints"]) == (0, 2)
    assert (state["unready_nodes"], state["cordoned_nodes"]) == (None, None)


def test_nodes_that_are_not_ready_are_told_with_the_reason_and_cordoned_ones_too() -> None:
    condition = {"type": "Ready", "status": "Unknown", "message": "Kubelet stopped posting node status."}
    state = read(
        manifest("Node", "w1", "", status={"conditions": [condition]}),
        samples=[sample("nodes", 5), sample("not ready", 0, node="w1"), sample("cordoned", node="w2")],
    )["cluster"].data
    assert (state["unready_nodes"], state["cordoned_nodes"]) == (1, 1)
    assert state["nodes"] == (
        "w1: not ready Ready=Unknown Kubelet stopped posting node status.",
        "w2: cordoned",
    )


def test_an_unready_node_that_is_gone_is_still_told() -> None:
    state = read(samples=[sample("nodes", 5), sample("not ready", 0, node="w1")])["cluster"].data
    assert state["nodes"] == ("w1: not ready",)


def test_where_all_nodes_are_well_that_is_told() -> None:
    state = read(samples=[sample("nodes", 5)])["cluster"].data
    assert (state["unready_nodes"], state["cordoned_nodes"], state["nodes"]) == (0, 0, ())


def test_firing_alerts_of_the_namespace_come_first_then_those_of_the_cluster() -> None:
    firing = [
        sample("firing", 60, alertname="C", namespace="other"),
        sample("firing", 60, alertname="B"),
        sample("firing", 600, alertname="A", namespace="shop"),
        sample("firing", 60.5, alertname="D", namespace="shop"),
    ]
    told = read(samples=firing)["alerts"].data
    assert [(each["alertname"], each["firing_seconds"]) for each in told["alerts"]] == [
        ("D", 60),
        ("A", 600),
        ("B", 60),
        ("C", 60),
    ]


def test_of_many_alerts_the_others_are_counted() -> None:
    firing = [sample("firing", 1, alertname=f"a{number}") for number in range(MAX_ALERTS + 3)]
    told = read(samples=firing)["alerts"].data
    assert (len(told["alerts"]), told["more"]) == (MAX_ALERTS, 3)
