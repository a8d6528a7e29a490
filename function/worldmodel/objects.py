"""Reads Kubernetes objects and interprets their fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from function.shared.errors import Unavailable
from function.shared.facts import Reference
from function.shared.kubernetes import Answer, Api
from function.shared.resource import is_name

Object = Mapping[str, Any]

PAGE = 500
"""The maximum number of objects in a listing. A longer listing is not read further and becomes a gap."""
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

CORE, APPS, BATCH = "/api/v1", "/apis/apps/v1", "/apis/batch/v1"
PATHS: Mapping[str, tuple[str, str]] = {
    "APIService": ("/apis/apiregistration.k8s.io/v1", "apiservices"),
    "ControllerRevision": (APPS, "controllerrevisions"),
    "CronJob": (BATCH, "cronjobs"),
    "DaemonSet": (APPS, "daemonsets"),
    "Deployment": (APPS, "deployments"),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1", "endpointslices"),
    "Event": (CORE, "events"),
    "HorizontalPodAutoscaler": ("/apis/autoscaling/v2", "horizontalpodautoscalers"),
    "Ingress": ("/apis/networking.k8s.io/v1", "ingresses"),
    "Job": (BATCH, "jobs"),
    "Namespace": (CORE, "namespaces"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
    "Node": (CORE, "nodes"),
    "PersistentVolume": (CORE, "persistentvolumes"),
    "PersistentVolumeClaim": (CORE, "persistentvolumeclaims"),
    "Pod": (CORE, "pods"),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets"),
    "ReplicaSet": (APPS, "replicasets"),
    "ResourceQuota": (CORE, "resourcequotas"),
    "Service": (CORE, "services"),
    "StatefulSet": (APPS, "statefulsets"),
    "StorageClass": ("/apis/storage.k8s.io/v1", "storageclasses"),
}
"""All kinds that are read. knative/worldmodel/rbac.yaml grants the same kinds: no Secrets, no ConfigMaps."""

GOOD = frozenset({"Available", "Complete", "ContainersReady", "Initialized", "PodReadyToStartContainers"})
GOOD |= {"PodScheduled", "Progressing", "Ready", "SuccessCriteriaMet"}
BAD = frozenset({"DiskPressure", "MemoryPressure", "NetworkUnavailable", "PIDPressure"})
BAD |= {"DisruptionTarget", "Failed", "FailureTarget", "ReplicaFailure", "Suspended"}
BAD |= {
    "FileSystemResizePending",
    "Resizing",
    "ControllerResizeError",
    "NodeResizeError",
    "ModifyVolumeError",
}
BAD |= {"NamespaceContentRemaining", "NamespaceFinalizersRemaining"}
BAD |= {f"NamespaceDeletion{what}Failure" for what in ("Content", "Discovery", "GroupVersionParsing")}
"""A GOOD condition should be true. A BAD condition should be false. Other conditions are ignored."""


@dataclass(frozen=True)
class Listing:
    items: Sequence[Object]
    whole: bool
    """False if the cluster has more than PAGE of these objects."""


class Objects:
    """Reads one object by name, or lists at most PAGE objects. Raises Unavailable."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def get(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """Returns the object, or None if it does not exist or the name is invalid."""
        # Names of owners are untrusted. A name such as `..` would change the path of the request.
        if not is_name(name) or not is_name(namespace or "none"):
            return None
        answer = self._api.request("GET", f"{_path(kind, namespace)}/{quote(name, safe='')}")
        return None if answer.status == 404 else _checked(answer)

    def list(
        self, kind: str, namespace: str = "", *, labels: str = "", fields: str = "", metadata: bool = False
    ) -> Listing:
        """Returns the objects that match the selectors. With `metadata` it reads only their metadata."""
        parameters = {"limit": str(PAGE), "labelSelector": labels, "fieldSelector": fields}
        query = {name: value for name, value in parameters.items() if value}
        answer = self._api.request(
            "GET", _path(kind, namespace), query=query, accept=METADATA if metadata else ""
        )
        body = _checked(answer)
        items = [{**item, "kind": kind} for item in body.get("items") or ()]
        return Listing(items, whole=not (body.get("metadata") or {}).get("continue"))


def _path(kind: str, namespace: str) -> str:
    group, plural = PATHS[kind]
    return f"{group}/namespaces/{quote(namespace, safe='')}/{plural}" if namespace else f"{group}/{plural}"


def _checked(answer: Answer) -> Object:
    if answer.status == 403:
        what = "the world model's ServiceAccount may not read this kind: check knative/worldmodel/rbac.yaml"
        raise Unavailable("kubernetes_forbidden", what)
    if answer.status != 200:
        raise Unavailable("kubernetes_status", f"the API server answered {answer.status} to a read")
    return answer.body


def name(of: Object) -> str:
    return str(of["metadata"]["name"])


def namespace(of: Object) -> str:
    return str(of["metadata"].get("namespace", ""))


def labels(of: Object) -> Mapping[str, str]:
    return of["metadata"].get("labels") or {}


def annotation(of: Object, key: str) -> str | None:
    return (of["metadata"].get("annotations") or {}).get(key)


def spec(of: Object) -> Mapping[str, Any]:
    return of.get("spec") or {}


def status(of: Object) -> Mapping[str, Any]:
    return of.get("status") or {}


def created(of: Object) -> float:
    return seconds(of["metadata"]["creationTimestamp"])


def seconds(timestamp: str) -> float:
    """Returns an RFC 3339 time in seconds since the epoch."""
    return datetime.fromisoformat(timestamp).timestamp()


def controller(of: Object) -> Reference | None:
    """Returns the object's controller with the object's namespace. Only a Node has no namespace."""
    for owner in of["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return Reference(owner["kind"], owner["name"], "" if owner["kind"] == "Node" else namespace(of))
    return None


def template(of: Object) -> Object:
    """Returns the pod template of a workload, or the Pod itself."""
    if of["kind"] == "Pod":
        return of
    if of["kind"] == "CronJob":
        return dict(spec(of)["jobTemplate"]["spec"]["template"])
    return dict(spec(of)["template"])


def template_labels(of: Object) -> Mapping[str, str]:
    return (template(of).get("metadata") or {}).get("labels") or {}


def claims(of: Object) -> set[str]:
    """Returns the names of the claims in the volumes of a workload or pod, with a pod's ephemeral claims."""
    volumes = spec(template(of)).get("volumes") or ()
    named = {
        each["persistentVolumeClaim"]["claimName"] for each in volumes if "persistentVolumeClaim" in each
    }
    ephemeral = {
        f"{name(of)}-{each['name']}" for each in volumes if "ephemeral" in each and of["kind"] == "Pod"
    }
    return named | ephemeral


