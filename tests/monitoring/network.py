"""Whether NetworkPolicies let one pod reach another: Kubernetes' rules, as far as ours use them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Policy = Mapping[str, Any]


@dataclass(frozen=True)
class Peer:
    """A pod, or, with no namespace, an address outside of the pods' network."""

    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    address: str = "10.244.0.1"


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    if set(selector) - {"matchLabels", "matchExpressions"}:
        raise ValueError(f"unknown selector: {selector}")
    expressions = selector.get("matchExpressions", [])
    assert all(each["operator"] == "In" for each in expressions)
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(each["key"]) in each["values"] for each in expressions
    )


def reaches(policies: Sequence[Policy], source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
    """Whether a packet leaves the one and enters the other."""
    out = _rules(policies, source, "Egress")
    into = _rules(policies, target, "Ingress")
    return _lets(out, target, source.namespace, "to", (port, protocol)) and _lets(
        into, source, target.namespace, "from", (port, protocol)
    )


def _rules(policies: Iterable[Policy], pod: Peer, direction: str) -> list[Any] | None:
    """The rules of that direction for the pod; None where no policy isolates it."""
    isolating = [
        policy["spec"]
        for policy in policies
        if pod.namespace == policy["metadata"]["namespace"]
        and matches(policy["spec"]["podSelector"], pod.labels)
        and direction in policy["spec"]["policyTypes"]
    ]
    return [rule for spec in isolating for rule in spec.get(direction.lower(), [])] if isolating else None


def _lets(rules: list[Any] | None, peer: Peer, home: str, key: str, wanted: tuple[int, str]) -> bool:
    return rules is None or any(
        (key not in rule or any(_is(peer, told, home) for told in rule[key]))
        and (
            "ports" not in rule
            or wanted in [(each["port"], each.get("protocol", "TCP")) for each in rule["ports"]]
        )
        for rule in rules
    )


def _is(peer: Peer, told: Mapping[str, Any], home: str) -> bool:
    if "ipBlock" in told:
        return not peer.namespace and ip_address(peer.address) in ip_network(told["ipBlock"]["cidr"])
    names = {"kubernetes.io/metadata.name": peer.namespace}
    lives = (
        matches(told["namespaceSelector"], names) if "namespaceSelector" in told else peer.namespace == home
    )
    return bool(peer.namespace) and lives and matches(told.get("podSelector", {}), peer.labels)
