"""Labels -> the subject of the alert, which is the resource with the problem, and the alert's identity.

The specified order of labels is persistentvolumeclaim, pod, node, instance. For 46 of the 155 alerts of
kube-prometheus-stack 88.5.3 this order names the exporter's pod instead of the subject. The reason:
kube-state-metrics and node-exporter report on other objects, but their series have the labels of their own
scrape target. So the labels `pod` and `instance` do not count if they name the exporter.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from function.shared.event import Subject, digest
from function.shared.resource import is_name

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Rule:
    """A label that can name the subject, and the type of the named resource."""

    label: str
    resource_type: str
    namespaced: bool = True


CEPH_RULES = (
    Rule("ceph_daemon", "ceph", namespaced=False),
    Rule("pool_id", "ceph", namespaced=False),
    # The label is a health code such as OSD_NEARFULL. Half of Rook's alerts have no other subject.
    Rule("name", "ceph", namespaced=False),
)
"""The rules for alerts with the label `type: ceph_default`. Rook and the Ceph mixin set this label."""
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
"""The rule for node-exporter, whose `instance` is the machine with the problem."""
INSTANCE_RULE = Rule("instance", "instance")
EXPORTERS = ("kube-state-metrics", "node-exporter", "rook-ceph-mgr", "rook-ceph-exporter", "ceph-mgr")
"""Parts of the names of the exporters' pods and scrape jobs. These exporters report on other objects, never
on their own pods."""
HOST_EXPORTER = "node-exporter"
VOLATILE_LABELS = frozenset(("severity", "prometheus", "prometheus_replica", "replica"))
"""Labels that change while the problem stays the same. The identity of an alert without a resource leaves
them out."""
TARGET_LABELS = frozenset(("instance", "pod", "container", "endpoint", "service", "uid"))
"""Labels of a scrape target. If the target is an exporter, the identity leaves them out, because the
exporter's pod changes."""
UNKNOWN = "unknown_"
"""The prefix of the resource type if the name or the namespace is no valid Kubernetes name."""


def subject(labels: Labels) -> Subject:
    """Returns the subject of the alert. If no label names a resource, the Subject has at most a namespace."""
    namespace = labels.get("namespace", "")
    for rule in _rules(labels):
        if labels.get(rule.label):
            return _checked(rule, namespace if rule.namespaced else "", _id(rule, labels))
    return Subject(namespace=namespace)


def identify(subject: Subject, labels: Labels, cluster: str, volatile: Set[str] = VOLATILE_LABELS) -> str:
    """Returns the identity of the problem: the SHA-256, in hex, of cluster, alertname and subject. If there
    is no subject, the labels take its place.

    The identity leaves out fingerprint, start, group and severity. They change between deliveries of one
    problem, and a second identity would mean a second Job. The identity of a host's problem includes the
    labels, because they name the disk or device."""
    name = labels.get("alertname", "")
    about = (subject.resource_type, subject.namespace, subject.resource_id) if subject.resource_id else ("",)
    if subject.resource_id and subject.resource_type != HOST_RULE.resource_type:
        return digest(cluster, name, *about)
    moving = volatile | TARGET_LABELS if _from_exporter(labels) else volatile
    kept = sorted((key, value) for key, value in labels.items() if key not in moving)
    return digest(cluster, name, *about, *(part for pair in kept for part in pair))


def _rules(labels: Labels) -> tuple[Rule, ...]:
    ceph = CEPH_RULES if labels.get("type") == "ceph_default" else ()
    if _pod_is_exporter(labels):
        host = (HOST_RULE,) if HOST_EXPORTER in labels["pod"] else ()
        return (*STORAGE_RULES, *ceph, *WORKLOAD_RULES, *host)
    if labels.get("job") == HOST_EXPORTER:
        return (*STORAGE_RULES, *ceph, POD_RULE, *WORKLOAD_RULES, HOST_RULE)
    scraped = () if _from_exporter(labels) else (INSTANCE_RULE,)
    return (*STORAGE_RULES, *ceph, POD_RULE, *WORKLOAD_RULES, *scraped)


def _pod_is_exporter(labels: Labels) -> bool:
    """Returns whether the label `pod` names only the exporter. There are two cases in which it names the
    subject: the alert was aggregated (it has no `instance`), or the series is about a pod (it has a `uid`, as
    in kube_pod_*)."""
    pod = labels.get("pod", "")
    of_exporter = any(name in pod for name in EXPORTERS)
    return of_exporter and _from_exporter(labels) and not labels.get("uid")


def _from_exporter(labels: Labels) -> bool:
    """Returns whether the series was scraped from an exporter. This follows from the label `job`, which no
    tenant can set."""
    return bool(labels.get("instance")) and any(name in labels.get("job", "") for name in EXPORTERS)


def _checked(rule: Rule, namespace: str, resource_id: str) -> Subject:
    """Returns the subject. If no object can have its name, the type begins with UNKNOWN. The policy grants
    nothing for such a type."""
    real = is_name(resource_id) and (not namespace or is_name(namespace))
    kubernetes = rule.resource_type.startswith("k8s_")
    return Subject((UNKNOWN if kubernetes and not real else "") + rule.resource_type, namespace, resource_id)


def _id(rule: Rule, labels: Labels) -> str:
    value = labels[rule.label]
    host, _, port = value.rpartition(":")
    exporters_port = rule is HOST_RULE and host and port.isdigit() and (":" not in host or "]" in host)
    return host if exporters_port else value
