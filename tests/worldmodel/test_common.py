from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from function.shared.facts import (
    MAX_LIST,
    Dependent,
    DependsOn,
    DisruptionBudget,
    Limits,
    Owners,
    Quota,
    Reference,
    Replicas,
)
from function.shared.prometheus import Sample
from function.shared.text import MAX_TEXT
from function.worldmodel import common
from function.worldmodel.common import MAX_CHAIN, MAX_EVENTS, Found
from function.worldmodel.namespace import namespace
from function.worldmodel.node import node
from function.worldmodel.objects import Listing, Object
from function.worldmodel.pod import pod
from function.worldmodel.pvc import claim
from function.worldmodel.reader import Look
from function.worldmodel.workload import workload as read_workload
from tests.fakes import NOW
from tests.worldmodel.cluster import (
    TYPEDB,
    Asked,
    Cluster,
    Key,
    Manifest,
    Series,
    event,
    incident,
    key,
    look,
    manifest,
    pod_spec,
    running,
    workload,
)

NOW_SECONDS = NOW.timestamp()


def test_a_state_leaves_out_what_has_no_value_and_keeps_what_is_nought_or_false() -> None:
    of = manifest("Pod", "x")
    told = common.state(of, NOW_SECONDS, "Running", a=None, b=[], c="", d=0, e=False, f="x", g=["y"])
    assert told.status == "Running"
    assert told.details == {"made": "28 days ago", "d": 0, "e": False, "f": "x", "g": ("y",)}


def test_a_state_tells_the_conditions_that_are_not_as_they_should_be() -> None:
    of = manifest("Pod", "x", status={"conditions": [{"type": "Ready", "status": "False"}]})
    assert common.state(of, NOW_SECONDS, "Running").details["conditions"] == ("Ready=False",)


def test_long_texts_and_lists_of_a_state_are_cut() -> None:
    long = "x" * 999
    told = common.state(manifest("Pod", "x"), NOW_SECONDS, long, text=long, texts=[long] * 99)
    texts = told.details["texts"]
    assert isinstance(texts, tuple) and len(texts) == MAX_LIST
    assert texts[-1] == "and 80 more"
    for text in (told.status, told.details["text"], *texts[:-1]):
        assert isinstance(text, str) and len(text) == MAX_TEXT and text.endswith("[cut]")


@pytest.mark.parametrize(
    ("count", "length", "last"),
    [(0, 0, ""), (MAX_LIST, MAX_LIST, f"{MAX_LIST - 1}"), (MAX_LIST + 1, MAX_LIST, "and 2 more")],
)
def test_a_list_says_how_many_it_leaves_out(count: int, length: int, last: str) -> None:
    some = common.some([str(number) for number in range(count)])
    assert (len(some), "".join(some[-1:])) == (length, last)


def test_a_state_says_that_the_object_is_being_deleted() -> None:
    of = manifest("PersistentVolumeClaim", "x")
    assert "being_deleted" not in common.state(of, NOW_SECONDS, "Bound").details
    of["metadata"]["deletionTimestamp"] = "2026-03-29T03:00:00Z"
    assert common.state(of, NOW_SECONDS, "Bound").details["being_deleted"] is True


def test_events_are_asked_by_the_object_they_are_about() -> None:
    about = [event(of, of, "2026-03-29T03:00:00Z") for of in ("Pod/a", "Pod/b", "Service/a")]
    elsewhere = event("Pod/a", "Pod/a", "2026-03-29T03:00:00Z", "shop")
    cluster = Cluster(*about, elsewhere)
    assert [*common.events(look(cluster), "Pod", "a", "f3iai")()] == [about[0]]
    fields = "involvedObject.kind=Pod,involvedObject.name=a"
    assert cluster.asked == [Asked("Event", "f3iai", fields=fields)]


def test_happenings_are_the_newest_first_and_the_others_are_counted() -> None:
    found = [
        event(f"e{minute}", "Pod/x", f"2026-03-29T02:{minute:02}:00Z", reason=str(minute))
        for minute in range(13)
    ]
    told = common.happenings([*found[6:], *found[:6]], NOW_SECONDS)
    assert [each.reason for each in told.events] == [str(minute) for minute in range(12, 2, -1)]
    assert (len(told.events), told.more) == (MAX_EVENTS, 3)


def test_few_happenings_leave_nothing_out() -> None:
    assert common.happenings([], NOW_SECONDS).events == ()
    assert common.happenings([event("e", "Pod/x", "2026-03-29T02:10:00Z")], NOW_SECONDS).more == 0


