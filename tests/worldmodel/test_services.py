from __future__ import annotations

from typing import Any

from function.shared.errors import Unavailable
from function.shared.symptoms import ServiceHealth, ServicePort, Services
from function.worldmodel.services import MAX_SERVICES, endpoints, selecting, services
from tests.worldmodel.cluster import Cluster, Manifest, look, manifest, pod_spec

WEB = {"app": "web"}


def service(name: str, selector: Any = None, *ports: Manifest, **spec: Any) -> Manifest:
    return manifest("Service", name, spec={"selector": selector or WEB, "ports": [*ports], **spec})


def slice_of(service: str, *ready: bool | None, name: str = "a") -> Manifest:
    found = [
        {
            "addresses": [f"10.0.0.{number}"],
            "targetRef": {"name": f"p{number}"},
            "conditions": {"ready": each},
        }
        for number, each in enumerate(ready)
    ]
    labels = {"kubernetes.io/service-name": service}
    return manifest("EndpointSlice", f"{service}-{name}", labels=labels, endpoints=found)


def pod(*ports: Manifest) -> Manifest:
    spec = pod_spec()
    spec["containers"][0]["ports"] = [*ports]
    return manifest("Pod", "web-1", labels=WEB, spec=spec)


def told(*manifests: Manifest, pods: list[Manifest] | None = None) -> list[Services]:
    cluster = Cluster(*manifests)
    counted = endpoints(look(cluster), "f3iai")()
    listed = [each for each in manifests if each["kind"] == "Service"]
    return services(listed, counted, selecting([WEB]), pods or [])


def test_a_service_is_told_with_its_endpoints_and_ports() -> None:
    ports: list[Manifest] = [
        {"port": 80, "targetPort": "http"},
        {"port": 81, "targetPort": 8081},
        {"port": 82},
    ]
    found = told(
        service("web", WEB, *ports),
        slice_of("web", True, None, False),
        pods=[pod({"name": "web", "containerPort": 8081})],
    )
    health = ServiceHealth(
        "web",
        2,
        1,
        (ServicePort(80, "http", False), ServicePort(81, "8081", True), ServicePort(82, "82", False)),
    )
    assert found == [Services((health,))]


def test_a_pod_in_two_slices_is_one_endpoint() -> None:
    (found,) = told(service("web"), slice_of("web", True), slice_of("web", True, name="b"))
    assert found.services[0].ready_endpoints == 1


def test_a_service_of_the_namespace_without_ready_endpoints_is_told_after_those_that_lead_here() -> None:
    database = service("database", {"app": "database"}, {"port": 5432})
    well = service("well", {"app": "well"})
    (found,) = told(database, well, service("web"), slice_of("well", True), slice_of("database", False))
    assert [(each.service, each.ready_endpoints) for each in found.services] == [("web", 0), ("database", 0)]
    assert found.services[1].ports[0].declared is None


def test_a_service_that_selects_nothing_or_leads_outside_needs_no_endpoints() -> None:
    outside = service("outside", {"app": "x"}, type="ExternalName")
    by_hand = manifest("Service", "by-hand", spec={})
    assert told(outside, by_hand) == []


def test_where_endpoints_cannot_be_read_nothing_is_said_of_them() -> None:
    forbidden = Unavailable("kubernetes_forbidden", "may not read them")
    looking = look(Cluster(service("web"), failing={"EndpointSlice": forbidden}))
    counted = endpoints(looking, "f3iai")()
    assert services([service("web")], counted, selecting([WEB]), []) == []
    assert looking.gaps == {"kubernetes_forbidden"}


def test_of_many_services_the_first_are_told_and_the_others_counted() -> None:
    (found,) = told(*(service(f"s{number}") for number in range(MAX_SERVICES + 3)))
    assert (len(found.services), found.more) == (MAX_SERVICES, 3)
