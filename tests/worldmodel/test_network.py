from __future__ import annotations

from function.shared.facts import Dependents, State
from function.shared.prometheus import Sample
from function.shared.symptoms import Services, Targets
from function.worldmodel.found import Found
from function.worldmodel.network import ingress as read_ingress
from function.worldmodel.network import service
from tests.worldmodel.cluster import (
    Cluster,
    Manifest,
    Series,
    ingress,
    look,
    manifest,
    pod_spec,
    running,
    told,
)

WEB = {"app": "web"}


def shop() -> list[Manifest]:
    spec = {"selector": WEB, "ports": [{"port": 80, "targetPort": "htpp"}], "type": "ClusterIP"}
    containers = [{"name": "main", "ports": [{"name": "http", "containerPort": 80}]}]
    status = {"phase": "Running", "containerStatuses": [running(ready=False)]}
    return [
        manifest("Service", "web", spec=spec),
        manifest("Pod", "web-1", labels=WEB, spec={**pod_spec(), "containers": containers}, status=status),
        ingress("shop", "web", "gone"),
    ]


def test_a_service_is_told_with_its_endpoints_ports_targets_and_pods() -> None:
    up = [Sample({"instance": "10.0.0.1:80", "job": "web"}, 0.0)]
    looking = look(Cluster(*shop()), Series({"up{": up}))
    found = service(looking, "f3iai", "web")
    state = told(found, State)
    assert (state.status, state.details["pods"]) == ("ClusterIP", 1)
    assert state.details["troubles"] == ("web-1 main: running, not ready",)
    (health,) = told(found, Services).services
    assert (health.ready_endpoints, health.ports[0].declared) == (0, False)
    assert (told(found, Targets).up, told(found, Targets).down) == (0, 1)
    assert told(found, Dependents).count == 1
    assert looking.gaps == set()


def test_an_ingress_is_told_with_the_services_that_it_needs_and_lacks() -> None:
    found = read_ingress(look(Cluster(*shop())), "f3iai", "shop")
    assert told(found, State).details["missing_backends"] == ("gone",)
    assert [each.service for each in told(found, Services).services] == ["web"]


def test_what_is_not_there_is_none() -> None:
    for read in (service, read_ingress):
        assert read(look(Cluster()), "f3iai", "gone") == Found()


def test_a_service_that_selects_no_pod_tells_the_pods_that_it_may_have_meant() -> None:
    pods = [
        manifest("Pod", "invoice-1", labels={"name": "invoice"}, status={"phase": "Running"}),
        manifest("Pod", "other", labels={"name": "other"}),
    ]
    of = manifest("Service", "invoice", spec={"selector": {"app": "invoice"}, "ports": []})
    found = service(look(Cluster(of, *pods)), "f3iai", "invoice")
    assert told(found, State).details["pods_alike"] == ("invoice-1 is Running with name=invoice",)
