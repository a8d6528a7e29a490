from __future__ import annotations

from typing import Any

from function.shared.surroundings import NetworkPolicies, NetworkPolicy
from function.worldmodel.network_policies import MAX_POLICIES, network_policies
from tests.worldmodel.cluster import Manifest, manifest


def policy(name: str = "db", **spec: Any) -> Manifest:
    return manifest("NetworkPolicy", name, spec=spec)


def read(of: Manifest) -> NetworkPolicy:
    ((told,),) = [each.policies for each in network_policies([of])]
    return told


def pods(**labels: str) -> dict[str, Any]:
    return {"matchLabels": labels}


def test_a_namespace_without_policies_has_no_such_fact() -> None:
    assert network_policies([]) == []


def test_a_policy_says_which_pods_it_selects_and_who_may_speak_to_them() -> None:
    rule = {
        "from": [{"podSelector": pods(app="api")}, {"namespaceSelector": pods(team="shop")}],
        "ports": [{"port": 5432}, {"port": "metrics"}],
    }
    told = read(policy(podSelector=pods(app="db"), policyTypes=["Ingress"], ingress=[rule]))
    who = "from pods with app=api or all pods in namespaces with team=shop on port 5432, metrics"
    assert told == NetworkPolicy("db", "pods with app=db", ("Ingress",), (who,), ())


def test_a_policy_without_rules_lets_nobody_in_or_out() -> None:
    told = read(policy(podSelector={}, policyTypes=["Ingress", "Egress"]))
    assert told == NetworkPolicy("db", "all pods", ("Ingress", "Egress"), (), ())


def test_a_rule_without_peers_lets_anybody_in_and_a_block_is_told_as_it_is() -> None:
    told = read(policy(ingress=[{}], egress=[{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]))
    assert (told.ingress, told.egress) == (("from anybody",), ("to 10.0.0.0/8",))
    assert told.directions == ("Ingress",)


def test_an_empty_selector_of_namespaces_means_any() -> None:
    told = read(policy(ingress=[{"from": [{"namespaceSelector": {}}]}]))
    assert told.ingress == ("from all pods in any namespace",)


def test_of_many_policies_the_others_are_counted() -> None:
    (told,) = network_policies([policy(f"p{number}") for number in range(MAX_POLICIES + 2)])
    assert isinstance(told, NetworkPolicies)
    assert (len(told.policies), told.more) == (MAX_POLICIES, 2)
