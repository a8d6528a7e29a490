from __future__ import annotations

from typing import Any

import pytest

from function.shared.errors import Unavailable
from function.shared.facts import (
    Change,
    Dependent,
    Dependents,
    DependsOn,
    DisruptionBudget,
    Growth,
    Happenings,
    Limits,
    Quota,
    Reference,
    State,
    Storage,
    Usage,
)
from function.shared.prometheus import Sample
from function.worldmodel.found import Found
from function.worldmodel.objects import PAGE, Objects
from function.worldmodel.owners import WORKLOADS
from function.worldmodel.pvc import PODS_WITH_EVENTS, STOPS, claim
from function.worldmodel.usage import GIB, HOUR, VOLUME
from tests.worldmodel.cluster import (
    TYPEDB,
    Cluster,
    Manifest,
    Series,
    Served,
    event,
    incident,
    kinds,
    look,
    manifest,
    pod_spec,
    running,
    the,
    told,
    waiting,
    without,
    workload,
)

SERIES = Series(
    {
        "capacity_bytes": [
            Sample({"__name__": f"{VOLUME}used_bytes"}, 15.0 * GIB),
            Sample({"__name__": f"{VOLUME}capacity_bytes"}, 20.0 * GIB),
        ],
        "deriv": [Sample({}, 0.05 * GIB / HOUR)],
    }
)
QUESTIONS = 15
"""For a claim that one workload with one pod mounts."""
DATABASE = Dependent("StatefulSet", "typedb", "f3iai", STOPS)
SERVICE = Dependent("Service", "typedb", "f3iai", "leads to its pods")


def read(*manifests: Manifest, name: str = "typedb-data") -> Found:
    return claim(look(Cluster(*manifests), SERIES), "f3iai", name)


def details(found: Found) -> dict[str, Any]:
    return dict(told(found, State).details)


def test_the_incidents_claim_is_told_whole() -> None:
    looking = look(Cluster(*incident()), SERIES)
    found = claim(looking, "f3iai", "typedb-data")
    assert (found.exists, looking.gaps) == (True, set())
    assert told(found, State) == State(
        "Bound",
        {
            "made": "28 days ago",
            "requested": "20Gi",
            "capacity": "20Gi",
            "mounted_by": ("typedb-0 on fmc-worker-2",),
            "containers": ("typedb-0 main: running, 2 restarts",),
        },
    )
    assert told(found, Usage) == Usage("volume", 15.0, 20.0, 75.0)
    assert told(found, Growth) == Growth(0.05, 0.05, 100.0, "2026-04-02T07:10Z")
    assert told(found, Storage) == Storage(
        "ceph-rbd",
        "rook-ceph.rbd.csi.ceph.com",
        True,
        ("ReadWriteOnce",),
        "pvc-5b1d",
        "Delete",
        "100Gi",
        100.0,
    )
    assert told(found, Dependents) == Dependents(2, (DATABASE, SERVICE))
    assert told(found, Limits) == Limits(
        (Quota("storage", "requests.storage", "120Gi", "500Gi"),), (DisruptionBudget("typedb", 0),)
    )
    assert [event.reason for event in told(found, Happenings).events] == ["Claim", "BackOff"]
    assert told(found, DependsOn) == DependsOn(
        (
            Reference("PersistentVolume", "pvc-5b1d"),
            Reference("StorageClass", "ceph-rbd"),
            Reference("Node", "fmc-worker-2"),
        )
    )
    assert found.changes == [
        Change("the newest revision of StatefulSet typedb was made (1 are kept)", "28 days ago")
    ]
    assert found.watched == {"requested storage": "20Gi", "capacity": "20Gi"}
    assert {fact.source for fact in found.facts} == {"kubernetes", "prometheus"}


