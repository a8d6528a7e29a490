"""Which pods of a namespace NetworkPolicies isolate, and with whom these may still speak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from function.shared.surroundings import NetworkPolicies, NetworkPolicy
from function.shared.text import cut_middle
from function.worldmodel import objects
from function.worldmodel.found import few
from function.worldmodel.objects import Object

MAX_POLICIES = 10


def network_policies(found: Sequence[Object]) -> list[NetworkPolicies]:
    """Returns the fact about the NetworkPolicies of a namespace. The list is empty if there are none."""
    shown = tuple(map(_policy, found[:MAX_POLICIES]))
    return [NetworkPolicies(shown, max(0, len(found) - MAX_POLICIES))] if shown else []


def _policy(of: Object) -> NetworkPolicy:
    spec = objects.spec(of)
    directions: Any = tuple(
        each for each in ("Ingress", "Egress") if each in (spec.get("policyTypes") or ("Ingress",))
    )
    return NetworkPolicy(
        policy=objects.name(of),
        selects=_pods(spec.get("podSelector") or {}),
        directions=directions,
        ingress=_rules(spec.get("ingress") or (), "from"),
        egress=_rules(spec.get("egress") or (), "to"),
    )


def _rules(rules: Sequence[Mapping[str, Any]], peers: str) -> tuple[str, ...]:
    """Returns each rule in words. A rule without peers or ports allows all of them."""
    found = []
    for rule in rules:
        who = " or ".join(map(_peer, rule.get(peers) or ())) or "anybody"
        ports = ", ".join(str(each.get("port", "any")) for each in rule.get("ports") or ())
        found.append(cut_middle(f"{peers} {who}" + (f" on port {ports}" if ports else "")))
    return tuple(few(found))


def _peer(peer: Mapping[str, Any]) -> str:
    return " ".join(_parts(peer))


def _parts(peer: Mapping[str, Any]) -> Iterator[str]:
    if block := peer.get("ipBlock"):
        yield str(block.get("cidr"))
    if "podSelector" in peer or "namespaceSelector" in peer:
        yield _pods(peer.get("podSelector") or {})
    if "namespaceSelector" in peer:
        chosen = objects.as_query(peer["namespaceSelector"] or {})
        yield f"in namespaces with {chosen}" if chosen else "in any namespace"


def _pods(selector: Mapping[str, Any]) -> str:
    chosen = objects.as_query(selector)
    return cut_middle(f"pods with {chosen}" if chosen else "all pods")
