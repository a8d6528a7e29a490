from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.worldmodel.kinds import KINDS, NAMES, type_of


@pytest.mark.parametrize(
    ("name", "resource_type"),
    {
        "Pod": "k8s_pod",
        "pods": "k8s_pod",
        "PODS": "k8s_pod",
        "PersistentVolumeClaim": "k8s_pvc",
        "persistentvolumeclaims": "k8s_pvc",
        "k8s_persistentvolumeclaim": "k8s_pvc",
        "pvc": "k8s_pvc",
        "K8S_PVC": "k8s_pvc",
        "deploy": "k8s_deployment",
        "nodes": "k8s_node",
        "Job": "k8s_job",
        "jobs": "k8s_job",
    }.items(),
)
def test_a_kind_is_known_by_its_kubernetes_names(name: str, resource_type: str) -> None:
    assert type_of(name) == resource_type


@pytest.mark.parametrize("name", ["", "ceph", "host", "k8s_rollout", "unknown_k8s_pod", "job", "service"])
def test_what_an_alert_calls_otherwise_stays_as_it_is(name: str) -> None:
    assert type_of(name) == name


@given(st.sampled_from([*NAMES]) | st.text())
def test_a_type_is_its_own_name(name: str) -> None:
    assert type_of(type_of(name)) == type_of(name)


def test_every_kind_has_names_and_no_name_is_of_two_kinds() -> None:
    assert {*NAMES.values()} == {*KINDS}
    for resource_type, (kind, _) in KINDS.items():
        assert NAMES[kind.lower()] == resource_type
    shorts = [short for _, short in KINDS.values() if short]
    assert len(shorts) == len({*shorts})
