from __future__ import annotations

import pytest

from function.shared.errors import Unavailable
from function.shared.facts import (
    Change,
    Dependent,
    Dependents,
    DependsOn,
    DisruptionBudget,
    Happenings,
    Limits,
    Owners,
    Reference,
    Replicas,
    State,
)
from function.shared.prometheus import Sample
from function.shared.symptoms import Crashes, Readiness, Services
from function.worldmodel.found import Found
from function.worldmodel.pod import pod
from function.worldmodel.usage import GIB
from tests.worldmodel.cluster import (
    Asked,
    Cluster,
    Manifest,
    Series,
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
NAME = "web-5d8-x"
MEMORY = [Sample({"container": "c0"}, 0.25 * GIB), Sample({"container": "c1"}, 0.375 * GIB)]
SERIES = Series({"container_memory": MEMORY})


def limited(*memory: str | None) -> list[Manifest]:
    """Containers with these limits of memory, None being without one."""
    return [
        {"name": f"c{number}", "image": f"web:{number}", **({"resources": {"limits": {"memory": limit}}})}
        if limit
        else {"name": f"c{number}", "image": f"web:{number}", "resources": {"limits": {"cpu": "1"}}}
        for number, limit in enumerate(memory)
    ]


def of_web(owner: str = "ReplicaSet/web-5d8", **status: object) -> Manifest:
    """A pod on the node w2 with two containers that may use 1.5 GiB together."""
    spec = pod_spec("web-data", nodeName="w2") | {"containers": limited("1Gi", "512Mi")}
    told = {"phase": "Running", "containerStatuses": [running("c0"), running("c1")], **status}
    return manifest("Pod", NAME, owner=owner, labels=WEB, spec=spec, status=told)


def deployed() -> list[Manifest]:
    """What runs as the pod, and what leads to it."""
    status = {"readyReplicas": 2, "availableReplicas": 1}
    return [
        {**workload("Deployment", "web", WEB, pod_spec(), replicas=3), "status": status},
        manifest("ReplicaSet", "web-5d8", owner="Deployment/web", labels=WEB),
        manifest("ReplicaSet", "web-old", made="2026-02-01T00:00:00Z", owner="Deployment/web", labels=WEB),
        manifest("Service", "web", spec={"selector": WEB}),
        manifest("Service", "typedb", spec={"selector": {"app": "typedb"}}),
        manifest(
            "PodDisruptionBudget",
            "web",
            spec={"selector": {"matchLabels": WEB}},
            status={"disruptionsAllowed": 1},
        ),
    ]


def read(*manifests: Manifest) -> Found:
    return pod(look(Cluster(*manifests), SERIES), "f3iai", NAME)


def test_a_pod_is_told_with_the_workload_that_runs_as_it() -> None:
    backed_off = event("e", f"Pod/{NAME}", "2026-03-29T03:00:00Z", reason="BackOff")
    cluster = Cluster(of_web(), *deployed(), backed_off)
    looking = look(cluster, SERIES)
    found = pod(looking, "f3iai", NAME)
    assert (found.exists, looking.gaps) == (True, set())
    assert told(found, State) == State(
        "Running",
        {
            "made": "28 days ago",
            "node": "w2",
            "containers": ("c0: running", "c1: running"),
            "images": ("web:0", "web:1"),
        },
    )
    assert told(found, Replicas) == Replicas(3, 2, 1)
    assert told(found, Owners) == Owners(
        (Reference("ReplicaSet", "web-5d8", "f3iai"), Reference("Deployment", "web", "f3iai"))
    )
    assert told(found, Dependents) == Dependents(
        2,
        (
            Dependent("Deployment", "web", "f3iai", "runs as this pod"),
            Dependent("Service", "web", "f3iai", "leads to its pods"),
        ),
    )
    assert told(found, Limits) == Limits((), (DisruptionBudget("web", 1),))
    assert [each.reason for each in told(found, Happenings).events] == ["BackOff"]
    needs = (Reference("Node", "w2"), Reference("PersistentVolumeClaim", "web-data", "f3iai"))
    assert told(found, DependsOn) == DependsOn(needs)
    assert found.changes == [
        Change("the newest revision of Deployment web was made (2 are kept)", "28 days ago")
    ]
    assert found.watched == {"images": "web:0, web:1", "node": "w2"}


def test_a_pod_takes_few_requests_and_none_beyond_its_namespace_and_node() -> None:
    cluster = Cluster(of_web(), *deployed())
    pod(look(cluster, SERIES), "f3iai", NAME)
    assert len(cluster.asked) <= 13
    assert {asked.namespace for asked in cluster.asked if asked.kind != "Node"} == {"f3iai", "default"}
    assert Asked("Event", "f3iai", fields=f"involvedObject.kind=Pod,involvedObject.name={NAME}") in (
        cluster.asked
    )


def test_a_pod_that_is_not_there_is_no_pod() -> None:
    looking = look(Cluster(*deployed()), SERIES)
    assert pod(looking, "f3iai", NAME) == Found()
    assert looking.gaps == set()


def test_a_pod_that_cannot_be_read_is_a_gap() -> None:
    forbidden = Unavailable("kubernetes_forbidden", "may not read Pods")
    looking = look(Cluster(of_web(), failing={"Pod": forbidden}), SERIES)
    assert pod(looking, "f3iai", NAME) == Found()
    assert looking.gaps == {"kubernetes_forbidden"}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"phase": "Failed", "reason": "Evicted"}, "Failed Evicted"),
        ({"phase": "Pending"}, "Pending"),
        ({"phase": None}, ""),
    ],
)
def test_the_status_of_a_pod_is_its_phase_and_reason(status: Manifest, words: str) -> None:
    assert told(read(of_web(**status)), State).status == words