def test_the_incident_takes_few_requests_each_bounded_and_none_beyond_its_namespace() -> None:
    api, series = Served(Cluster(*incident())), Series({})
    assert claim(look(Objects(api), series), "f3iai", "typedb-data").exists
    assert len(api.requests) <= QUESTIONS and len(series.asked) == 4
    listings = [request for request in api.requests if request.query]
    assert len(listings) == QUESTIONS - 3
    assert all(listing.query["limit"] == str(PAGE) for listing in listings)
    assert all("/namespaces/f3iai/" in listing.path for listing in listings)
    by_name = {request.path.rpartition("/")[2] for request in api.requests if not request.query}
    assert by_name == {"typedb-data", "pvc-5b1d", "ceph-rbd"}
    pods = [listing.query.get("labelSelector") for listing in listings if listing.path.endswith("/pods")]
    assert pods == ["app=typedb"]


def test_a_claim_that_is_not_there_is_no_claim_and_asks_for_nothing_that_follows_from_it() -> None:
    cluster = Cluster(*without(incident(), "PersistentVolumeClaim"))
    looking = look(cluster, SERIES)
    assert claim(looking, "f3iai", "typedb-data") == Found()
    assert looking.gaps == set()
    assert not {"PersistentVolume", "StorageClass", "Pod"} & {asked.kind for asked in cluster.asked}


def test_a_claim_of_that_name_in_another_namespace_is_another() -> None:
    assert claim(look(Cluster(*incident()), SERIES), "shop", "typedb-data") == Found()


@pytest.mark.parametrize(
    ("stated", "expandable"),
    [
        ({"allowVolumeExpansion": True}, True),
        ({"allowVolumeExpansion": False}, False),
        ({"allowVolumeExpansion": "true"}, False),
        ({}, False),
    ],
)
def test_a_claim_can_grow_only_where_its_class_says_so(stated: Manifest, expandable: bool) -> None:
    storage_class = manifest("StorageClass", "ceph-rbd", "", provisioner="x", **stated)
    found = read(*without(incident(), "StorageClass"), storage_class)
    assert told(found, Storage).allow_volume_expansion is expandable


def test_a_claim_without_the_operators_ceiling_has_none() -> None:
    manifests = incident()
    for notes in ({}, {"sre-dispatch/max-storages": "1Ti"}, None):
        the(manifests, "PersistentVolumeClaim", "typedb-data")["metadata"]["annotations"] = notes
        assert told(read(*manifests), Storage).max_storage is None


def test_a_ceiling_that_says_nothing_is_told_as_it_is() -> None:
    manifests = incident()
    notes = {"sre-dispatch/max-storage": ""}
    the(manifests, "PersistentVolumeClaim", "typedb-data")["metadata"]["annotations"] = notes
    assert told(read(*manifests), Storage).max_storage == ""


@pytest.mark.parametrize(
    ("annotation", "gib"),
    [
        ("40Gi", 40.0),
        ("1Ti", 1024.0),
        ("107G", 99.651),
        ("lots", None),
        ("", None),
        ("0", None),
        ("-1Gi", None),
        ("100Gi ", None),
        ("NaN", None),
        ("1e400", None),
    ],
)
def test_a_ceiling_is_told_as_a_number_that_is_not_above_it(annotation: str, gib: float | None) -> None:
    manifests = incident()
    notes = {"sre-dispatch/max-storage": annotation}
    the(manifests, "PersistentVolumeClaim", "typedb-data")["metadata"]["annotations"] = notes
    assert told(read(*manifests), Storage).max_storage_gib == gib


def test_a_claim_that_is_not_bound_has_no_volume() -> None:
    manifests = without(incident(), "PersistentVolume")
    pending = the(manifests, "PersistentVolumeClaim", "typedb-data")
    del pending["spec"]["volumeName"]
    pending["status"] = {"phase": "Pending"}
    cluster = Cluster(*manifests)
    found = claim(look(cluster, SERIES), "f3iai", "typedb-data")
    storage = told(found, Storage)
    assert (storage.volume, storage.reclaim_policy, storage.max_storage) == ("", "", "100Gi")
    assert told(found, State).status == "Pending" and "capacity" not in details(found)
    assert Reference("StorageClass", "ceph-rbd") in told(found, DependsOn).needs
    assert found.watched == {"requested storage": "20Gi", "capacity": ""}
    assert "PersistentVolume" not in {asked.kind for asked in cluster.asked}


