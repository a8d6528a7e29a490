"""Whether Services can be reached: their ready endpoints, and the ports to which they lead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from function.shared.symptoms import ServiceHealth, ServicePort, Services
from function.shared.text import cut
from function.worldmodel import objects
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look

MAX_SERVICES = 10
MAX_PORTS = 10
SERVICE = "kubernetes.io/service-name"
"""The label of an EndpointSlice with the name of its Service."""


def endpoints(look: Look, namespace: str) -> Callable[[], Mapping[str, Counter[bool]] | None]:
    """Requests the EndpointSlices. Returns a function that counts the ready and the other endpoints of each
    Service. It returns None if they could not be read."""
    listed = look.list("EndpointSlice", namespace)

    def counted() -> Mapping[str, Counter[bool]] | None:
        slices = listed()
        if any(gap == "too_many" or gap.startswith("kubernetes_") for gap in look.gaps):
            return None
        return count(slices)

    return counted


def count(slices: Iterable[Object]) -> Mapping[str, Counter[bool]]:
    """Counts the ready and the other endpoints of each Service."""
    ready: dict[str, dict[str, bool]] = {}
    for each in slices:
        of = ready.setdefault(objects.labels(each).get(SERVICE, ""), {})
        for endpoint in each.get("endpoints") or ():
            # A pod with two addresses is in two slices. A missing condition counts as ready.
            of[_identity(endpoint)] = (endpoint.get("conditions") or {}).get("ready") is not False
    return {service: Counter(of.values()) for service, of in ready.items()}


def _identity(endpoint: Mapping[str, Any]) -> str:
    return (endpoint.get("targetRef") or {}).get("name") or str((endpoint.get("addresses") or [""])[0])


def services(
    listed: Iterable[Object],
    counted: Mapping[str, Counter[bool]] | None,
    leads: Callable[[Object], bool],
    pods: Sequence[Object],
) -> list[Services]:
    """Returns the fact about the Services that lead to the resource, and about those of its namespace without
    a ready endpoint. `pods` are pods or workloads: they say which ports there are."""
    if counted is None:
        return []
    own, broken = [], []
    for service in listed:
        if objects.spec(service).get("type") == "ExternalName":
            continue
        if leads(service):
            own.append(_health(service, counted, pods))
        elif objects.spec(service).get("selector") and not _ready(service, counted):
            broken.append(_health(service, counted, ()))
    found = [*own, *broken]
    more = max(0, len(found) - MAX_SERVICES)
    return [Services(tuple(found[:MAX_SERVICES]), more)] if found else []


def selecting(labels: Iterable[Mapping[str, str]]) -> Callable[[Object], bool]:
    """Returns a function that says whether a Service selects pods with any of these labels."""
    known = [*labels]

    def leads(service: Object) -> bool:
        selector = objects.spec(service).get("selector")
        return bool(selector) and any(objects.selects({"matchLabels": selector}, each) for each in known)

    return leads


def _ready(service: Object, counted: Mapping[str, Counter[bool]]) -> int:
    return counted.get(objects.name(service), Counter())[True]


def _health(service: Object, counted: Mapping[str, Counter[bool]], pods: Sequence[Object]) -> ServiceHealth:
    ports = objects.spec(service).get("ports") or ()
    declared = [port for each in pods for port in _declared(each)]
    return ServiceHealth(
        service=objects.name(service),
        ready_endpoints=_ready(service, counted),
        unready_endpoints=counted.get(objects.name(service), Counter())[False],
        ports=tuple(_port(each, declared, bool(pods)) for each in ports[:MAX_PORTS]),
    )


def _port(port: Mapping[str, Any], declared: Sequence[Any], known: bool) -> ServicePort:
    target = port.get("targetPort") or port["port"]
    return ServicePort(int(port["port"]), cut(target), target in declared if known else None)


def _declared(of: Object) -> list[Any]:
    """Returns the names and numbers of the ports that the containers declare."""
    spec = objects.spec(objects.template(of))
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    ports = [port for each in containers for port in each.get("ports") or ()]
    return [port[key] for port in ports for key in ("name", "containerPort") if key in port]