def test_a_pod_that_is_in_trouble_says_why() -> None:
    status: Manifest = {
        "message": "The node was low on resource: memory.",
        "containerStatuses": [waiting("CrashLoopBackOff", name="c0", restartCount=4)],
        "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}],
    }
    of = of_web(**status)
    of["metadata"]["deletionTimestamp"] = "2026-03-29T03:09:00Z"
    details = told(read(of), State).details
    assert details["message"] == "The node was low on resource: memory."
    assert details["containers"] == ("c0: waiting, CrashLoopBackOff, 4 restarts",)
    assert details["conditions"] == ("Ready=False ContainersNotReady",)
    assert details["being_deleted"] is True


def test_a_pod_of_a_stateful_set_tells_its_replicas() -> None:
    owner = {**workload("StatefulSet", "web", WEB, pod_spec(), replicas=2), "status": {"readyReplicas": 1}}
    found = read(of_web("StatefulSet/web"), owner)
    assert told(found, Replicas) == Replicas(2, 1, 0)
    assert told(found, Owners) == Owners((Reference("StatefulSet", "web", "f3iai"),))


@pytest.mark.parametrize(
    ("kind", "spec", "status", "replicas"),
    [
        ("DaemonSet", {}, {"desiredNumberScheduled": 3, "numberReady": 2}, Replicas(3, 2, 0)),
        ("ReplicaSet", {"replicas": 4}, {"readyReplicas": 3}, Replicas(4, 3, 0)),
    ],
)
def test_a_pod_tells_the_replicas_of_whatever_keeps_them(
    kind: str, spec: Manifest, status: Manifest, replicas: Replicas
) -> None:
    owner = {**workload(kind, "web", WEB, pod_spec(), **spec), "status": status}
    assert told(read(of_web(f"{kind}/web"), owner), Replicas) == replicas


def test_of_a_pod_whose_replica_set_something_unknown_owns_the_replica_sets_replicas_are_told() -> None:
    owner = manifest("ReplicaSet", "web-5d8", owner="Rollout/web", labels=WEB, spec={"replicas": 4})
    found = read(of_web(), owner)
    assert told(found, Replicas) == Replicas(4, 0, 0)
    assert told(found, Dependents).dependents == (Dependent("Rollout", "web", "f3iai", "runs as this pod"),)


def test_a_pod_that_is_not_placed_has_no_node() -> None:
    of = of_web("", phase="Pending")
    del of["spec"]["nodeName"]
    found = read(of)
    assert found.watched["node"] == "" and "node" not in told(found, State).details
    assert "Node" not in {each.kind for each in told(found, DependsOn).needs}