def test_a_happening_tells_what_the_event_says() -> None:
    said: Manifest = {"type": "Warning", "reason": "BackOff", "message": "Back-off restarting", "count": 7}
    (told,) = common.happenings([event("e", "Pod/x", "2026-03-29T02:30:00Z", **said)], NOW_SECONDS).events
    assert vars(told) == {**said, "subject": "Pod/x", "ago": "40 minutes ago"}


@pytest.mark.parametrize(
    ("parts", "count", "ago"),
    [
        ({}, 1, "28 days ago"),
        ({"lastTimestamp": "2026-03-29T02:10:00Z", "count": 3}, 3, "1 hour ago"),
        ({"eventTime": "2026-03-29T01:10:00.123456Z"}, 1, "1 hour ago"),
        ({"series": {"count": 4, "lastObservedTime": "2026-03-29T03:09:00.000000Z"}}, 4, "1 minute ago"),
        (
            {
                "series": {"count": 4, "lastObservedTime": "2026-03-29T03:00:00.000000Z"},
                "lastTimestamp": "2026-03-28T03:00:00Z",
                "eventTime": "2026-03-27T03:00:00.000000Z",
                "count": None,
            },
            4,
            "10 minutes ago",
        ),
        ({"lastTimestamp": "2026-03-29T04:10:00Z", "message": None, "reason": None}, 1, "just now"),
    ],
)
def test_the_count_and_the_time_of_an_event_are_those_of_its_last_sight(
    parts: Manifest, count: int, ago: str
) -> None:
    (told,) = common.happenings([manifest("Event", "e", **parts)], NOW_SECONDS).events
    assert (told.count, told.ago) == (count, ago)
    assert (told.subject, told.type, told.reason, told.message) == ("/", "", "", "")


def test_what_an_event_says_is_cut() -> None:
    parts = {"type": "x" * 999, "reason": "x" * 999, "message": "x" * 999}
    about = {"kind": "x" * 999, "name": "y"}
    found = manifest("Event", "e", involvedObject=about, **parts)
    (told,) = common.happenings([found], NOW_SECONDS).events
    assert {len(text) for text in (told.subject, told.type, told.reason, told.message)} == {MAX_TEXT}


def references(found: Sequence[Reference]) -> list[str]:
    return [f"{each.kind}/{each.name}" for each in found]


def test_the_owners_of_a_pod_end_with_the_workload_that_a_person_works_with() -> None:
    of = manifest("Pod", "web-5d8-x", owner="ReplicaSet/web-5d8")
    cluster = Cluster(
        manifest("ReplicaSet", "web-5d8", owner="Deployment/web"),
        manifest("Deployment", "web", owner="Application/shop"),
    )
    assert common.owners(look(cluster), of) == [
        Reference("ReplicaSet", "web-5d8", "f3iai"),
        Reference("Deployment", "web", "f3iai"),
    ]
    assert cluster.asked == [Asked("ReplicaSet", "f3iai", "web-5d8")]


@pytest.mark.parametrize(
    ("owner", "held", "chain"),
    [
        ("", [], []),
        ("StatefulSet/typedb", [], ["StatefulSet/typedb"]),
        ("Cluster/kafka", [], ["Cluster/kafka"]),
        ("ReplicaSet/gone", [], ["ReplicaSet/gone"]),
        ("Job/backup-1", [manifest("Job", "backup-1")], ["Job/backup-1"]),
        (
            "Job/backup-1",
            [manifest("Job", "backup-1", owner="CronJob/backup")],
            ["Job/backup-1", "CronJob/backup"],
        ),
    ],
)
def test_the_owners_are_told_as_far_as_they_are_known(
    owner: str, held: list[Manifest], chain: list[str]
) -> None:
    looking = look(Cluster(*held))
    assert references(common.owners(looking, manifest("Pod", "x", owner=owner))) == chain
    assert looking.gaps == set()


def test_owners_that_own_each_other_come_to_an_end() -> None:
    ring = [
        manifest("ReplicaSet", "a", owner="ReplicaSet/b"),
        manifest("ReplicaSet", "b", owner="ReplicaSet/a"),
    ]
    cluster = Cluster(*ring)
    assert len(common.owners(look(cluster), ring[0])) == MAX_CHAIN
    assert len(cluster.asked) == MAX_CHAIN