def is_over(pod: Object) -> bool:
    """Returns whether the pod has ended. Such a pod mounts no volumes."""
    return status(pod).get("phase") in ("Succeeded", "Failed")


def mounts(of: Object, claim: str) -> bool:
    """Returns whether the workload mounts the claim, by name or by a StatefulSet's claim template."""
    if claim in claims(of):
        return True
    stem, _, ordinal = claim.rpartition("-")
    own = {f"{name(each)}-{name(of)}" for each in spec(of).get("volumeClaimTemplates") or ()}
    return ordinal.isdecimal() and stem in own


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Returns whether the selector matches. An empty selector matches everything, a missing one nothing."""
    if selector is None:
        return False
    equal = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return equal and all(_holds(each, labels) for each in selector.get("matchExpressions") or ())


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }.get(expression["operator"], False)


def as_query(selector: Mapping[str, Any]) -> str:
    """Returns a LabelSelector as text for the query parameter."""
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    forms = {"In": "{key} in ({values})", "NotIn": "{key} notin ({values})"}
    forms |= {"Exists": "{key}", "DoesNotExist": "!{key}"}
    for each in selector.get("matchExpressions") or ():
        values = ",".join(each.get("values") or ())
        parts.append(forms[each["operator"]].format(key=each["key"], values=values))
    return ",".join(parts)


def conditions(of: Object) -> list[str]:
    """Returns every bad condition, with its reason and message."""
    return [
        " ".join(filter(None, (f"{each['type']}={each['status']}", each.get("reason"), each.get("message"))))
        for each in status(of).get("conditions") or ()
        if (each["type"] in GOOD and each["status"] != "True")
        or (each["type"] in BAD and each["status"] != "False")
    ]


def containers(pod: Object) -> Iterator[str]:
    """Yields a short text for each container: state, restarts, and reason for the last termination."""
    for each in statuses(pod):
        (state, more), *_ = (each.get("state") or {"unknown": {}}).items()
        last = ((each.get("lastState") or {}).get("terminated") or {}).get("reason")
        words = [f"{each['name']}: {state}", more.get("reason")]
        words += ["not ready" if state == "running" and not each.get("ready", True) else None]
        words += [f"exit code {more['exitCode']}" if "exitCode" in more else None]
        words += [f"{each['restartCount']} restarts" if each.get("restartCount") else None]
        words += [f"last ended by {last}" if last else None]
        yield ", ".join(filter(None, words))


def statuses(pod: Object) -> list[Mapping[str, Any]]:
    kinds = ("initContainerStatuses", "containerStatuses")
    return [each for kind in kinds for each in status(pod).get(kind) or ()]


def troubles(pod: Object) -> list[str]:
    """Returns the problems of a pod. The list is empty if the pod is healthy or has succeeded."""
    if status(pod).get("phase") == "Succeeded":
        return []
    well = (": running", ": terminated, Completed, exit code 0")
    found = [each for each in containers(pod) if not each.endswith(well)]
    phase = status(pod).get("phase")
    found += conditions(pod) if phase == "Pending" or found else []
    if phase in ("Failed", "Unknown") and not found:  # an evicted pod has no states
        found.append(" ".join(filter(None, (phase, status(pod).get("reason"), status(pod).get("message")))))
    return [*found, *(["being deleted"] if "deletionTimestamp" in pod["metadata"] else [])]


def images(of: Object) -> list[str]:
    return [each.get("image", "") for each in spec(template(of)).get("containers") or ()]


def addresses(node: Object) -> list[str]:
    return [each["address"] for each in status(node).get("addresses") or ()]


def needs(of: Object) -> list[Reference]:
    """Returns the objects that a workload or pod needs to start: claims, ConfigMaps, Secrets, the node."""
    where, pod = namespace(of), spec(template(of))
    found = [Reference("Node", pod["nodeName"])] if pod.get("nodeName") else []
    found += [Reference("PersistentVolumeClaim", each, where) for each in sorted(claims(of))]
    for kind in ("ConfigMap", "Secret"):
        found += [Reference(kind, each, where) for each in sorted({*_named(pod, kind)}) if each]
    return found


def _named(pod: Mapping[str, Any], kind: str) -> Iterator[str]:
    """Yields the names of the required ConfigMaps or Secrets in a pod spec."""
    key = f"{kind[0].lower()}{kind[1:]}"
    sources = [each for volume in pod.get("volumes") or () for each in _sources(volume)]
    sources = [each[key] for each in sources if key in each]
    for container in [*(pod.get("initContainers") or ()), *(pod.get("containers") or ())]:
        sources += [each.get(f"{key}Ref") or {} for each in container.get("envFrom") or ()]
        values = (each.get("valueFrom") or {} for each in container.get("env") or ())
        sources += [each.get(f"{key}KeyRef") or {} for each in values]
    if kind == "Secret":
        sources += pod.get("imagePullSecrets") or ()
    for source in sources:
        if not source.get("optional"):
            yield source.get("name") or source.get("secretName") or ""


def _sources(volume: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [volume, *((volume.get("projected") or {}).get("sources") or ())]
