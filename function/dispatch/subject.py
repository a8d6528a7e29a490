"""Labels -> what the alert is about, and its identity.

The specified order is persistentvolumeclaim, pod, node, instance. It names the exporter's pod instead of
the subject for 46 of the 155 alerts that kube-prometheus-stack 88.5.3 ships, since kube-state-metrics and
node-exporter put the labels of their own scrape target on what they tell about others. So `pod` and
`instance` are believed only where they are not the exporter's.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from function.shared.event import Subject, digest
from function.shared.resource import is_name

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Rule:
    """The first label of the table that is present and believable names the subject."""

    label: str
    resource_type: str
    namespaced: bool = True


CEPH_RULES = (
    Rule("ceph_daemon", "ceph", namespaced=False),
    Rule("pool_id", "ceph", namespaced=False),
    Rule(
        "name", "ceph", namespaced=False
    ),  # a health code such as OSD_NEARFULL, the only subject of half of Rook's
)
"""For alerts marked `type: ceph_default`, as Rook and the Ceph mixin mark theirs."""
STORAGE_RULES = (
    Rule("persistentvolumeclaim", "k8s_pvc"),
    Rule("persistentvolume", "k8s_pv", namespaced=False),
)
WORKLOAD_RULES = (
    Rule("job_name", "k8s_job"),
    Rule("cronjob", "k8s_cronjob"),
    Rule("deployment", "k8s_deployment"),
    Rule("statefulset", "k8s_statefulset"),
    Rule("daemonset", "k8s_daemonset"),
    Rule("replicaset", "k8s_replicaset"),
    Rule("horizontalpodautoscaler", "k8s_hpa"),
    Rule("poddisruptionbudget", "k8s_pdb"),
    Rule("resourcequota", "k8s_resourcequota"),
    Rule("node", "k8s_node", namespaced=False),
)
POD_RULE = Rule("pod", "k8s_pod")
HOST_RULE = Rule("instance", "host", namespaced=False)
"""node-exporter's `instance` is the machine that it tells about."""
INSTANCE_RULE = Rule("instance", "instance")
EXPORTERS = ("kube-state-metrics", "node-exporter", "rook-ceph-mgr", "rook-ceph-exporter", "ceph-mgr")
"""Found in the pod's name and the scrape job's. Their pods tell about others, never about themselves."""
HOST_EXPORTER = "node-exporter"
VOLATILE_LABELS = frozenset(("severity", "prometheus", "prometheus_replica", "replica"))
"""Labels that change while the problem stays: left out of the identity of an alert without a resource."""
TARGET_LABELS = frozenset(("instance", "pod", "container", "endpoint", "service", "uid"))
"""What Prometheus puts on the series of a scrape target; left out where that is an exporter, whose pod may be
another tomorrow."""
UNKNOWN = "unknown_"
"""Put before the type of a resource whose name or namespace is no Kubernetes name."""


def subject(labels: Labels) -> Subject:
    """What the alert is about; an empty Subject, but for a namespace, where no label says."""
    namespace = labels.get("namespace", "")
    for rule in _rules(labels):
        if labels.get(rule.label):
            return _checked(rule, namespace if rule.namespaced else "", _id(rule, labels))
    return Subject(namespace=namespace)


def identify(subject: Subject, labels: Labels, cluster: str, volatile: Set[str] = VOLATILE_LABELS) -> str:
    """SHA-256 in hex of the problem: cluster, alertname and subject, or the labels where there is no subject.

    Fingerprint, start, group and severity do not enter: each of them changes between deliveries of one
    problem, and a second identity would be a second Job. On a host the labels enter as well, as they say
    which of its disks or devices it is.
    """
    name = labels.get("alertname", "")
    about = (subject.resource_type, subject.namespace, subject.resource_id) if subject.resource_id else ("",)
    if subject.resource_id and subject.resource_type != HOST_RULE.resource_type:
        return digest(cluster, name, *about)
    moving = volatile | TARGET_LABELS if _told_by_exporter(labels) else volatile
    kept = sorted((key, value) for key, value in labels.items() if key not in moving)
    return digest(cluster, name, *about, *(part for pair in kept for part in pair))


def _rules(labels: Labels) -> tuple[Rule, ...]:
    ceph = CEPH_RULES if labels.get("type") == "ceph_default" else ()
    if _pod_is_exporter(labels):
        host = (HOST_RULE,) if HOST_EXPORTER in labels["pod"] else ()
        return (*STORAGE_RULES, *ceph, *WORKLOAD_RULES, *host)
    if labels.get("job") == HOST_EXPORTER:
        return (*STORAGE_RULES, *ceph, POD_RULE, *WORKLOAD_RULES, HOST_RULE)
    scraped = () if _told_by_exporter(labels) else (INSTANCE_RULE,)
    return (*STORAGE_RULES, *ceph, POD_RULE, *WORKLOAD_RULES, *scraped)


def _pod_is_exporter(labels: Labels) -> bool:
    """An exporter's pod is the subject only if its alert was aggregated to it (then `instance` is gone)
    or tells about a pod, as the series with a `uid` do (kube_pod_*)."""
    pod = labels.get("pod", "")
    of_exporter = any(name in pod for name in EXPORTERS)
    return of_exporter and _told_by_exporter(labels) and not labels.get("uid")


def _told_by_exporter(labels: Labels) -> bool:
    """Whether the series comes from an exporter's scrape. `job` says so, which no tenant names."""
    return bool(labels.get("instance")) and any(name in labels.get("job", "") for name in EXPORTERS)


def _checked(rule: Rule, namespace: str, resource_id: str) -> Subject:
    """A name that no object can have stays as quoted text, under a type that no policy grants anything."""
    real = is_name(resource_id) and (not namespace or is_name(namespace))
    kubernetes = rule.resource_type.startswith("k8s_")
    return Subject((UNKNOWN if kubernetes and not real else "") + rule.resource_type, namespace, resource_id)


def _id(rule: Rule, labels: Labels) -> str:
    value = labels[rule.label]
    host, _, port = value.rpartition(":")
    exporters_port = rule is HOST_RULE and host and port.isdigit() and (":" not in host or "]" in host)
    return host if exporters_port else value
