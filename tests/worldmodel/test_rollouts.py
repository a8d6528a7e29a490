from __future__ import annotations

import pytest

from function.shared.facts import (
    Replicas,
)
from function.shared.symptoms import ContainerChange, Revision
from function.worldmodel.rollouts import Rolled, replicas, rollout
from tests.harness.fakes import NOW
from tests.worldmodel.cluster import (
    TYPEDB,
    Asked,
    Cluster,
    Manifest,
    look,
    manifest,
    pod_spec,
    workload,
)

NOW_SECONDS = NOW.timestamp()


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicaSet"])
@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        ({"replicas": 3}, {"readyReplicas": 2, "availableReplicas": 1}, Replicas(3, 2, 1)),
        ({"replicas": 0}, {"replicas": 0}, Replicas(0, 0, 0)),
        ({}, {"readyReplicas": 1, "availableReplicas": 1}, Replicas(1, 1, 1)),
        ({"replicas": 2}, {}, Replicas(2, 0, 0)),
    ],
)
def test_replicas_by_kind(kind: str, spec: Manifest, status: Manifest, expected: Replicas) -> None:
    assert replicas(manifest(kind, "x", spec=spec, status=status)) == expected


@pytest.mark.parametrize(
    ("kind", "annotation", "ceiling"),
    [
        ("Deployment", "5", 5),
        ("Deployment", "9999", 9999),
        *(("Deployment", odd, None) for odd in ("", "0", "05", "-1", "3.5", "10000", "\u0665", "5\n")),
        ("StatefulSet", "5", None),
    ],
)
def test_a_deployment_is_told_with_its_ceiling(kind: str, annotation: str, ceiling: int | None) -> None:
    of = manifest(kind, "x", annotations={"sre-dispatch/max-replicas": annotation}, spec={"replicas": 2})
    assert replicas(of).max_replicas == ceiling


def test_a_daemon_set_counts_the_nodes_it_should_run_on() -> None:
    status = {"desiredNumberScheduled": 3, "numberReady": 2, "numberAvailable": 1, "readyReplicas": 9}
    assert replicas(manifest("DaemonSet", "x", status=status)) == Replicas(3, 2, 1)
    assert replicas(manifest("DaemonSet", "x")) == Replicas(0, 0, 0)


@pytest.mark.parametrize(
    ("kind", "revision"),
    [
        ("Deployment", "ReplicaSet"),
        ("StatefulSet", "ControllerRevision"),
        ("DaemonSet", "ControllerRevision"),
    ],
)
def test_the_last_rollout_is_the_newest_revision_that_the_workload_controls(kind: str, revision: str) -> None:
    of = workload(kind, "typedb", TYPEDB, pod_spec())
    own, others = f"{kind}/typedb", f"{kind}/typedb-copy"
    cluster = Cluster(
        of,
        manifest(revision, "r1", made="2026-03-10T03:10:00Z", owner=own, labels=TYPEDB),
        manifest(revision, "r2", made="2026-03-27T03:10:00Z", owner=own, labels=TYPEDB),
        manifest(revision, "r3", made="2026-03-29T03:00:00Z", owner=others, labels=TYPEDB),
        manifest(revision, "r4", made="2026-03-29T03:00:00Z", owner="Rollout/typedb", labels=TYPEDB),
        manifest(revision, "r5", made="2026-03-29T03:00:00Z", labels=TYPEDB),
        manifest(revision, "r6", made="2026-03-29T03:00:00Z", owner=own, labels={"app": "web"}),
    )
    (change,) = rollout(look(cluster), of)().changes
    assert change.what == f"the newest revision of {kind} typedb was made (2 are kept)"
    assert change.ago == "2 days ago"
    assert cluster.asked == [Asked(revision, "f3iai", labels="app=typedb")]


def test_a_workload_without_revisions_tells_of_no_rollout() -> None:
    assert rollout(look(Cluster()), workload("Deployment", "web", {"app": "web"}, pod_spec()))() == Rolled()


@pytest.mark.parametrize(
    "of",
    [
        workload("ReplicaSet", "web", {"app": "web"}, pod_spec()),
        workload("CronJob", "backup", {"app": "backup"}, pod_spec()),
        manifest("Deployment", "web", spec={"selector": None}),
    ],
    ids=lambda of: of["kind"],
)
def test_what_is_not_rolled_out_is_not_asked_for_revisions(of: Manifest) -> None:
    cluster = Cluster()
    assert rollout(look(cluster), of)() == Rolled() and cluster.asked == []


def revision(name: str, number: int, image: str, made: str, **status: int) -> Manifest:
    template = {"spec": {"containers": [{"name": "main", "image": image}]}}
    return manifest(
        "ReplicaSet",
        name,
        made=made,
        owner="Deployment/web",
        labels={"app": "web"},
        annotations={"deployment.kubernetes.io/revision": str(number)},
        spec={"replicas": 2, "template": template},
        status=status,
    )


def test_a_rollout_tells_the_new_replica_set_against_the_old_one_and_what_changed() -> None:
    old = revision("web-1", 1, "web:1", "2026-03-10T03:10:00Z", readyReplicas=2)
    new = revision("web-2", 2, "web:2", "2026-03-29T03:00:00Z")
    rolled = rollout(look(Cluster(old, new)), workload("Deployment", "web", {"app": "web"}, pod_spec()))()
    (told,) = rolled.facts
    assert told.new == Revision("web-2", 600, 2, 0)
    assert told.old == Revision("web-1", 19 * 86_400, 2, 2)
    assert told.containers == (ContainerChange("main", image="web:1 to web:2"),)
    assert (told.images_changed, told.resources_changed, told.variables_changed) == (1, 0, 0)
    made = "the newest revision of Deployment web was made (2 are kept)"
    assert rolled.changes[0].what == f"{made}, which changed main: image web:1 to web:2"


def test_after_a_rollback_the_old_replica_set_is_the_newest_revision() -> None:
    back = revision("web-1", 3, "web:1", "2026-03-10T03:10:00Z")
    bad = revision("web-2", 2, "web:2", "2026-03-29T03:00:00Z")
    (told,) = rollout(
        look(Cluster(back, bad)), workload("Deployment", "web", {"app": "web"}, pod_spec())
    )().facts
    assert (told.new.name, told.containers[0].image) == ("web-1", "web:2 to web:1")