@pytest.mark.parametrize(
    ("owner", "workload"),
    [
        ("", Reference("Pod", "x", "f3iai")),
        ("Node/w2", Reference("Pod", "x", "f3iai")),
        ("StatefulSet/typedb", Reference("StatefulSet", "typedb", "f3iai")),
        ("ReplicaSet/web-5d8", Reference("Deployment", "web", "f3iai")),
        ("ReplicaSet/gone", Reference("ReplicaSet", "gone", "f3iai")),
        ("Cluster/db", Reference("Cluster", "db", "f3iai")),
    ],
)
def test_behind_a_pod_stands_its_outermost_owner_or_itself(owner: str, workload: Reference) -> None:
    held = [manifest("ReplicaSet", "web-5d8", owner="Deployment/web"), manifest("Node", "w2", "")]
    assert common.workload(look(Cluster(*held)), manifest("Pod", "x", owner=owner)) == workload


def test_no_owners_are_no_fact() -> None:
    reference = Reference("StatefulSet", "typedb", "f3iai")
    assert (common.owned([]), common.owned([reference])) == ([], [Owners((reference,))])


def test_what_surrounds_a_namespace_is_asked_for_once_and_in_it_alone() -> None:
    cluster = Cluster()
    common.around(look(cluster), "f3iai")
    kinds = ["Service", "Ingress", "PodDisruptionBudget", "ResourceQuota"]
    assert cluster.asked == [Asked(kind, "f3iai") for kind in kinds]


def ingress(name: str, *services: str, default: str = "") -> Manifest:
    """An Ingress that leads to these Services by paths, and to another where none fits."""
    paths = [{"path": f"/{each}", "backend": {"service": {"name": each}}} for each in services]
    backend = {"defaultBackend": {"service": {"name": default}}} if default else {}
    return manifest("Ingress", name, spec={"rules": [{"host": "x"}, {"http": {"paths": paths}}], **backend})


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
    assert [*common.clients(TYPEDB, common.around(looking, "f3iai"))] == [
        Dependent("Service", "typedb", "f3iai", "leads to its pods"),
        Dependent("Ingress", "by-path", "f3iai", "leads to one of its Services"),
        Dependent("Ingress", "by-default", "f3iai", "leads to one of its Services"),
    ]


def test_pods_without_labels_have_no_clients() -> None:
    cluster = Cluster(manifest("Service", "typedb", spec={"selector": TYPEDB}), ingress("x", "typedb"))
    assert [*common.clients({}, common.around(look(cluster), "f3iai"))] == []


def test_dependents_count_once_each_and_the_first_reason_stands() -> None:
    several = [
        Dependent("StatefulSet", "typedb", "f3iai", "mounts it"),
        Dependent("Service", "typedb", "f3iai", "leads to its pods"),
        Dependent("StatefulSet", "typedb", "shop", "is in another namespace"),
        Dependent("Service", "typedb", "f3iai", "again"),
    ]
    told = common.dependents(several)
    assert told.count == 3
    assert set(told.dependents) == set(several[:3])


def test_dependents_keep_their_order() -> None:
    several = [Dependent("Service", name, "f3iai", "why") for name in ("b", "a", "c")]
    assert [*common.dependents(iter(several)).dependents] == several


def test_all_dependents_are_counted_and_a_few_are_told() -> None:
    many = [Dependent("Service", str(number), "f3iai", "why") for number in range(MAX_LIST + 5)]
    told = common.dependents(many)
    assert (told.count, [*told.dependents]) == (MAX_LIST + 5, many[:MAX_LIST])


def test_what_is_needed_is_told_once_and_what_is_left_out_is_counted() -> None:
    needs = [Reference("Secret", str(number), "f3iai") for number in range(MAX_LIST + 5)]
    assert common.depends_on(needs + needs) == DependsOn(tuple(needs[:MAX_LIST]), more=5)
    assert common.depends_on(needs[:2]) == DependsOn(tuple(needs[:2]), more=0)


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
    near = common.around(look(cluster), "f3iai")
    assert common.limits(near, [TYPEDB]) == Limits(
        quotas, (DisruptionBudget("typedb", 1), DisruptionBudget("exists", 0), DisruptionBudget("all", 2))
    )
    assert common.limits(near, [{}]) == Limits(quotas, (DisruptionBudget("all", 2),))
    assert common.limits(near) == Limits(quotas, ())
    assert common.limits(near, counts=lambda resource: "storage" in resource) == Limits(quotas[:1], ())