def test_a_volume_that_is_gone_has_no_reclaim_policy() -> None:
    storage = told(read(*without(incident(), "PersistentVolume")), Storage)
    assert (storage.volume, storage.reclaim_policy) == ("pvc-5b1d", "")


@pytest.mark.parametrize(("name", "can_grow"), [("", False), (None, False), ("gone", None)])
def test_a_claim_without_a_class_cannot_grow_and_of_a_class_that_is_gone_nobody_knows(
    name: str | None, can_grow: bool | None
) -> None:
    manifests = incident()
    the(manifests, "PersistentVolumeClaim", "typedb-data")["spec"]["storageClassName"] = name
    cluster = Cluster(*manifests)
    storage = told(claim(look(cluster, SERIES), "f3iai", "typedb-data"), Storage)
    assert (storage.allow_volume_expansion, storage.access_modes) == (can_grow, ("ReadWriteOnce",))
    assert [asked.name for asked in cluster.asked if asked.kind == "StorageClass"] == ([name] if name else [])


def test_a_claim_that_says_little_is_told_with_what_it_says() -> None:
    bare = manifest("PersistentVolumeClaim", "typedb-data", spec={"storageClassName": "plain"})
    found = read(bare, manifest("StorageClass", "plain", ""))
    assert told(found, State) == State("", {"made": "28 days ago"})
    assert told(found, Storage) == Storage("plain", "", False, (), "", "", None)
    assert told(found, DependsOn) == DependsOn((Reference("StorageClass", "plain"),))
    assert found.watched == {"requested storage": "", "capacity": ""}


def pod(name: str, owner: str, *claims: str, **labels: str) -> Manifest:
    return manifest(
        "Pod", name, owner=owner, labels=labels, spec=pod_spec(*claims), status={"phase": "Running"}
    )


@pytest.mark.parametrize(
    ("owner", "kind", "dependent"),
    [("", "Pod", "copy"), ("Job/backup-1", "Job", "backup-1"), ("Workflow/load", "Workflow", "load")],
)
def test_a_claim_that_no_workload_mounts_is_that_of_the_pods_that_do(
    owner: str, kind: str, dependent: str
) -> None:
    cluster = Cluster(
        *without(incident(), "StatefulSet", "Pod"),
        pod("copy", owner, "typedb-data", app="typedb"),
        pod("another", "Job/another", "other-data"),
    )
    found = claim(look(cluster, SERIES), "f3iai", "typedb-data")
    assert told(found, Dependents) == Dependents(2, (Dependent(kind, dependent, "f3iai", STOPS), SERVICE))
    assert details(found)["mounted_by"] == ("copy on no node",)
    assert len(cluster.asked) <= QUESTIONS
    assert [asked.namespace for asked in cluster.asked if asked.kind == "Pod"] == ["f3iai"]


def test_two_pods_of_one_job_are_one_dependent() -> None:
    pods = [pod(name, "Job/backup-1", "typedb-data") for name in ("a", "b")]
    found = read(*without(incident(), "StatefulSet", "Pod"), *pods)
    assert told(found, Dependents) == Dependents(1, (Dependent("Job", "backup-1", "f3iai", STOPS),))


def test_two_pods_that_nobody_owns_are_two_dependents() -> None:
    pods = [pod(name, "", "typedb-data") for name in ("a", "b")]
    found = read(*without(incident(), "StatefulSet", "Pod"), *pods)
    assert [each.name for each in told(found, Dependents).dependents] == ["a", "b"]


def test_a_claim_that_nobody_mounts_has_no_dependents() -> None:
    found = read(*without(incident(), "StatefulSet", "Pod"), pod("x", "", "other-data", **TYPEDB))
    assert told(found, Dependents) == Dependents(0, ())
    assert not {"mounted_by", "containers"} & details(found).keys()
    assert told(found, Limits).disruption_budgets == () and found.changes == []


