"""A cluster and a Prometheus in memory for the world model's readers, and manifests to start from. No logic
beyond choosing by selectors and remembering."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import Any, NamedTuple, ParamSpec, TypeVar

from pydantic import TypeAdapter

from function.shared.facts import NAMES
from function.shared.kubernetes import Answer, Api
from function.shared.prometheus import Bounds, Prometheus, Sample
from function.shared.strict_json import Json, to_json
from function.worldmodel.found import Found
from function.worldmodel.objects import METADATA, PAGE, PATHS, Listing, Object, Objects
from function.worldmodel.reader import Look, Threads
from tests.harness.fakes import NOW

P = ParamSpec("P")
T = TypeVar("T")
Manifest = dict[str, Any]
Key = tuple[str, str, str]
"""Kind, namespace, name."""

MADE = "2026-03-01T03:10:00Z"
"""28 days before NOW."""
TYPEDB = {"app": "typedb"}
SELECTABLE = {
    "Pod": {"spec.nodeName", "status.phase"},
    "Event": {"involvedObject.kind", "involvedObject.name", "reason", "type"},
}
"""Fields by which a real API server chooses, as far as we use them; by any other it answers 400."""


class Asked(NamedTuple):
    """One request: for the object of this name or, where it is empty, for a listing."""

    kind: str
    namespace: str
    name: str = ""
    labels: str = ""
    fields: str = ""
    metadata: bool = False


class Cluster(Objects):
    """Holds manifests, remembers what it was asked. `failing` maps a kind to the error it raises."""

    def __init__(
        self, *manifests: Manifest, page: int = PAGE, failing: Mapping[str, Exception] | None = None
    ) -> None:
        super().__init__(Api())
        self._held = {key(each): each for each in manifests}
        self._page, self._failing = page, failing or {}
        self.asked: list[Asked] = []
        assert len(self._held) == len(manifests), "two manifests of one name"

    def get(self, kind: str, name: str, namespace: str = "") -> Object | None:
        self._called(Asked(kind, namespace, name))
        return self._held.get((kind, namespace, name))

    def list(
        self, kind: str, namespace: str = "", *, labels: str = "", fields: str = "", metadata: bool = False
    ) -> Listing:
        self._called(Asked(kind, namespace, "", labels, fields, metadata))
        found = [
            {"kind": kind, "metadata": each["metadata"]} if metadata else each
            for (of, where, _), each in self._held.items()
            if of == kind and namespace in ("", where)
            if has_labels(each, labels) and has_fields(each, fields)
        ]
        return Listing(found[: self._page], whole=len(found) <= self._page)

    def _called(self, asked: Asked) -> None:
        self.asked.append(asked)
        if asked.kind in self._failing:
            raise self._failing[asked.kind]


class Request(NamedTuple):
    path: str
    query: Mapping[str, str]


class Served(Api):
    """The cluster as its API server answers for it, remembering each request."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self._cluster = cluster
        self.requests: list[Request] = []

    def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        query: Mapping[str, str] | None = None,
        accept: str = "",
        **_: Any,
    ) -> Answer:
        assert (method, body) == ("GET", None)
        chosen = query or {}
        self.requests.append(Request(path, chosen))
        kind, namespace, name = _parts(path)
        if name:
            found = self._cluster.get(kind, name, namespace)
            return Answer(404, {}) if found is None else Answer(200, found)
        listing = self._cluster.list(
            kind,
            namespace,
            labels=chosen.get("labelSelector", ""),
            fields=chosen.get("fieldSelector", ""),
            metadata=accept == METADATA,
        )
        more = {} if listing.whole else {"continue": "more"}
        return Answer(200, {"metadata": more, "items": listing.items})


def _parts(path: str) -> Key:
    for kind, (group, plural) in PATHS.items():
        if match := re.fullmatch(rf"{group}(?:/namespaces/([^/]+))?/{plural}(?:/([^/]+))?", path):
            return kind, match[1] or "", match[2] or ""
    raise AssertionError(f"{path} is no path of the API")


def key(of: Object) -> Key:
    return of["kind"], of["metadata"].get("namespace", ""), of["metadata"]["name"]


