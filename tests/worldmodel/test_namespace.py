from __future__ import annotations

import pytest

from function.shared.errors import Unavailable
from function.shared.fact_fields import MAX_LIST
from function.shared.facts import Dependent, Dependents, Happenings, Limits, Quota, State
from function.worldmodel import owners
from function.worldmodel.found import Found
from function.worldmodel.namespace import namespace
from tests.worldmodel.cluster import Asked, Cluster, Manifest, event, look, manifest, pod_spec, told, workload

F3IAI = manifest("Namespace", "f3iai", "", status={"phase": "Active"})
QUOTA = manifest("ResourceQuota", "team", status={"hard": {"pods": "9"}, "used": {"pods": "2"}})
WORKLOADS = [
    workload(kind, name, {"app": name}, pod_spec())
    for kind, name in (
        ("StatefulSet", "typedb"),
        ("Deployment", "web"),
        ("Deployment", "api"),
        ("DaemonSet", "logs"),
        ("CronJob", "backup"),
    )
]


def read(*manifests: Manifest) -> Found:
    looking = look(Cluster(*manifests))
    found = namespace(looking, "f3iai")
    assert looking.gaps == set()
    return found


def test_the_workloads_of_a_namespace_are_counted_and_live_in_it() -> None:
    others = [manifest("Deployment", "web", "shop"), manifest("ReplicaSet", "web-5d8"), manifest("Job", "x")]
    found = read(F3IAI, *WORKLOADS, *others)
    workloads = ("CronJob: 1", "DaemonSet: 1", "Deployment: 2", "StatefulSet: 1")
    assert told(found, State) == State("Active", {"made": "28 days ago", "workloads": workloads})
    dependents = told(found, Dependents)
    assert dependents.count == 5
    assert set(dependents.dependents) == {
        Dependent(each["kind"], each["metadata"]["name"], "f3iai", "lives in it") for each in WORKLOADS
    }


def test_an_empty_namespace_is_told() -> None:
    found = read(F3IAI)
    assert found.exists
    assert told(found, State) == State("Active", {"made": "28 days ago"})
    assert (told(found, Dependents), told(found, Limits)) == (Dependents(0, ()), Limits())
    assert (found.changes, found.watched) == ([], {})


def test_a_namespace_that_does_not_come_to_its_end_says_why() -> None:
    conditions = [
        {"type": "NamespaceContentRemaining", "status": "True", "reason": "SomeResourcesRemain"},
        {"type": "NamespaceDeletionContentFailure", "status": "False", "reason": "ContentDeleted"},
    ]
    ending = manifest("Namespace", "f3iai", "", status={"phase": "Terminating", "conditions": conditions})
    state = told(read(ending), State)
    assert state.status == "Terminating"
    assert state.details["conditions"] == ("NamespaceContentRemaining=True SomeResourcesRemain",)


def test_its_quotas_are_told_and_no_budgets_of_single_workloads() -> None:
    budget = manifest("PodDisruptionBudget", "web", spec={"selector": {}})
    assert told(read(F3IAI, QUOTA, budget), Limits) == Limits((Quota("team", "pods", "2", "9"),), ())


def test_warnings_are_told_and_other_events_are_not() -> None:
    warning = event("a", "Pod/x", "2026-03-29T03:00:00Z", reason="BackOff")
    normal = event("b", "Pod/x", "2026-03-29T03:00:00Z", type="Normal", reason="Pulled")
    elsewhere = event("c", "Pod/x", "2026-03-29T03:00:00Z", "shop", reason="Elsewhere")
    found = read(F3IAI, warning, normal, elsewhere)
    assert [each.reason for each in told(found, Happenings).events] == ["BackOff"]


def test_all_workloads_are_counted_and_a_few_are_told() -> None:
    many = [workload("Deployment", f"web-{number}", {}, pod_spec()) for number in range(MAX_LIST + 5)]
    dependents = told(read(F3IAI, *many), Dependents)
    assert (dependents.count, len(dependents.dependents)) == (MAX_LIST + 5, MAX_LIST)


def test_a_namespace_takes_few_requests_and_none_beyond_itself() -> None:
    cluster = Cluster(F3IAI, *WORKLOADS)
    namespace(look(cluster), "f3iai")
    assert len(cluster.asked) <= 10
    assert cluster.asked[0] == Asked("Namespace", "", "f3iai")
    assert {asked.namespace for asked in cluster.asked[1:]} == {"f3iai"}
    for kind in owners.WORKLOADS:
        assert Asked(kind, "f3iai", metadata=True) in cluster.asked


def test_a_namespace_that_is_not_there_is_none() -> None:
    assert read(*WORKLOADS) == Found()


@pytest.mark.parametrize("kind", ["CronJob", "Event", "ResourceQuota"])
def test_what_cannot_be_read_is_a_gap_and_the_rest_is_told(kind: str) -> None:
    forbidden = Unavailable("kubernetes_forbidden", "may not read it")
    looking = look(Cluster(F3IAI, *WORKLOADS, failing={kind: forbidden}))
    found = namespace(looking, "f3iai")
    assert looking.gaps == {"kubernetes_forbidden"}
    assert told(found, Dependents).count == (4 if kind == "CronJob" else 5)