def test_limits_are_cut() -> None:
    many = [budget(f"b{number}", {}) for number in range(MAX_LIST + 5)]
    hard = {f"count/x{number}": "1" for number in range(MAX_LIST + 5)}
    cluster = Cluster(*many, manifest("ResourceQuota", "team", status={"hard": hard}))
    told = common.limits(common.around(look(cluster), "f3iai"), [{}])
    assert (len(told.quotas), told.more, len(told.disruption_budgets)) == (MAX_LIST, 5, MAX_LIST)


def test_the_fullest_quotas_are_told_first_and_so_never_cut() -> None:
    hard = {f"a{number:02}": "100" for number in range(MAX_LIST)} | {"requests.storage": "100Gi"}
    quota = manifest("ResourceQuota", "team", status={"hard": hard, "used": {"requests.storage": "99Gi"}})
    told = common.limits(common.around(look(Cluster(quota)), "f3iai"))
    assert (told.quotas[0].resource, told.more) == ("requests.storage", 1)


def test_quotas_are_told_the_fullest_first_whatever_their_unit() -> None:
    hard = {"cpu": "2", "memory": "1Gi", "pods": "10", "services": "0", "secrets": "1"}
    used = {"cpu": "1500m", "memory": "512Mi", "pods": "9"}
    cluster = Cluster(
        manifest("ResourceQuota", "b", status={"hard": hard, "used": used}),
        manifest("ResourceQuota", "a", status={"hard": {"pods": "20"}, "used": {"pods": "18"}}),
    )
    told = common.limits(common.around(look(cluster), "f3iai")).quotas
    assert [(each.name, each.resource) for each in told] == [
        ("b", "services"),
        ("a", "pods"),
        ("b", "pods"),
        ("b", "cpu"),
        ("b", "memory"),
        ("b", "secrets"),
    ]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicaSet"])
@pytest.mark.parametrize(
    ("spec", "status", "replicas"),
    [
        ({"replicas": 3}, {"readyReplicas": 2, "availableReplicas": 1}, Replicas(3, 2, 1)),
        ({"replicas": 0}, {"replicas": 0}, Replicas(0, 0, 0)),
        ({}, {"readyReplicas": 1, "availableReplicas": 1}, Replicas(1, 1, 1)),
        ({"replicas": 2}, {}, Replicas(2, 0, 0)),
    ],
)
def test_replicas_by_kind(kind: str, spec: Manifest, status: Manifest, replicas: Replicas) -> None:
    assert common.replicas(manifest(kind, "x", spec=spec, status=status)) == replicas


def test_a_daemon_set_counts_the_nodes_it_should_run_on() -> None:
    status = {"desiredNumberScheduled": 3, "numberReady": 2, "numberAvailable": 1, "readyReplicas": 9}
    assert common.replicas(manifest("DaemonSet", "x", status=status)) == Replicas(3, 2, 1)
    assert common.replicas(manifest("DaemonSet", "x")) == Replicas(0, 0, 0)


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
    (change,) = common.rollout(look(cluster), of)()
    assert change.what == f"the newest revision of {kind} typedb was made (2 are kept)"
    assert change.ago == "2 days ago"
    assert cluster.asked == [Asked(revision, "f3iai", labels="app=typedb", metadata=True)]


def test_a_workload_without_revisions_tells_of_no_rollout() -> None:
    assert common.rollout(look(Cluster()), workload("Deployment", "web", {"app": "web"}, pod_spec()))() == []


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
    assert common.rollout(look(cluster), of)() == [] and cluster.asked == []


