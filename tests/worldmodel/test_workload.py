from __future__ import annotations

import pytest

from function.shared.fact_fields import MAX_LIST
from function.shared.facts import (
    Change,
    Dependent,
    Dependents,
    DependsOn,
    DisruptionBudget,
    Happenings,
    Limits,
    Owners,
    Quota,
    Reference,
    Replicas,
    State,
)
from function.worldmodel.found import Found
from function.worldmodel.workload import workload as read_workload
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

WEB = {"app": "web"}
KINDS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job")


def pod(name: str, *containers: Manifest, phase: str | None = "Running") -> Manifest:
    status = {"phase": phase, "containerStatuses": [*containers]}
    return manifest("Pod", name, labels=WEB, spec=pod_spec(), status=status)


def web(kind: str, status: Manifest | None = None, owner: str = "", **spec: object) -> Manifest:
    """A workload whose pods have the labels of WEB."""
    of = workload(kind, "web", WEB, pod_spec("web-data"), **spec)
    of["metadata"] |= manifest(kind, "web", owner=owner)["metadata"]
    return {**of, "status": status or {}}


def near() -> list[Manifest]:
    return [
        manifest("Service", "web", spec={"selector": WEB}),
        manifest("Service", "typedb", spec={"selector": {"app": "typedb"}}),
        manifest("PodDisruptionBudget", "web", spec={"selector": {"matchLabels": WEB}}),
        manifest("ResourceQuota", "team", status={"hard": {"pods": "9"}, "used": {"pods": "2"}}),
    ]


def read(kind: str, *manifests: Manifest) -> Found:
    looking = look(Cluster(*manifests))
    found = read_workload(looking, kind, "f3iai", "web")
    assert looking.gaps == set()
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_workload_is_told(kind: str) -> None:
    scaled = event("e", f"{kind}/web", "2026-03-29T03:00:00Z", reason="ScalingReplicaSet")
    found = read(kind, web(kind), *near(), scaled, pod("web-1", running()), pod("web-2", running()))
    assert found.exists
    state = told(found, State)
    assert (state.status, state.details["images"]) == ("pods Running: 2", ("busybox:1",))
    assert told(found, Dependents) == Dependents(
        1, (Dependent("Service", "web", "f3iai", "leads to its pods"),)
    )
    assert told(found, Limits) == Limits((Quota("team", "pods", "2", "9"),), (DisruptionBudget("web", 0),))
    assert [each.reason for each in told(found, Happenings).events] == ["ScalingReplicaSet"]
    needs = (Reference("PersistentVolumeClaim", "web-data", "f3iai"),)
    assert told(found, DependsOn) == DependsOn(needs)
    assert ("replicas" in kinds(found)) == (kind != "Job")
    assert "owners" not in kinds(found)


