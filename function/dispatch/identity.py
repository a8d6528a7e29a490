"""Labels and subject -> the identity of the problem. Two alerts with the same identity are one problem.

The identity consists of cluster, alertname, subject, and every label that is neither volatile, nor the scrape
target's, nor a state, nor the subject's own. It leaves out fingerprint, start, group and annotations: they
change between deliveries of one problem, and a second identity would mean a second Job.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from function.dispatch.labels import LabelRules
from function.dispatch.subject import STATED, UNKNOWN, Named, Series
from function.shared.event import STORM, SREEvent, Subject, digest

RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
"""The alphabet of generated names (k8s.io/apimachinery/pkg/util/rand)."""
HASH = "(?:[4-9bcdf]{7,10}|(?=[4-9]*[bcdf])(?=[bcdf]*[4-9])[4-9bcdf]{3,6})"
"""A pod-template-hash: up to ten decimal digits, written in that alphabet by their ASCII code modulo 27. A
short one must have a digit and a letter, because names such as mon-b and job-4 end in one of them."""
MINUTE = r"[23]\d{7}"
"""The end of a CronJob's Job: the scheduled minute since 1970, until 2046. No hash begins so."""
LONGEST = 63
"""The maximum length of a pod's name. A longer base is cut, and the random end follows without a hyphen."""


def _end(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=.){text}\Z", re.ASCII | re.DOTALL)


FORMS: Mapping[str, tuple[tuple[re.Pattern[str], str], ...]] = {
    "k8s_pod": (
        (_end(rf"-{MINUTE}((?:-\d+)?)-{RANDOM}{{5}}"), r"-@\1-*"),
        (_end(rf"-{HASH}-{RANDOM}{{5}}"), "-#-*"),
        (_end(rf"-{RANDOM}{{5}}"), "-*"),
    ),
    "k8s_replicaset": ((_end(rf"-{HASH}"), "-#"),),
    "k8s_job": ((_end(rf"-{MINUTE}"), "-@"), (_end(rf"-{RANDOM}{{5}}"), "-*")),
}
"""The generated ends of names, by type. A character stands for each part: # for a hash, @ for a minute, * for
random characters. So a Deployment and a DaemonSet of one name have different identities."""
TYPES = {
    "pod": "k8s_pod",
    "replicaset": "k8s_replicaset",
    "job_name": "k8s_job",
    "created_by_name": "k8s_replicaset",
    "owner_name": "k8s_replicaset",
}
"""The labels whose values can end so if they are not the subject."""


def labels_of(series: Series, named: Named, home_label: str, rules: LabelRules) -> dict[str, str]:
    """Returns the labels that are part of the identity, with general names. `home_label` is the label that
    names the cluster, or empty."""
    kept = {}
    follows = rules.own.get(named.subject.resource_type.removeprefix(UNKNOWN), frozenset())
    for name, value in sorted(series.labels.items()):
        if name == "alertname" or name in named.own or name in STATED or name == home_label:
            continue
        if name in follows or not _identifies(name, value, series, named.subject, rules):
            continue
        kept[name] = general(TYPES.get(name, ""), value)
    return kept


def identify(about: Subject, alertname: str, cluster: str, labels: Mapping[str, str]) -> str:
    """Returns the SHA-256, in hex, of cluster, alertname, subject and `labels`."""
    names = (about.resource_type, about.namespace, general(about.resource_type, about.resource_id))
    return digest(cluster, alertname, *names, *(part for pair in sorted(labels.items()) for part in pair))


def parts(event: SREEvent) -> dict[str, str]:
    """Returns what the identity is made of, for a person. Long texts are cut."""
    if event.source == STORM:
        return {"cluster": event.cluster, "group": event.alertname, **event.identity_labels}
    named = {
        "cluster": event.cluster,
        "alertname": event.alertname,
        "resource_type": event.resource_type,
        "namespace": event.namespace,
        "resource_id": general(event.resource_type, event.resource_id),
    }
    return {name: value for name, value in (named | dict(event.identity_labels)).items() if value}


def general(resource_type: str, name: str) -> str:
    """Returns the name with a character for each generated part: `web-#-*` for a pod of the Deployment
    `web`."""
    if resource_type == "k8s_pod" and len(name) == LONGEST and re.fullmatch(f"{RANDOM}{{5}}", name[-5:]):
        name = name[:-5] if name[-6] == "-" else f"{name[:-5]}-"
        return re.sub(r"-[4-9bcdf]{3,10}-\Z", "-#-", name) + "*"
    for generated, form in FORMS.get(resource_type, ()):
        if found := generated.search(name):
            return name[: found.start()] + found.expand(form)
    return name


def _identifies(name: str, value: str, series: Series, about: Subject, rules: LabelRules) -> bool:
    """Returns whether a label that does not name the subject is part of the identity."""
    if name in rules.state_values and rules.state_values[name](value):
        return False
    kind = rules.kind(name)
    if kind in ("volatile", "state"):
        return False
    if kind != "target" or name in series.exported or not series.scraped:
        return True
    # The series is about the pod, so it is about this container of the pod.
    return name == "container" and about.resource_type == "k8s_pod"