Reader = Callable[[Look], Found]
READERS: dict[str, Reader] = {
    "claim": lambda look: claim(look, "f3iai", "typedb-data"),
    "pod": lambda look: pod(look, "f3iai", "web-5d8-x"),
    "deployment": lambda look: read_workload(look, "Deployment", "f3iai", "web"),
    "stateful set": lambda look: read_workload(look, "StatefulSet", "f3iai", "typedb"),
    "job": lambda look: read_workload(look, "Job", "f3iai", "backup"),
    "node": lambda look: node(look, "fmc-worker-2"),
    "namespace": lambda look: namespace(look, "f3iai"),
}
LIMITED = {"resources": {"limits": {"memory": "1Gi"}}}
WEB = {"app": "web"}
TARGET = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "minReplicas": 2, "maxReplicas": 5}
WORLD = [
    *incident(),
    workload("Deployment", "web", WEB, pod_spec(), replicas=1),
    manifest("ReplicaSet", "web-5d8", owner="Deployment/web", labels=WEB),
    manifest(
        "Pod",
        "web-5d8-x",
        owner="ReplicaSet/web-5d8",
        labels=WEB,
        spec={"nodeName": "fmc-worker-2", "containers": [{"name": "main", "image": "web:1", **LIMITED}]},
        status={"phase": "Running", "containerStatuses": [running()]},
    ),
    manifest("HorizontalPodAutoscaler", "web", spec=TARGET),
    workload("Job", "backup", {"app": "backup"}, pod_spec()),
    manifest(
        "Node",
        "fmc-worker-2",
        "",
        spec={"taints": [{"key": "a", "effect": "NoSchedule"}]},
        status={
            "allocatable": {"memory": "16Gi", "cpu": "4"},
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"kubeletVersion": "v1.36.3"},
        },
    ),
    ingress("web", "web", default="typedb"),
]
MEMORY = {"container_memory": [Sample({}, 2.0**29)]}
FORESEEN = (KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What function/worldmodel/context.py makes a gap of."""

Place = tuple[Any, ...]
"""Keys and indices that lead to one part of an object."""
Change = tuple[tuple[Key, Place], Any]
"""What stands at a place of an object afterwards."""
REMOVED = "remove it"
JUNK: tuple[Any, ...] = (
    REMOVED,
    None,
    True,
    -1,
    1.5,
    2**70,
    "",
    "x",
    "9" * 99,
    [],
    [None],
    ["x"],
    {},
    {"x": None},
)


def places(of: Any, at: Place = ()) -> Iterator[Place]:
    """The place of every part of an object."""
    parts: Any = of.items() if isinstance(of, dict) else enumerate(of) if isinstance(of, list) else ()
    for step, part in parts:
        yield (*at, step)
        yield from places(part, (*at, step))


class Spoilt(Cluster):
    """Chooses what it holds by what it was, answers with what became of it, remembers what it told."""

    def __init__(self, changes: Sequence[Change]) -> None:
        super().__init__(*WORLD)
        self._spoilt = {of: copy.deepcopy(self._held[of]) for (of, _), _ in changes}
        self.told: set[Key] = set()
        for (of, place), junk in changes:
            spoil(self._spoilt[of], place, junk)

    def get(self, kind: str, name: str, namespace: str = "") -> Object | None:
        found = super().get(kind, name, namespace)
        return self._became(found) if found else None

    def list(self, kind: str, namespace: str = "", **selectors: Any) -> Listing:
        found = super().list(kind, namespace, **selectors)
        items = [{**self._became(each), "kind": kind} for each in found.items]
        return Listing(items, found.whole)

    def _became(self, found: Object) -> Object:
        self.told.add(key(found))
        return self._spoilt.get(key(found), found)


def spoil(of: Any, place: Place, junk: Any) -> None:
    """Puts junk at a place, unless an earlier change took the place away."""
    *way, last = place
    with contextlib.suppress(KeyError, IndexError, TypeError):
        for step in way:
            of = of[step]
        if junk == REMOVED:
            del of[last]
        else:
            of[last] = copy.deepcopy(junk)


def places_read(reader: str) -> list[tuple[Key, Place]]:
    """The place of every part of every object that the reader is told of."""
    cluster = Spoilt([])
    READERS[reader](look(cluster, Series(MEMORY)))
    return [(key(each), place) for each in WORLD if key(each) in cluster.told for place in places(each)]


PLACES = {reader: places_read(reader) for reader in READERS}


@pytest.mark.parametrize("reader", READERS)
@given(data=st.data())
@settings(deadline=None, max_examples=100)
def test_an_object_of_whatever_shape_is_read_or_refused_in_a_way_that_was_foreseen(
    reader: str, data: st.DataObject
) -> None:
    change = st.tuples(st.sampled_from(PLACES[reader]), st.sampled_from(JUNK))
    changes = data.draw(st.lists(change, min_size=1, max_size=3))
    looking = look(Spoilt(changes), Series(MEMORY))
    try:
        found = READERS[reader](looking)
    except FORESEEN:
        return
    assert found.exists


@pytest.mark.parametrize("reader", READERS)
def test_objects_as_they_should_be_are_read_without_a_gap(reader: str) -> None:
    looking = look(Spoilt([]), Series(MEMORY))
    assert READERS[reader](looking).exists
    assert looking.gaps <= {"prometheus_no_series"}