def has_labels(of: Object, selector: str) -> bool:
    """Whether a labelSelector, as a query carries it, selects the object."""
    labels = of["metadata"].get("labels") or {}
    return all(_holds(term, labels) for term in re.split(r",(?![^()]*\))", selector) if term)


def _holds(term: str, labels: Mapping[str, str]) -> bool:
    if among := re.fullmatch(r"(\S+) (in|notin) \((.*)\)", term):
        return (labels.get(among[1]) in among[3].split(",")) == (among[2] == "in")
    if term.startswith("!"):
        return term[1:] not in labels
    name, equals, value = term.partition("=")
    return labels.get(name) == value if equals else name in labels


def has_fields(of: Object, selector: str) -> bool:
    """Whether a fieldSelector selects the object."""
    wanted = [
        (term.split("=")[0].rstrip("!"), "!=" not in term, term.split("=")[1])
        for term in selector.split(",")
        if term
    ]
    assert {path for path, _, _ in wanted} <= SELECTABLE.get(of["kind"], set()), f"{selector}: 400"
    return all((_field(of, path) == value) is equal for path, equal, value in wanted)


def _field(of: Any, path: str) -> str:
    for part in path.split("."):
        of = of.get(part, {})
    return of or ""


class Series(Prometheus):
    """Answers a query with the samples of the first text that stands in it, remembers the queries."""

    def __init__(self, samples: Mapping[str, Sequence[Sample]]) -> None:
        super().__init__("http://prometheus.invalid", Bounds(1, 1, 1), "the test")
        self._samples = samples
        self.asked: list[str] = []

    def query(self, expression: str, seconds: float = math.inf) -> list[Sample]:
        self.asked.append(expression)
        return next(([*found] for text, found in self._samples.items() if text in expression), [])


