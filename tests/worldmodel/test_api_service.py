from __future__ import annotations

from typing import Any

from function.shared.facts import DependsOn, Reference, State
from function.shared.symptoms import Services
from function.worldmodel.api_service import api_service
from function.worldmodel.found import Found
from tests.worldmodel.cluster import Cluster, Manifest, kinds, look, manifest, told

NAME = "v1beta1.metrics.k8s.io"
SERVICE = manifest("Service", "metrics", "kube-system", spec={"selector": {"app": "metrics"}})


def api(**service: Any) -> Manifest:
    lacks = {"type": "Available", "status": "False", "reason": "MissingEndpoints", "message": "no endpoints"}
    return manifest("APIService", NAME, "", spec={"service": service}, status={"conditions": [lacks]})


def read(*manifests: Manifest) -> Found:
    looking = look(Cluster(*manifests))
    found = api_service(looking, NAME)
    assert looking.gaps == set()
    return found


def test_an_api_says_why_it_is_down_and_how_its_service_does() -> None:
    found = read(api(name="metrics", namespace="kube-system"), SERVICE)
    own, behind = [fact for fact in found.facts if fact.kind == "state"]
    assert State(**own.data).status == "kube-system/metrics"
    assert State(**own.data).details["conditions"] == ("Available=False MissingEndpoints no endpoints",)
    assert State(**behind.data).details["selector"] == "app=metrics"
    assert told(found, Services).services[0].ready_endpoints == 0
    assert (found.exists, found.namespace) == (True, "kube-system")


def test_an_api_whose_service_is_gone_is_told_without_it() -> None:
    found = read(api(name="metrics", namespace="kube-system"))
    assert told(found, DependsOn).needs == (Reference("Service", "metrics", "kube-system"),)


def test_an_api_of_the_api_server_itself_has_no_service() -> None:
    assert kinds(read(api())) == {"state"}


def test_an_api_that_is_not_there_is_none() -> None:
    assert read() == Found()