@pytest.mark.parametrize("kind", KINDS)
def test_a_workload_takes_few_requests_and_none_beyond_its_namespace(kind: str) -> None:
    cluster = Cluster(web(kind), *near())
    read_workload(look(cluster), kind, "f3iai", "web")
    assert len(cluster.asked) <= 10
    assert {asked.namespace for asked in cluster.asked} == {"f3iai"}
    assert Asked("Pod", "f3iai", labels="app=web") in cluster.asked
    assert [asked.name for asked in cluster.asked if asked.name] == ["web"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_workload_that_is_not_there_is_none(kind: str) -> None:
    cluster = Cluster(*near(), pod("web-1", running()))
    looking = look(cluster)
    assert read_workload(looking, kind, "f3iai", "web") == Found()
    assert looking.gaps == set() and "Pod" not in {asked.kind for asked in cluster.asked}


def test_a_workload_of_that_name_and_another_kind_is_another() -> None:
    assert not read("StatefulSet", web("Deployment")).exists


def test_its_replicas_are_told_and_watched() -> None:
    status = {"readyReplicas": 2, "availableReplicas": 1}
    found = read("Deployment", web("Deployment", status, replicas=3))
    assert told(found, Replicas) == Replicas(3, 2, 1)
    assert found.watched == {"images": "busybox:1", "replicas": "3"}


def test_replicas_of_nought_are_watched_and_what_has_none_is_watched_for_its_images_alone() -> None:
    assert read("Deployment", web("Deployment", replicas=0)).watched["replicas"] == "0"
    status = {"desiredNumberScheduled": 3, "numberReady": 3, "numberAvailable": 3}
    found = read("DaemonSet", web("DaemonSet", status))
    assert (told(found, Replicas), found.watched) == (Replicas(3, 3, 3), {"images": "busybox:1"})


def test_pods_are_counted_by_phase_and_only_its_own() -> None:
    other = manifest("Pod", "typedb-0", labels={"app": "typedb"}, status={"phase": "Running"})
    phases = {"a": "Running", "b": "Pending", "c": "Pending", "d": "Failed"}
    pods = [pod(name, phase=phase) for name, phase in phases.items()]
    new = manifest("Pod", "e", labels=WEB)
    found = read("Deployment", web("Deployment"), *pods, new, other)
    assert told(found, State).status == "pods Failed: 1, Pending: 2, Running: 1, Unknown: 1"


def test_a_workload_without_pods_says_so() -> None:
    assert told(read("Deployment", web("Deployment")), State).status == "pods none"


def test_containers_in_trouble_are_told_and_those_that_run_are_not() -> None:
    troubled = [
        pod("web-1", running(), running("sidecar", restartCount=2)),
        pod("web-2", waiting("ImagePullBackOff"), running("sidecar"), phase="Pending"),
    ]
    assert told(read("Deployment", web("Deployment"), *troubled), State).details["troubles"] == (
        "web-1 sidecar: running, 2 restarts",
        "web-2 main: waiting, ImagePullBackOff",
    )
    healthy = read("Deployment", web("Deployment"), pod("web-1", running()))
    assert "troubles" not in told(healthy, State).details


@pytest.mark.parametrize(
    ("pods", "last"), [(MAX_LIST, f"web-{MAX_LIST - 1} main: waiting, X"), (MAX_LIST + 2, "and 3 more")]
)
def test_troubles_beyond_what_a_list_holds_are_counted(pods: int, last: str) -> None:
    troubled = [pod(f"web-{number}", waiting("X")) for number in range(pods)]
    troubles = told(read("Deployment", web("Deployment"), *troubled), State).details["troubles"]
    assert isinstance(troubles, tuple)
    assert (len(troubles), troubles[-1]) == (MAX_LIST, last)
    assert troubles[0] == "web-0 main: waiting, X"


def test_what_has_ended_well_is_no_trouble() -> None:
    """Ten healthy pods with an init container must not push the one that crashes out of the list."""
    done = {
        "name": "init",
        "state": {"terminated": {"reason": "Completed", "exitCode": 0}},
        "restartCount": 0,
    }
    healthy = pod("web-1", running())
    healthy["status"]["initContainerStatuses"] = [done]
    assert "troubles" not in told(read("Deployment", web("Deployment"), healthy), State).details


def test_a_pod_that_is_not_ready_or_not_placed_is_a_trouble() -> None:
    pending = pod("web-1", phase="Pending")
    why = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
    pending["status"]["conditions"] = [why]
    going = pod("web-3", running())
    going["metadata"]["deletionTimestamp"] = "2026-03-29T03:00:00Z"
    found = read("Deployment", web("Deployment"), pending, pod("web-2", running(ready=False)), going)
    assert told(found, State).details["troubles"] == (
        "web-1 PodScheduled=False Unschedulable 0/3 nodes",
        "web-2 main: running, not ready",
        "web-3 being deleted",
    )


def test_events_of_pods_in_trouble_are_told_with_its_own() -> None:
    happened = event("e", "Pod/web-1", "2026-03-29T03:00:00Z", reason="FailedMount")
    found = read("Deployment", web("Deployment"), pod("web-1", waiting("ContainerCreating")), happened)
    assert [each.reason for each in told(found, Happenings).events] == ["FailedMount"]


def test_the_replicas_of_what_is_scaled_by_itself_are_no_change() -> None:
    target = {"kind": "Deployment", "name": "web"}
    scaler = manifest("HorizontalPodAutoscaler", "web", spec={"scaleTargetRef": target, "maxReplicas": 5})
    assert "replicas" in read("Deployment", web("Deployment", replicas=3)).watched
    assert "replicas" not in read("Deployment", web("Deployment", replicas=3), scaler).watched


@pytest.mark.parametrize(
    ("kind", "spec", "status", "details"),
    [
        (
            "Deployment",
            {"paused": True, "strategy": {"type": "Recreate"}},
            {"unavailableReplicas": 2},
            {"paused": True, "strategy": "Recreate", "unavailableReplicas": 2},
        ),
        ("StatefulSet", {"updateStrategy": {"type": "OnDelete"}}, {}, {"strategy": "OnDelete"}),
        (
            "Job",
            {"suspend": False},
            {"active": 1, "succeeded": 2, "failed": 3},
            {"suspended": False, "active": 1, "succeeded": 2, "failed": 3},
        ),
        (
            "Job",
            {"suspend": True},
            {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]},
            {"suspended": True, "conditions": ("Failed=True BackoffLimitExceeded",)},
        ),
    ],
)
def test_what_a_workload_says_of_itself(
    kind: str, spec: Manifest, status: Manifest, details: Manifest
) -> None:
    of = web(kind, status, **spec)
    of["metadata"]["generation"] = 2
    told_of = told(read(kind, of), State).details
    assert told_of == {"made": "28 days ago", "images": ("busybox:1",), **details}