def test_a_workload_without_pods_and_those_who_reach_it_depend_on_its_claim() -> None:
    found = read(*without(incident(), "Pod"))
    assert told(found, Dependents) == Dependents(2, (DATABASE, SERVICE))
    assert told(found, Limits).disruption_budgets == (DisruptionBudget("typedb", 0),)


def test_the_pods_of_a_deployment_depend_on_its_claim_as_the_deployment_alone() -> None:
    cluster = Cluster(
        *without(incident(), "StatefulSet", "Pod"),
        workload("Deployment", "typedb", TYPEDB, pod_spec("typedb-data")),
        manifest("ReplicaSet", "typedb-5d8", owner="Deployment/typedb", labels=TYPEDB),
        pod("typedb-5d8-x", "ReplicaSet/typedb-5d8", "typedb-data", **TYPEDB),
    )
    found = claim(look(cluster, SERIES), "f3iai", "typedb-data")
    deployment = Dependent("Deployment", "typedb", "f3iai", STOPS)
    assert told(found, Dependents) == Dependents(2, (deployment, SERVICE))
    assert "typedb-5d8" not in {asked.name for asked in cluster.asked}


def test_a_pod_of_a_cron_job_that_runs_now_is_told_and_counts_as_the_cron_job() -> None:
    found = read(
        *without(incident(), "StatefulSet", "Pod", "Service"),
        workload("CronJob", "backup", {"app": "backup"}, pod_spec("typedb-data")),
        manifest("Job", "backup-1", owner="CronJob/backup"),
        pod("backup-1-x", "Job/backup-1", "typedb-data", app="backup"),
    )
    assert told(found, Dependents) == Dependents(1, (Dependent("CronJob", "backup", "f3iai", STOPS),))
    assert details(found)["mounted_by"] == ("backup-1-x on no node",)


def test_pods_of_one_owner_are_asked_for_it_once() -> None:
    pods = [pod(f"db-{number}", "ReplicaSet/db-5d8", "typedb-data") for number in range(5)]
    cluster = Cluster(
        *without(incident(), "StatefulSet", "Pod"),
        *pods,
        manifest("ReplicaSet", "db-5d8", owner="Rollout/db"),
    )
    found = claim(look(cluster, SERIES), "f3iai", "typedb-data")
    assert told(found, Dependents) == Dependents(1, (Dependent("Rollout", "db", "f3iai", STOPS),))
    assert [asked.name for asked in cluster.asked if asked.kind == "ReplicaSet"] == ["db-5d8"]


def test_what_several_mounting_workloads_share_is_counted_once() -> None:
    cluster = Cluster(
        *incident(),
        workload("Deployment", "reader", TYPEDB, pod_spec("typedb-data")),
        workload("DaemonSet", "logs", {"app": "logs"}, pod_spec("typedb-data")),
        workload("CronJob", "backup", {"app": "backup"}, pod_spec("typedb-data")),
        workload("Deployment", "web", {"app": "web"}, pod_spec("web-data")),
        manifest("Service", "any", spec={"selector": TYPEDB}),
        manifest("Ingress", "x", spec={"defaultBackend": {"service": {"name": "typedb"}}}),
    )
    dependents = told(claim(look(cluster, SERIES), "f3iai", "typedb-data"), Dependents)
    assert {(each.kind, each.name) for each in dependents.dependents} == {
        ("StatefulSet", "typedb"),
        ("Deployment", "reader"),
        ("DaemonSet", "logs"),
        ("CronJob", "backup"),
        ("Service", "typedb"),
        ("Service", "any"),
        ("Ingress", "x"),
    }
    assert dependents.count == len(dependents.dependents) == 7


