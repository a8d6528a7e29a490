"""Why a pod may not be ready: its probes, its node, and its siblings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args

from function.shared.symptoms import Pressure, Probe, Readiness
from function.shared.text import cut_middle
from function.worldmodel import objects
from function.worldmodel.found import few
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look

MAX_PROBES = 6
KINDS = ("readiness", "liveness", "startup")
HANDLERS = {"httpGet": "http", "tcpSocket": "tcp", "grpc": "grpc", "exec": "exec"}


def node_of(look: Look, pod: Object) -> Callable[[], Object | None]:
    """Requests the pod's Node."""
    name = objects.spec(pod).get("nodeName")
    return look.get("Node", name) if name else lambda: None


def is_ready(pod: Object) -> bool:
    conditions = objects.status(pod).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def readiness(pod: Object, node: Object | None, pods: Sequence[Object]) -> Readiness:
    """Returns the readiness of a pod. `pods` are the pods of its owner, with or without itself."""
    siblings = [
        each for each in pods if objects.name(each) != objects.name(pod) and not objects.is_over(each)
    ]
    unready = [each for each in siblings if not is_ready(each)]
    conditions = {each["type"]: each["status"] for each in objects.status(node or {}).get("conditions") or ()}
    return Readiness(
        ready=is_ready(pod),
        probes=tuple(_probes(pod))[:MAX_PROBES],
        node=objects.spec(pod).get("nodeName") or "",
        node_ready=conditions.get("Ready") == "True" if node else None,
        node_pressures=tuple(each for each in get_args(Pressure) if conditions.get(each) == "True"),
        siblings=len(siblings),
        siblings_ready=len(siblings) - len(unready),
        not_ready=tuple(few([_where(each) for each in unready])),
    )


def _where(pod: Object) -> str:
    return f"{objects.name(pod)} on {objects.spec(pod).get('nodeName') or 'no node'}"


def _probes(pod: Object) -> Iterator[Probe]:
    for container in objects.spec(pod).get("containers") or ():
        for kind in KINDS:
            if probe := container.get(f"{kind}Probe"):
                yield _probe(container["name"], kind, probe)


def _probe(container: str, kind: Any, probe: Mapping[str, Any]) -> Probe:
    handler = next((name for name in HANDLERS if name in probe), "")
    by: Any = HANDLERS.get(handler, "other")
    return Probe(
        container=container,
        kind=kind,
        by=by,
        target=cut_middle(_target(probe.get(handler) or {})),
        initial_delay_seconds=int(probe.get("initialDelaySeconds") or 0),
        period_seconds=int(probe.get("periodSeconds") or 10),
        timeout_seconds=int(probe.get("timeoutSeconds") or 1),
        failure_threshold=int(probe.get("failureThreshold") or 3),
    )


def _target(handler: Mapping[str, Any]) -> str:
    """Returns the path and port, or the program. The arguments of a program are not shown: they can contain a
    password."""
    if command := handler.get("command"):
        return str(command[0])
    return " ".join(str(handler[key]) for key in ("path", "port") if key in handler)
