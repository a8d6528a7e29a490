from __future__ import annotations

from typing import Any

import pytest

from function.worldmodel.placing import MAX_CLAIMS, volumes
from tests.worldmodel.cluster import Cluster, Manifest, look, manifest, pod_spec

ZONE = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["eu-1b"]}


def pod(*claims: str, **spec: Any) -> Manifest:
    return manifest("Pod", "kafka-1", spec={**pod_spec(*claims), **spec})


def claim(volume: str = "", phase: str = "Pending") -> Manifest:
    spec = {"storageClassName": "ceph-rdb", **({"volumeName": volume} if volume else {})}
    return manifest("PersistentVolumeClaim", "data", spec=spec, status={"phase": phase})


def volume(*terms: Any) -> Manifest:
    affinity = {"nodeAffinity": {"required": {"nodeSelectorTerms": [*terms]}}} if terms else {}
    return manifest("PersistentVolume", "pv-1", "", spec=affinity)


@pytest.mark.parametrize(
    ("manifests", "told"),
    [
        ([], "data does not exist"),
        ([claim()], "data is Pending, its storage class is ceph-rdb"),
        ([claim("pv-1"), volume()], "data is pv-1, which needs no node"),
        (
            [claim("pv-1"), volume({"matchExpressions": [ZONE]})],
            "data is pv-1, which needs a node with topology.kubernetes.io/zone in eu-1b",
        ),
    ],
)
def test_a_pod_without_a_node_says_what_its_claims_wait_for_or_need(
    manifests: list[Manifest], told: str
) -> None:
    assert volumes(look(Cluster(*manifests)), pod("data")) == [told]


def test_a_pod_with_a_node_is_not_asked_about() -> None:
    cluster = Cluster(claim())
    assert volumes(look(cluster), pod("data", nodeName="w1")) == []
    assert cluster.asked == []


def test_of_many_claims_only_some_are_read() -> None:
    cluster = Cluster()
    assert len(volumes(look(cluster), pod(*(f"data-{number}" for number in range(9))))) == MAX_CLAIMS
    assert len(cluster.asked) == MAX_CLAIMS