def test_a_claim_of_a_stateful_set_is_mounted_by_its_own_pod_alone() -> None:
    templates = [{"metadata": {"name": "data"}}]
    own = the(incident(), "PersistentVolumeClaim", "typedb-data")
    own["metadata"]["name"] = "data-typedb-1"
    found = read(
        *without(incident(), "PersistentVolumeClaim", "StatefulSet", "Pod"),
        own,
        workload("StatefulSet", "typedb", TYPEDB, pod_spec(), volumeClaimTemplates=templates),
        *(
            pod(f"typedb-{number}", "StatefulSet/typedb", f"data-typedb-{number}", **TYPEDB)
            for number in (0, 1)
        ),
        name="data-typedb-1",
    )
    assert told(found, Dependents) == Dependents(2, (DATABASE, SERVICE))
    assert details(found)["mounted_by"] == ("typedb-1 on no node",)


def test_a_pod_with_the_workloads_labels_that_mounts_another_claim_is_left_out() -> None:
    found = read(*incident(), pod("typedb-copy", "", "other-data", **TYPEDB))
    assert details(found)["mounted_by"] == ("typedb-0 on fmc-worker-2",)


def test_events_are_told_of_the_claim_and_of_the_first_pods_that_mount_it() -> None:
    names = [f"typedb-{number}" for number in range(1, PODS_WITH_EVENTS + 3)]
    cluster = Cluster(
        *without(incident(), "Pod"),
        *(pod(name, "StatefulSet/typedb", "typedb-data", **TYPEDB) for name in names),
        *(event(name, f"Pod/{name}", "2026-03-29T03:00:00Z", reason=name) for name in names),
    )
    found = claim(look(cluster, SERIES), "f3iai", "typedb-data")
    reasons = {each.reason for each in told(found, Happenings).events}
    assert reasons == {"Claim", *names[:PODS_WITH_EVENTS]}
    assert len(cluster.asked) <= QUESTIONS + PODS_WITH_EVENTS - 1
    assert len(details(found)["mounted_by"]) == len(names)


def test_the_nodes_of_its_pods_are_needed_once_each() -> None:
    manifests = without(incident(), "Pod")
    for number, node in enumerate(("w2", "w1", "w2")):
        each = pod(f"typedb-{number}", "StatefulSet/typedb", "typedb-data", **TYPEDB)
        each["spec"]["nodeName"] = node
        manifests.append(each)
    needs = told(read(*manifests), DependsOn).needs
    assert [each.name for each in needs if each.kind == "Node"] == ["w1", "w2"]


def test_what_its_containers_do_is_told_by_pod() -> None:
    manifests = incident()
    crashing = waiting("CrashLoopBackOff", restartCount=9)
    the(manifests, "Pod", "typedb-0")["status"]["containerStatuses"] = [crashing, running("sidecar")]
    assert details(read(*manifests))["containers"] == (
        "typedb-0 main: waiting, CrashLoopBackOff, 9 restarts",
        "typedb-0 sidecar: running",
    )


def test_a_resize_under_way_is_told() -> None:
    manifests = incident()
    own = the(manifests, "PersistentVolumeClaim", "typedb-data")
    own["spec"]["resources"]["requests"]["storage"] = "40Gi"
    own["status"]["conditions"] = [{"type": "FileSystemResizePending", "status": "True"}]
    own["status"]["allocatedResourceStatuses"] = {"storage": "NodeResizeInProgress"}
    found = read(*manifests)
    assert found.watched == {"requested storage": "40Gi", "capacity": "20Gi"}
    assert details(found)["conditions"] == ("FileSystemResizePending=True",)
    assert details(found)["resizing"] == "NodeResizeInProgress"


def test_the_volume_that_a_pod_brings_along_depends_on_who_owns_the_pod() -> None:
    """A generic ephemeral volume is owned by its pod, and no template names its claim."""
    spec = pod_spec() | {"volumes": [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}]}
    manifests = [
        manifest(
            "PersistentVolumeClaim", "web-0-scratch", owner="Pod/web-0", spec={}, status={"phase": "Bound"}
        ),
        manifest(
            "Pod",
            "web-0",
            owner="StatefulSet/web",
            labels={"app": "web"},
            spec=spec,
            status={"phase": "Running"},
        ),
        workload("StatefulSet", "web", {"app": "web"}, pod_spec()),
    ]
    found = claim(look(Cluster(*manifests), SERIES), "f3iai", "web-0-scratch")
    assert told(found, Dependents).dependents[0].name == "web"
    assert details(found)["mounted_by"] == ("web-0 on no node",)


