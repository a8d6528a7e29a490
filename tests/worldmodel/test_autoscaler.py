from __future__ import annotations

from function.shared.facts import Dependents, Replicas
from function.shared.symptoms import Scaling
from function.worldmodel.autoscaler import autoscaler
from function.worldmodel.found import Found
from function.worldmodel.scaling import scaling
from tests.worldmodel.cluster import Cluster, kinds, look, pod_spec, told, workload
from tests.worldmodel.cluster import autoscaler as scaler


def test_an_autoscaler_as_a_subject_comes_with_the_workload_that_it_scales() -> None:
    of = workload("Deployment", "web", {"app": "web"}, pod_spec(), replicas=5)
    found = autoscaler(look(Cluster(scaler(), of)), "f3iai", "web")
    assert told(found, Scaling) == scaling(scaler())
    assert told(found, Replicas).desired == 5
    assert max(each.data["count"] for each in found.facts if each.kind == "dependents") == 1
    assert found.watched == {"minimum": "2", "maximum": "5"}


def test_an_autoscaler_of_a_custom_resource_is_told_alone() -> None:
    found = autoscaler(look(Cluster(scaler("Rollout"))), "f3iai", "web")
    assert {"state", "scaling", "dependents"} <= kinds(found)
    assert told(found, Dependents).count == 1


def test_an_autoscaler_that_is_not_there_is_none() -> None:
    assert autoscaler(look(Cluster()), "f3iai", "web") == Found()
