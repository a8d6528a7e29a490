from __future__ import annotations

from typing import Any

import pytest

from function.worldmodel.quota_users import MAX_USERS, users
from tests.worldmodel.cluster import Manifest, manifest


def pod(name: str, owner: str, phase: str = "Running", **requests: str) -> Manifest:
    containers = [{"name": "main", "resources": {"requests": requests}}, {"name": "proxy"}]
    return manifest("Pod", name, owner=owner, spec={"containers": containers}, status={"phase": phase})


def job(name: str, owner: str = "", **status: Any) -> Manifest:
    return manifest("Job", name, owner=owner, status=status)


PODS = [
    pod("replay-1", "ReplicaSet/replay", memory="2Gi", cpu="100m"),
    pod("ingest-1", "ReplicaSet/ingest", memory="512Mi", cpu="1"),
    pod("ingest-2", "ReplicaSet/ingest", memory="512Mi", cpu="1"),
    pod("done", "Job/done", "Succeeded", memory="9Gi"),
]


@pytest.mark.parametrize(
    ("resource", "told"),
    [
        (
            "requests.memory",
            [
                "ReplicaSet replay: 1 pods, requests.memory 2048Mi",
                "ReplicaSet ingest: 2 pods, requests.memory 1024Mi",
            ],
        ),
        (
            "cpu",
            ["ReplicaSet ingest: 2 pods, requests.cpu 2", "ReplicaSet replay: 1 pods, requests.cpu 0.100"],
        ),
        ("limits.memory", []),
        (
            "pods",
            [
                "ReplicaSet ingest: 2 pods, 0 completed, such as ingest-1",
                "ReplicaSet replay: 1 pods, 0 completed, such as replay-1",
            ],
        ),
        ("services", []),
    ],
)
def test_the_owners_of_pods_that_use_the_most_come_first(resource: str, told: list[str]) -> None:
    assert users(resource, PODS, []) == told


def test_jobs_are_counted_by_owner_with_those_that_have_ended() -> None:
    jobs = [job("compact-1", completionTime="x"), job("compact-2", completionTime="x"), job("r", "CronJob/r")]
    assert users("count/jobs.batch", [], jobs) == [
        "no owner: 2 Jobs, 2 completed, such as compact-1",
        "CronJob r: 1 Jobs, 0 completed, such as r",
    ]


def test_of_many_users_only_some_are_told() -> None:
    many = [pod(f"p{number}", f"Job/j{number}") for number in range(MAX_USERS + 3)]
    assert len(users("pods", many, [])) == MAX_USERS