def test_the_pod_of_an_ephemeral_volume_is_asked_by_name_and_may_be_gone() -> None:
    own = manifest("PersistentVolumeClaim", "web-0-scratch", owner="Pod/web-0", spec={}, status={})
    cluster = Cluster(own, pod("web-1", "", "web-0-scratch"))
    found = claim(look(cluster, SERIES), "f3iai", "web-0-scratch")
    assert told(found, Dependents) == Dependents(0, ())
    assert [asked.name for asked in cluster.asked if asked.kind == "Pod"] == ["web-0"]


def test_a_claim_that_something_else_owns_is_mounted_by_whoever_mounts_it() -> None:
    manifests = incident()
    owner = {"kind": "Cluster", "name": "typedb", "controller": True}
    the(manifests, "PersistentVolumeClaim", "typedb-data")["metadata"]["ownerReferences"] = [owner]
    assert told(read(*manifests), Dependents) == Dependents(2, (DATABASE, SERVICE))
    assert details(read(*manifests))["mounted_by"] == ("typedb-0 on fmc-worker-2",)


def test_pods_of_an_operator_count_beside_the_backup_that_mounts_the_same_claim() -> None:
    backup = workload("CronJob", "backup", {"app": "backup"}, pod_spec("typedb-data"))
    manifests = [*without(incident(), "StatefulSet", "Pod"), backup]
    manifests += [pod(f"db-{number}", "Cluster/db", "typedb-data", app="db") for number in range(3)]
    dependents = told(read(*manifests), Dependents)
    assert {(one.kind, one.name) for one in dependents.dependents} == {
        ("CronJob", "backup"),
        ("Cluster", "db"),
    }


def test_pods_that_have_ended_do_not_stop_when_a_volume_is_full() -> None:
    ended = [pod(f"job-{number}", f"Job/job-{number}", "typedb-data") for number in range(6)]
    for each in ended:
        each["status"]["phase"] = "Succeeded"
    assert told(read(*without(incident(), "StatefulSet", "Pod"), *ended), Dependents).count == 0


@pytest.mark.parametrize("modes", [["ReadWriteOnce"], ["ReadWriteOncePod"], None])
def test_of_a_claim_that_one_node_mounts_the_pods_of_its_workload_are_looked_for_alone(
    modes: list[str] | None,
) -> None:
    manifests = incident()
    the(manifests, "PersistentVolumeClaim", "typedb-data")["spec"]["accessModes"] = modes
    cluster = Cluster(*manifests)
    claim(look(cluster, SERIES), "f3iai", "typedb-data")
    assert [asked.labels for asked in cluster.asked if asked.kind == "Pod"] == ["app=typedb"]


def test_quotas_that_no_claim_counts_against_are_left_out() -> None:
    status = {"hard": {"pods": "9", "limits.memory": "9Gi", "requests.storage": "1Ti"}, "used": {}}
    found = read(*without(incident(), "ResourceQuota"), manifest("ResourceQuota", "team", status=status))
    assert [each.resource for each in told(found, Limits).quotas] == ["requests.storage"]


def test_of_a_claim_that_several_nodes_may_mount_every_pod_is_looked_for() -> None:
    manifests = incident()
    the(manifests, "PersistentVolumeClaim", "typedb-data")["spec"]["accessModes"] = ["ReadWriteMany"]
    dependents = told(read(*manifests, pod("reader", "", "typedb-data")), Dependents)
    assert ("Pod", "reader") in {(one.kind, one.name) for one in dependents.dependents}