def test_that_its_controller_has_not_seen_the_newest_spec_is_told() -> None:
    of = web("Deployment", {"observedGeneration": 2})
    of["metadata"]["generation"] = 2
    assert "controller_lags_behind" not in told(read("Deployment", of), State).details
    of["metadata"]["generation"] = 3
    assert told(read("Deployment", of), State).details["controller_lags_behind"] is True


def scaler(name: str, kind: str, of: str, **spec: int) -> Manifest:
    target = {"kind": kind, "name": of}
    return manifest("HorizontalPodAutoscaler", name, spec={"scaleTargetRef": target, **spec})


def test_an_autoscaler_is_told_where_it_scales_this_workload() -> None:
    scalers = [
        scaler("web", "Deployment", "web", minReplicas=2, maxReplicas=5),
        scaler("usual", "Deployment", "web", maxReplicas=3),
        scaler("of-another-kind", "StatefulSet", "web", maxReplicas=9),
        scaler("of-another", "Deployment", "typedb", maxReplicas=9),
    ]
    found = read("Deployment", web("Deployment"), *scalers)
    assert told(found, State).details["autoscaler"] == ("web: 2 to 5", "usual: 1 to 3")


def test_a_job_is_not_asked_for_autoscalers() -> None:
    cluster = Cluster(web("Job"))
    read_workload(look(cluster), "Job", "f3iai", "web")
    assert "HorizontalPodAutoscaler" not in {asked.kind for asked in cluster.asked}


@pytest.mark.parametrize(
    ("kind", "revision"),
    [
        ("Deployment", "ReplicaSet"),
        ("StatefulSet", "ControllerRevision"),
        ("DaemonSet", "ControllerRevision"),
    ],
)
def test_its_last_rollout_is_told_from_its_own_revisions(kind: str, revision: str) -> None:
    found = read(
        kind,
        web(kind),
        manifest(revision, "a", made="2026-03-26T03:10:00Z", owner=f"{kind}/web", labels=WEB),
        manifest(revision, "b", made="2026-03-28T03:10:00Z", owner=f"{kind}/web-copy", labels=WEB),
    )
    assert found.changes == [Change(f"the newest revision of {kind} web was made (1 are kept)", "3 days ago")]


@pytest.mark.parametrize("kind", ["ReplicaSet", "Job"])
def test_what_is_never_rolled_out_tells_of_no_change(kind: str) -> None:
    assert read(kind, web(kind)).changes == []


@pytest.mark.parametrize(("kind", "owner"), [("ReplicaSet", "Deployment/web"), ("Job", "CronJob/backup")])
def test_who_controls_the_workload_is_told(kind: str, owner: str) -> None:
    of, _, name = owner.partition("/")
    assert told(read(kind, web(kind, owner=owner)), Owners) == Owners((Reference(of, name, "f3iai"),))


def test_a_pod_that_was_evicted_is_a_trouble_though_no_container_says_so() -> None:
    evicted = pod("web-1", phase="Failed")
    evicted["status"] |= {"reason": "Evicted", "message": "The node was low on memory."}
    found = read("Deployment", web("Deployment"), evicted)
    assert told(found, State).details["troubles"] == ("web-1 Failed Evicted The node was low on memory.",)
