from __future__ import annotations

from collections.abc import Sequence

import pytest

from function.shared.facts import (
    Owners,
    Reference,
)
from function.worldmodel.owners import MAX_CHAIN, owned, owners, workload_of
from tests.harness.fakes import NOW
from tests.worldmodel.cluster import (
    Asked,
    Cluster,
    Manifest,
    look,
    manifest,
)

NOW_SECONDS = NOW.timestamp()


def references(found: Sequence[Reference]) -> list[str]:
    return [f"{each.kind}/{each.name}" for each in found]


def test_the_owners_of_a_pod_end_with_the_workload_that_a_person_works_with() -> None:
    of = manifest("Pod", "web-5d8-x", owner="ReplicaSet/web-5d8")
    cluster = Cluster(
        manifest("ReplicaSet", "web-5d8", owner="Deployment/web"),
        manifest("Deployment", "web", owner="Application/shop"),
    )
    assert owners(look(cluster), of) == [
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
    assert references(owners(looking, manifest("Pod", "x", owner=owner))) == chain
    assert looking.gaps == set()


def test_owners_that_own_each_other_come_to_an_end() -> None:
    ring = [
        manifest("ReplicaSet", "a", owner="ReplicaSet/b"),
        manifest("ReplicaSet", "b", owner="ReplicaSet/a"),
    ]
    cluster = Cluster(*ring)
    assert len(owners(look(cluster), ring[0])) == MAX_CHAIN
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
    assert workload_of(look(Cluster(*held)), manifest("Pod", "x", owner=owner)) == workload


def test_no_owners_are_no_fact() -> None:
    reference = Reference("StatefulSet", "typedb", "f3iai")
    assert (owned([]), owned([reference])) == ([], [Owners((reference,))])
