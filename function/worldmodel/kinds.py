"""The names of the kinds of resources that the world model describes."""

from __future__ import annotations

from collections.abc import Mapping

from function.worldmodel.objects import PATHS

KINDS: Mapping[str, tuple[str, str]] = {
    "k8s_pvc": ("PersistentVolumeClaim", "pvc"),
    "k8s_pod": ("Pod", "po"),
    "k8s_deployment": ("Deployment", "deploy"),
    "k8s_statefulset": ("StatefulSet", "sts"),
    "k8s_daemonset": ("DaemonSet", "ds"),
    "k8s_replicaset": ("ReplicaSet", "rs"),
    "k8s_job": ("Job", ""),
    "k8s_cronjob": ("CronJob", "cj"),
    "k8s_hpa": ("HorizontalPodAutoscaler", "hpa"),
    "k8s_service": ("Service", "svc"),
    "k8s_ingress": ("Ingress", "ing"),
    "k8s_resourcequota": ("ResourceQuota", "quota"),
    "k8s_node": ("Node", "no"),
    "k8s_namespace": ("Namespace", "ns"),
    "k8s_apiservice": ("APIService", ""),
}
"""The Kubernetes kind of each resource type, and kubectl's short name of the kind."""

SUBJECTS = frozenset({"job", "service"})
"""In lower case these words are types of other things in alerts: a scrape job, a proxy's service. See
function/dispatch/labels.yaml."""


def _names() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for resource_type, (kind, short) in KINDS.items():
        names = (resource_type, kind, f"k8s_{kind}", PATHS[kind][1], short)
        found |= {name.lower(): resource_type for name in names if name}
    return found


NAMES = _names()


def type_of(name: str) -> str:
    """Returns the resource type that has this name, such as `k8s_pod` for `Pod`, `pods` or `po`. Any other
    name stays as it is: an alert can be about a thing that is no Kubernetes object."""
    return name if name in SUBJECTS else NAMES.get(name.lower(), name)
