from __future__ import annotations

from function.shared.fact_fields import MAX_LIST
from function.shared.facts import Dependent, DependsOn, DisruptionBudget, Limits, Quota, Reference
from function.worldmodel.neighbours import clients, dependents, depends_on, limits, neighbours
from tests.harness.fakes import NOW
from tests.worldmodel.cluster import (
    TYPEDB,
    Asked,
    Cluster,
    Manifest,
    ingress,
    look,
    manifest,
)

NOW_SECONDS = NOW.timestamp()


def test_what_surrounds_a_namespace_is_asked_for_once_and_in_it_alone() -> None:
    cluster = Cluster()
    neighbours(look(cluster), "f3iai")
    kinds = ["Service", "Ingress", "PodDisruptionBudget", "ResourceQuota"]
    assert cluster.asked == [Asked(kind, "f3iai") for kind in kinds]


def test_clients_are_the_services_that_lead_to_the_pods_and_the_ingresses_that_lead_to_those() -> None:
    bucket = {"path": "/", "backend": {"resource": {"kind": "Bucket", "name": "typedb"}}}
    cluster = Cluster(
        manifest("Service", "typedb", spec={"selector": TYPEDB}),
        manifest("Service", "narrower", spec={"selector": {**TYPEDB, "zone": "a"}}),
        manifest("Service", "without-a-selector", spec={"externalName": "db.example"}),
        manifest("Service", "of-no-pods", spec={"selector": {}}),
        ingress("by-path", "web", "typedb"),
        ingress("by-default", "web", default="typedb"),
        ingress("to-another", "web", "narrower"),
        manifest("Ingress", "to-a-bucket", spec={"rules": [{"http": {"paths": [bucket]}}]}),
        manifest("Ingress", "to-nothing"),
    )
    looking = look(cluster)
    assert [*clients(TYPEDB, neighbours(looking, "f3iai"))] == [
        Dependent("Service", "typedb", "f3iai", "leads to its pods"),
        Dependent("Ingress", "by-path", "f3iai", "leads to one of its Services"),
        Dependent("Ingress", "by-default", "f3iai", "leads to one of its Services"),
    ]


def test_pods_without_labels_have_no_clients() -> None:
    cluster = Cluster(manifest("Service", "typedb", spec={"selector": TYPEDB}), ingress("x", "typedb"))
    assert [*clients({}, neighbours(look(cluster), "f3iai"))] == []


def test_dependents_count_once_each_and_the_first_reason_stands() -> None:
    several = [
        Dependent("StatefulSet", "typedb", "f3iai", "mounts it"),
        Dependent("Service", "typedb", "f3iai", "leads to its pods"),
        Dependent("StatefulSet", "typedb", "shop", "is in another namespace"),
        Dependent("Service", "typedb", "f3iai", "again"),
    ]
    told = dependents(several)
    assert told.count == 3
    assert set(told.dependents) == set(several[:3])


def test_dependents_keep_their_order() -> None:
    several = [Dependent("Service", name, "f3iai", "why") for name in ("b", "a", "c")]
    assert [*dependents(iter(several)).dependents] == several


def test_all_dependents_are_counted_and_a_few_are_told() -> None:
    many = [Dependent("Service", str(number), "f3iai", "why") for number in range(MAX_LIST + 5)]
    told = dependents(many)
    assert (told.count, [*told.dependents]) == (MAX_LIST + 5, many[:MAX_LIST])


def test_what_is_needed_is_told_once_and_what_is_left_out_is_counted() -> None:
    needs = [Reference("Secret", str(number), "f3iai") for number in range(MAX_LIST + 5)]
    assert depends_on(needs + needs) == DependsOn(tuple(needs[:MAX_LIST]), more=5)
    assert depends_on(needs[:2]) == DependsOn(tuple(needs[:2]), more=0)


QUOTA = manifest(
    "ResourceQuota",
    "team",
    status={"hard": {"requests.storage": "500Gi", "pods": 10}, "used": {"requests.storage": "120Gi"}},
)


def budget(name: str, selector: Manifest | None, **status: int) -> Manifest:
    return manifest("PodDisruptionBudget", name, spec={"selector": selector}, status=status)


def test_limits_are_every_quota_and_the_budgets_of_these_pods() -> None:
    cluster = Cluster(
        QUOTA,
        manifest("ResourceQuota", "new"),
        budget("typedb", {"matchLabels": TYPEDB}, disruptionsAllowed=1),
        budget("exists", {"matchExpressions": [{"key": "app", "operator": "Exists"}]}),
        budget("all", {}, disruptionsAllowed=2),
        budget("web", {"matchLabels": {"app": "web"}}, disruptionsAllowed=3),
        budget("none", None, disruptionsAllowed=4),
    )
    quotas = (Quota("team", "requests.storage", "120Gi", "500Gi"), Quota("team", "pods", "", "10"))
    near = neighbours(look(cluster), "f3iai")
    assert limits(near, [TYPEDB]) == Limits(
        quotas, (DisruptionBudget("typedb", 1), DisruptionBudget("exists", 0), DisruptionBudget("all", 2))
    )
    assert limits(near, [{}]) == Limits(quotas, (DisruptionBudget("all", 2),))
    assert limits(near) == Limits(quotas, ())
    assert limits(near, counts=lambda resource: "storage" in resource) == Limits(quotas[:1], ())


def test_limits_are_cut() -> None:
    many = [budget(f"b{number}", {}) for number in range(MAX_LIST + 5)]
    hard = {f"count/x{number}": "1" for number in range(MAX_LIST + 5)}
    cluster = Cluster(*many, manifest("ResourceQuota", "team", status={"hard": hard}))
    told = limits(neighbours(look(cluster), "f3iai"), [{}])
    assert (len(told.quotas), told.more, len(told.disruption_budgets)) == (MAX_LIST, 5, MAX_LIST)


def test_the_fullest_quotas_are_told_first_and_so_never_cut() -> None:
    hard = {f"a{number:02}": "100" for number in range(MAX_LIST)} | {"requests.storage": "100Gi"}
    quota = manifest("ResourceQuota", "team", status={"hard": hard, "used": {"requests.storage": "99Gi"}})
    told = limits(neighbours(look(Cluster(quota)), "f3iai"))
    assert (told.quotas[0].resource, told.more) == ("requests.storage", 1)


def test_quotas_are_told_the_fullest_first_whatever_their_unit() -> None:
    hard = {"cpu": "2", "memory": "1Gi", "pods": "10", "services": "0", "secrets": "1"}
    used = {"cpu": "1500m", "memory": "512Mi", "pods": "9"}
    cluster = Cluster(
        manifest("ResourceQuota", "b", status={"hard": hard, "used": used}),
        manifest("ResourceQuota", "a", status={"hard": {"pods": "20"}, "used": {"pods": "18"}}),
    )
    told = limits(neighbours(look(cluster), "f3iai")).quotas
    assert [(each.name, each.resource) for each in told] == [
        ("b", "services"),
        ("a", "pods"),
        ("b", "pods"),
        ("b", "cpu"),
        ("b", "memory"),
        ("b", "secrets"),
    ]
