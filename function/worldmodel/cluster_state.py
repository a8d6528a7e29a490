"""What everything in the cluster depends on: its nodes and its DNS. And the alerts that fire."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from function.shared.fact_fields import MAX_NAME
from function.shared.facts import Fact, fact
from function.shared.prometheus import Sample
from function.shared.surroundings import Alerts, Cluster, Firing
from function.shared.symptoms import ServiceHealth
from function.shared.text import cut, cut_middle
from function.worldmodel import objects
from function.worldmodel.found import SOURCE, few
from function.worldmodel.metrics import PART, parts, query
from function.worldmodel.reader import Look
from function.worldmodel.services import SERVICE, count
from function.worldmodel.usage import SOURCE as MEASURED

DNS_NAMESPACE, DNS = "kube-system", "kube-dns"
"""The Service of the cluster's DNS has this name in every distribution, also if CoreDNS serves it."""
MAX_ALERTS, MAX_NODES, MAX_SERIES = 10, 3, 100
HELD = 'time() - ALERTS_FOR_STATE and ignoring (alertstate) ALERTS{alertstate="firing",severity!="none"}'
"""Alerts of the severity `none` say nothing: one always fires, and one silences others."""
ASKED = {
    "firing": f"topk({MAX_SERIES}, max by (alertname, namespace) ({HELD}))",
    "nodes": "count(kube_node_info)",
    "not ready": 'max by (node) (kube_node_status_condition{condition="Ready",status="true"} == 0)',
    "cordoned": "max by (node) (kube_node_spec_unschedulable == 1)",
}


def cluster_state(look: Look, namespace: str) -> Callable[[], list[Fact]]:
    """Requests the state of the cluster. Returns a function that waits for it."""
    slices = look.some("EndpointSlice", DNS_NAMESPACE, labels=f"{SERVICE}={DNS}")
    samples = query(look, parts(ASKED))

    def facts() -> list[Fact]:
        found: dict[str, list[Sample]] = {part: [] for part in ASKED}
        for each in samples():
            found.setdefault(each.labels.get(PART, ""), []).append(each)
        dns = count(slices()).get(DNS)
        unready = _nodes(found["not ready"])
        why = _conditions(look, unready)
        health = ServiceHealth(DNS, dns[True], dns[False]) if dns else None
        state = _cluster(bool(found["nodes"]), why, _nodes(found["cordoned"]), health)
        source = MEASURED if found["nodes"] else SOURCE
        known = [fact(state, source)] if dns or found["nodes"] else []
        return known + [fact(each, MEASURED) for each in _alerts(found["firing"], namespace)]

    return facts


def _nodes(found: Iterable[Sample]) -> list[str]:
    return sorted({cut(each.labels.get("node", ""), MAX_NAME) for each in found})


def _conditions(look: Look, unready: list[str]) -> dict[str, str]:
    """Requests the first of the nodes that are not ready. Returns why each of them is not."""
    requested = {name: look.get("Node", name) for name in unready[:MAX_NODES]}
    return dict.fromkeys(unready, "") | {
        name: "; ".join(objects.conditions(node() or {"metadata": {}})) for name, node in requested.items()
    }


def _cluster(known: bool, unready: dict[str, str], cordoned: list[str], dns: ServiceHealth | None) -> Cluster:
    shown = [f"{name}: not ready {why}".rstrip() for name, why in unready.items()]
    shown += [f"{name}: cordoned" for name in cordoned]
    counted = [len(each) if known else None for each in (unready, cordoned)]
    return Cluster(counted[0], counted[1], tuple(map(cut_middle, few(shown))), dns)


def _alerts(found: Iterable[Sample], namespace: str) -> list[Alerts]:
    firing = [
        Firing(
            cut(each.labels.get("alertname", ""), MAX_NAME),
            cut(each.labels.get("namespace", ""), MAX_NAME),
            max(0, int(each.value)),
        )
        for each in found
    ]
    rank = {namespace: 0, "": 1}
    firing.sort(key=lambda each: (rank.get(each.namespace, 2), each.firing_seconds, each.alertname))
    shown = tuple(firing[:MAX_ALERTS])
    return [Alerts(shown, max(0, len(firing) - MAX_ALERTS))] if shown else []
