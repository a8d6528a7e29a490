from __future__ import annotations

from function.shared.errors import Unavailable
from function.shared.facts import Change
from function.shared.surroundings import Around, EventsAround, WorkloadAround
from function.worldmodel.crashes import crashes
from function.worldmodel.events import happenings
from function.worldmodel.found import Found
from function.worldmodel.surroundings import MAX_CHANGES, surroundings
from tests.harness.fakes import NOW
from tests.worldmodel.cluster import (
    Asked,
    Cluster,
    Manifest,
    event,
    kinds,
    look,
    manifest,
    pod_spec,
    running,
    told,
    waiting,
    workload,
)

DB = {"app": "db"}
EARLIER, LATE = "2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z"


def pod(name: str, ready: bool, *states: Manifest, phase: str = "Running") -> Manifest:
    conditions = [{"type": "Ready", "status": str(ready)}]
    status = {"phase": phase, "conditions": conditions, "containerStatuses": [*states]}
    return manifest("Pod", name, spec={**pod_spec(), "nodeName": "w1"}, status=status)


def crashed(name: str) -> Manifest:
    last = {"terminated": {"exitCode": 1, "reason": "Error", "message": "no space left on device"}}
    return pod(name, False, waiting("CrashLoopBackOff", restartCount=3, lastState=last))


def scaled(kind: str, name: str, desired: int, ready: int, **annotations: str) -> Manifest:
    return {
        **workload(kind, name, DB, pod_spec(), replicas=desired),
        "metadata": {"name": name, "namespace": "f3iai", "annotations": annotations},
        "status": {"readyReplicas": ready},
    }


def read(*manifests: Manifest, own: Found | None = None) -> Found:
    looking = look(Cluster(*manifests))
    found = surroundings(looking, "f3iai", own or Found())
    assert looking.gaps == set()
    return found


def test_a_namespace_in_which_all_is_well_has_nothing_to_tell() -> None:
    well = [pod("db-0", True, running()), pod("done", False, phase="Succeeded")]
    found = read(*well, scaled("StatefulSet", "db", 1, 1))
    assert (kinds(found), found.changes) == (set(), [])


def test_the_ill_pods_of_a_namespace_are_told_with_what_crashed_in_them() -> None:
    around = told(read(crashed("db-0"), pod("db-1", False, running())), Around)
    assert (around.unready_pods, len(around.pods)) == (2, 2)
    assert around.pods[0].startswith("db-0 on w1, Running: main: waiting, CrashLoopBackOff, 3 restarts")
    assert [(each.pod, each.exit_code, each.log_end) for each in around.crashes] == [
        ("db-0", 1, ("no space left on device",))
    ]


def test_a_pod_whose_crash_is_told_already_is_not_told_again() -> None:
    own = Found()
    own.add(*crashes([crashed("db-0")], NOW.timestamp()))
    assert "around" not in kinds(read(crashed("db-0"), own=own))


def test_workloads_that_lack_replicas_or_want_none_are_told_with_the_cause_of_the_change() -> None:
    stopped = scaled("StatefulSet", "db", 0, 0, **{"kubernetes.io/change-cause": "CHG-1"})
    around = told(read(stopped, scaled("Deployment", "web", 3, 1)), Around)
    assert around.workloads == (
        WorkloadAround("Deployment", "web", 3, 1),
        WorkloadAround("StatefulSet", "db", 0, 0, "CHG-1"),
    )
    assert (around.unready_workloads, around.stopped_workloads) == (1, 1)


def test_warnings_and_scalings_of_other_objects_are_told_the_newest_first() -> None:
    events = [
        event("a", "PersistentVolumeClaim/data", EARLIER, reason="ProvisioningFailed"),
        event("b", "Deployment/db", LATE, type="Normal", reason="ScalingReplicaSet"),
        event("c", "Pod/x", LATE, type="Normal", reason="Pulled"),
        event("d", "Pod/own", LATE, reason="BackOff"),
    ]
    own = Found()
    own.add(happenings([events[3]], NOW.timestamp()))
    noted = told(read(*events, own=own), EventsAround)
    assert [each.reason for each in noted.events] == ["ScalingReplicaSet", "ProvisioningFailed"]


def revision(owner: str, number: int, made: str, image: str) -> Manifest:
    template = {"spec": {"containers": [{"name": "main", "image": image}]}}
    return {
        **manifest(
            "ControllerRevision",
            f"{owner}-{number}",
            made=made,
            owner=f"StatefulSet/{owner}",
            revision=number,
        ),
        "data": {"spec": {"template": template}},
    }


def rolled_out(name: str, made: str) -> list[Manifest]:
    return [revision(name, 1, "2026-03-01T00:00:00Z", "redis:1"), revision(name, 2, made, "redis:2")]


def test_what_other_workloads_rolled_out_lately_is_a_change() -> None:
    found = read(*rolled_out("cache", LATE), *rolled_out("old", "2026-03-02T00:00:00Z"))
    (change,) = found.changes
    assert "StatefulSet cache" in change.what and "redis:1 to redis:2" in change.what


def test_a_change_that_is_told_already_is_not_told_again() -> None:
    (change,) = read(*rolled_out("cache", LATE)).changes
    assert isinstance(change, Change)
    assert read(*rolled_out("cache", LATE), own=Found(changes=[change])).changes == []


def test_of_many_changes_only_some_are_told() -> None:
    many = [each for number in range(9) for each in rolled_out(f"cache-{number}", LATE)]
    assert len(read(*many).changes) == MAX_CHANGES


def test_it_takes_few_requests_of_one_namespace_and_the_clusters_dns() -> None:
    cluster = Cluster(crashed("db-0"))
    surroundings(look(cluster), "f3iai", Found())
    assert len(cluster.asked) <= 9
    assert {asked.namespace for asked in cluster.asked} == {"f3iai", "kube-system"}
    assert Asked("Event", "f3iai", fields="type=Warning") in cluster.asked


def test_without_a_namespace_only_the_cluster_is_asked_about() -> None:
    cluster = Cluster(crashed("db-0"))
    surroundings(look(cluster), "", Found())
    assert {asked.namespace for asked in cluster.asked} == {"kube-system"}


def test_a_long_listing_is_no_gap_but_a_failed_one_is() -> None:
    looking = look(Cluster(crashed("a"), crashed("b"), page=1))
    assert told(surroundings(looking, "f3iai", Found()), Around).unready_pods == 1
    assert looking.gaps == set()
    failing = look(Cluster(failing={"NetworkPolicy": Unavailable("kubernetes_forbidden", "may not")}))
    surroundings(failing, "f3iai", Found())
    assert failing.gaps == {"kubernetes_forbidden"}