FAILED = Unavailable("kubernetes_forbidden", "may not read it")


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("StorageClass", set()),
        ("PersistentVolume", set()),
        ("Ingress", set()),
        ("Event", set()),
        ("CronJob", set()),
        ("ControllerRevision", set()),
        ("ResourceQuota", set()),
    ],
)
def test_what_cannot_be_read_is_a_gap_and_the_rest_is_told(kind: str, missing: set[str]) -> None:
    looking = look(Cluster(*incident(), failing={kind: FAILED}), SERIES)
    found = claim(looking, "f3iai", "typedb-data")
    assert looking.gaps == {"kubernetes_forbidden"}
    whole = {"state", "usage", "growth", "storage", "dependents", "limits", "events", "depends_on"}
    assert kinds(found) == whole - missing
    assert told(found, Dependents).count == 2


def test_a_claim_that_cannot_be_read_is_a_gap() -> None:
    looking = look(Cluster(*incident(), failing={"PersistentVolumeClaim": FAILED}), SERIES)
    assert claim(looking, "f3iai", "typedb-data") == Found()
    assert looking.gaps == {"kubernetes_forbidden"}


def test_without_a_prometheus_all_but_its_usage_is_told() -> None:
    looking = look(Cluster(*incident()))
    found = claim(looking, "f3iai", "typedb-data")
    assert looking.gaps == {"prometheus_none"}
    assert kinds(found) == {"state", "storage", "dependents", "limits", "events", "depends_on"}


def test_where_a_kind_of_workload_is_too_many_the_claim_has_that_gap() -> None:
    more = [workload("Deployment", f"web-{number}", {"app": "web"}, pod_spec()) for number in range(3)]
    looking = look(Cluster(*incident(), *more, page=2), SERIES)
    found = claim(looking, "f3iai", "typedb-data")
    assert looking.gaps == {"too_many"}
    assert DATABASE in told(found, Dependents).dependents


def test_every_kind_of_workload_is_looked_through() -> None:
    cluster = Cluster(*incident())
    claim(look(cluster, SERIES), "f3iai", "typedb-data")
    asked = {each.kind for each in cluster.asked if not each.name and not each.labels}
    assert set(WORKLOADS) <= asked


def test_a_claim_that_very_many_mount_takes_a_bounded_number_of_requests() -> None:
    manifests = without(incident(), "StatefulSet", "Pod")
    the(manifests, "PersistentVolumeClaim", "typedb-data")["spec"]["accessModes"] = ["ReadWriteMany"]
    jobs = [pod(f"job-{number}-x", f"Job/job-{number}", "typedb-data") for number in range(200)]
    deployments = [
        workload("Deployment", f"d{number}", {"app": f"d{number}"}, pod_spec("typedb-data"))
        for number in range(100)
    ]
    cluster = Cluster(*manifests, *jobs, *deployments)
    found = claim(look(cluster, SERIES), "f3iai", "typedb-data")
    assert told(found, Dependents).count == 300
    assert len(cluster.asked) < 60


def test_a_pod_with_the_labels_of_a_workload_that_does_not_own_it_counts_by_itself() -> None:
    found = read(*incident(), pod("copy", "", "typedb-data", **TYPEDB))
    assert ("Pod", "copy") in {(one.kind, one.name) for one in told(found, Dependents).dependents}


def test_budgets_of_every_workload_that_mounts_it_are_told() -> None:
    other = workload("Deployment", "reader", {"app": "reader"}, pod_spec("typedb-data"))
    guard = manifest(
        "PodDisruptionBudget", "reader", spec={"selector": {"matchLabels": {"app": "reader"}}}, status={}
    )
    budgets = told(read(*incident(), other, guard), Limits).disruption_budgets
    assert {each.name for each in budgets} == {"typedb", "reader"}


def test_quotas_on_a_nodes_own_disk_are_none_of_a_claims() -> None:
    hard = {"requests.ephemeral-storage": "9Gi", "requests.storage": "1Ti", "persistentvolumeclaims": "9"}
    hard |= {"ceph-rbd.storageclass.storage.k8s.io/requests.storage": "1Ti"}
    quota = manifest("ResourceQuota", "team", status={"hard": hard, "used": {}})
    told_of = {
        each.resource for each in told(read(*without(incident(), "ResourceQuota"), quota), Limits).quotas
    }
    assert told_of == set(hard) - {"requests.ephemeral-storage"}