class Here(Executor):
    """Runs what it is given at once, where it stands."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        told: Future[T] = Future()
        try:
            told.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # every one, as an executor does
            told.set_exception(error)
        return told


def look(cluster: Objects, prometheus: Prometheus | None = None) -> Look:
    return Look(cluster, prometheus, Threads(Here(), Here()), NOW.timestamp())


def told(found: Found, of: type[T]) -> T:
    """The one fact of this class, read as strictly as who asks us reads it."""
    (fact,) = [each for each in found.facts if each.kind == NAMES[of]]
    return TypeAdapter(of).validate_json(to_json(fact.data))


def kinds(found: Found) -> set[str]:
    return {fact.kind for fact in found.facts}


def manifest(
    kind: str, name: str, namespace: str = "f3iai", *, made: str = MADE, owner: str = "", **parts: Any
) -> Manifest:
    """An object; `owner` is its controller as Kind/name, labels and annotations go into its metadata."""
    metadata: Manifest = {"name": name, "creationTimestamp": made}
    metadata |= {"namespace": namespace} if namespace else {}
    metadata |= {part: parts.pop(part) for part in ("labels", "annotations") if part in parts}
    if owner:
        of, _, called = owner.partition("/")
        metadata["ownerReferences"] = [{"kind": of, "name": called, "controller": True}]
    return {"kind": kind, "metadata": metadata, **parts}


def workload(kind: str, name: str, labels: Mapping[str, str], pod: Manifest, **spec: Any) -> Manifest:
    """A workload that makes pods with these labels and this spec."""
    template = {"metadata": {"labels": labels}, "spec": pod}
    if kind == "CronJob":
        return manifest(kind, name, spec={"jobTemplate": {"spec": {"template": template}}, **spec})
    return manifest(kind, name, spec={"selector": {"matchLabels": labels}, "template": template, **spec})


def pod_spec(*claims: str, **more: Any) -> Manifest:
    """The spec of a pod of one container that mounts these claims."""
    volumes = [{"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in claims]
    return {"containers": [{"name": "main", "image": "busybox:1"}], "volumes": volumes, **more}


def running(name: str = "main", **more: Any) -> Manifest:
    """The status of a container that runs."""
    return {"name": name, "state": {"running": {"startedAt": MADE}}, "restartCount": 0, **more}


def waiting(reason: str, name: str = "main", **more: Any) -> Manifest:
    """The status of a container that waits."""
    return {"name": name, "state": {"waiting": {"reason": reason}}, "restartCount": 0, **more}


def event(name: str, of: str, at: str, namespace: str = "f3iai", **parts: Any) -> Manifest:
    """An Event about `of`, a Kind/name."""
    kind, _, called = of.partition("/")
    about = {"kind": kind, "name": called, "namespace": namespace}
    usual = {"involvedObject": about, "type": "Warning", "lastTimestamp": at}
    return manifest("Event", name, namespace, **{**usual, **parts})


def incident() -> list[Manifest]:
    """The cluster of the incident on the morning it began."""
    pod = pod_spec("typedb-data")
    sizes = {"resources": {"requests": {"storage": "20Gi"}}}
    return [
        manifest("Namespace", "f3iai", "", status={"phase": "Active"}),
        manifest(
            "PersistentVolumeClaim",
            "typedb-data",
            annotations={"sre-dispatch/max-storage": "100Gi"},
            spec={
                "storageClassName": "ceph-rbd",
                "volumeName": "pvc-5b1d",
                "accessModes": ["ReadWriteOnce"],
                **sizes,
            },
            status={"phase": "Bound", "capacity": {"storage": "20Gi"}},
        ),
        manifest("PersistentVolume", "pvc-5b1d", "", spec={"persistentVolumeReclaimPolicy": "Delete"}),
        manifest(
            "StorageClass",
            "ceph-rbd",
            "",
            provisioner="rook-ceph.rbd.csi.ceph.com",
            allowVolumeExpansion=True,
        ),
        workload("StatefulSet", "typedb", TYPEDB, pod, replicas=1),
        manifest(
            "Pod",
            "typedb-0",
            owner="StatefulSet/typedb",
            labels=TYPEDB,
            spec={**pod, "nodeName": "fmc-worker-2"},
            status={"phase": "Running", "containerStatuses": [running(restartCount=2)]},
        ),
        manifest("Service", "typedb", spec={"selector": TYPEDB}),
        manifest("Service", "web", spec={"selector": {"app": "web"}}),
        manifest("PodDisruptionBudget", "typedb", spec={"selector": {"matchLabels": TYPEDB}}, status={}),
        manifest(
            "ResourceQuota",
            "storage",
            status={"hard": {"requests.storage": "500Gi"}, "used": {"requests.storage": "120Gi"}},
        ),
        manifest(
            "ControllerRevision", "typedb-1", made=MADE, owner="StatefulSet/typedb", labels=TYPEDB, revision=1
        ),
        event("typedb-data.1", "PersistentVolumeClaim/typedb-data", "2026-03-29T03:00:00Z", reason="Claim"),
        event("typedb-0.1", "Pod/typedb-0", "2026-03-29T02:10:00Z", reason="BackOff", count=7),
        event("web-0.1", "Pod/web-0", "2026-03-29T03:00:00Z", reason="OfAnotherPod"),
    ]


def without(manifests: Sequence[Manifest], *kinds: str) -> list[Manifest]:
    return [each for each in manifests if each["kind"] not in kinds]


def the(manifests: Sequence[Manifest], kind: str, name: str) -> Manifest:
    """The manifest of that kind and name, to be changed in place."""
    (found,) = [each for each in manifests if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def ingress(name: str, *services: str, default: str = "") -> Manifest:
    """An Ingress that leads to these Services by paths, and to another where none fits."""
    paths = [{"path": f"/{each}", "backend": {"service": {"name": each}}} for each in services]
    backend = {"defaultBackend": {"service": {"name": default}}} if default else {}
    return manifest("Ingress", name, spec={"rules": [{"host": "x"}, {"http": {"paths": paths}}], **backend})


def autoscaler(kind: str = "Deployment") -> Manifest:
    """The autoscaler of a workload called web, which wants more replicas than it may have."""
    spec = {
        "scaleTargetRef": {"kind": kind, "name": "web"},
        "minReplicas": 2,
        "maxReplicas": 5,
        "metrics": [
            {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}},
            {"type": "Pods", "pods": {"metric": {"name": "requests"}, "target": {"averageValue": "10"}}},
        ],
    }
    limited = {"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas"}
    status = {
        "currentReplicas": 5,
        "desiredReplicas": 5,
        "currentMetrics": [
            {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 143}}}
        ],
        "conditions": [limited, {"type": "AbleToScale", "status": "True"}],
    }
    return manifest("HorizontalPodAutoscaler", "web", spec=spec, status=status)