def test_a_static_pod_is_owned_by_its_node_and_stands_in_for_no_replicas() -> None:
    cluster = Cluster(of_web("Node/w2"), manifest("Node", "w2", ""))
    found = pod(look(cluster, SERIES), "f3iai", NAME)
    assert told(found, Owners) == Owners((Reference("Node", "w2", ""),))
    assert "replicas" not in kinds(found) and found.changes == []
    assert told(found, Dependents) == Dependents(0, ())
    assert {asked.namespace for asked in cluster.asked if asked.kind == "Node"} == {""}


@pytest.mark.parametrize(("phase", "up"), [("Running", 1), ("Pending", 0), ("Failed", 0), (None, 0)])
def test_a_bare_pod_is_its_own_only_replica_and_has_no_owners(phase: str | None, up: int) -> None:
    found = read(of_web("", phase=phase), *deployed())
    assert told(found, Replicas) == Replicas(1, up, up)
    assert "owners" not in kinds(found) and found.changes == []
    service = Dependent("Service", "web", "f3iai", "leads to its pods")
    assert told(found, Dependents) == Dependents(1, (service,))


@pytest.mark.parametrize("owner", ["Job/backup-1", "Workflow/load", "ReplicaSet/gone"])
def test_of_a_pod_whose_owner_keeps_no_replicas_or_is_not_known_none_are_told(owner: str) -> None:
    found = read(of_web(owner), manifest("Job", "backup-1"))
    kind, _, name = owner.partition("/")
    assert told(found, Owners) == Owners((Reference(kind, name, "f3iai"),))
    assert told(found, Dependents).dependents == (Dependent(kind, name, "f3iai", "runs as this pod"),)
    assert "replicas" not in kinds(found) and found.changes == []


def test_the_memory_of_each_container_is_told_against_its_own_limit() -> None:
    series = Series({"container_memory": MEMORY})
    found = pod(look(Cluster(of_web()), series), "f3iai", NAME)
    usages = [fact.data for fact in found.facts if fact.kind == "usage"]
    assert [(told["subject"], told["used_percent"]) for told in usages] == [
        ("memory of c1", 75.0),
        ("memory of c0", 25.0),
    ]
    of = f'namespace="f3iai",pod="{NAME}",container!=""'
    assert series.asked[:1] == [f"max by (container) (container_memory_working_set_bytes{{{of}}})"]


@pytest.mark.parametrize("memory", [(None, None), (None,), ()])
def test_a_pod_without_a_limit_is_not_measured(memory: tuple[str | None, ...]) -> None:
    of = of_web()
    of["spec"]["containers"] = limited(*memory)
    series = Series({})
    looking = look(Cluster(of), series)
    assert "usage" not in kinds(pod(looking, "f3iai", NAME))
    assert not any("max by (container)" in asked for asked in series.asked) and looking.gaps == set()


def test_a_pod_that_prometheus_does_not_know_is_a_gap() -> None:
    looking = look(Cluster(of_web()), Series({}))
    assert "usage" not in kinds(pod(looking, "f3iai", NAME))
    assert looking.gaps == {"prometheus_no_series"}


def test_a_pod_that_is_not_ready_is_told_with_its_node_and_one_that_is_has_no_such_fact() -> None:
    ready = [{"type": "Ready", "status": "True"}]
    node = manifest("Node", "w2", "", status={"conditions": ready})
    told_of = told(read(of_web(), *deployed(), node), Readiness)
    assert (told_of.node, told_of.node_ready) == ("w2", True)
    assert "readiness" not in kinds(read(of_web(conditions=ready), *deployed(), node))


def test_a_pod_that_crashed_is_told_with_its_last_words() -> None:
    ended = {"exitCode": 1, "reason": "Error", "message": "no such mode"}
    status = waiting("CrashLoopBackOff", "c0", lastState={"terminated": ended})
    (crash,) = told(read(of_web(containerStatuses=[status])), Crashes).containers
    assert (crash.exit_code, crash.log_end) == (1, ("no such mode",))


def test_the_services_that_lead_to_a_pod_are_told_with_their_endpoints() -> None:
    (health, _) = told(read(of_web(), *deployed()), Services).services
    assert (health.service, health.ready_endpoints) == ("web", 0)
