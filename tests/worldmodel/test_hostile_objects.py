from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.shared.prometheus import Sample
from function.worldmodel.api_service import api_service
from function.worldmodel.autoscaler import autoscaler
from function.worldmodel.cronjob import cronjob
from function.worldmodel.found import Found
from function.worldmodel.namespace import namespace
from function.worldmodel.network import ingress as read_ingress
from function.worldmodel.network import service
from function.worldmodel.node import node
from function.worldmodel.objects import Listing, Object
from function.worldmodel.pod import pod
from function.worldmodel.pvc import claim
from function.worldmodel.quotas import quota
from function.worldmodel.reader import Look
from function.worldmodel.surroundings import surroundings
from function.worldmodel.workload import workload as read_workload
from tests.harness.fakes import NOW
from tests.worldmodel.cluster import (
    Cluster,
    Key,
    Series,
    incident,
    ingress,
    key,
    look,
    manifest,
    pod_spec,
    running,
    workload,
)

NOW_SECONDS = NOW.timestamp()


Reader = Callable[[Look], Found]


def around(look: Look) -> Found:
    found = Found(exists=True)
    found.extend(surroundings(look, "f3iai", Found()))
    return found


READERS: dict[str, Reader] = {
    "claim": lambda look: claim(look, "f3iai", "typedb-data"),
    "pod": lambda look: pod(look, "f3iai", "web-5d8-x"),
    "deployment": lambda look: read_workload(look, "Deployment", "f3iai", "web"),
    "stateful set": lambda look: read_workload(look, "StatefulSet", "f3iai", "typedb"),
    "job": lambda look: read_workload(look, "Job", "f3iai", "backup"),
    "node": lambda look: node(look, "fmc-worker-2"),
    "namespace": lambda look: namespace(look, "f3iai"),
    "cron job": lambda look: cronjob(look, "f3iai", "backup"),
    "autoscaler": lambda look: autoscaler(look, "f3iai", "web"),
    "service": lambda look: service(look, "f3iai", "typedb"),
    "ingress": lambda look: read_ingress(look, "f3iai", "web"),
    "surroundings": around,
    "API": lambda look: api_service(look, "v1.x.k8s.io"),
    "quota": lambda look: quota(look, "f3iai", "storage"),
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
    manifest("APIService", "v1.x.k8s.io", "", spec={"service": {"name": "typedb", "namespace": "f3iai"}}),
    ingress("web", "web", default="typedb"),
    workload("CronJob", "backup", {"app": "backup"}, pod_spec(), schedule="@daily"),
    manifest(
        "EndpointSlice",
        "typedb",
        labels={"kubernetes.io/service-name": "typedb"},
        endpoints=[{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}],
    ),
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
