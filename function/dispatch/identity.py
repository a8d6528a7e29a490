"""Labels and subject -> the identity of the problem. Two alerts with the same identity are one problem.

The identity consists of cluster, alertname, subject, and every label that is neither volatile, nor the scrape
target's, nor a state, nor the subject's own. It leaves out fingerprint, start, group and annotations: they
change between deliveries of one problem, and a second identity would mean a second Job.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain

from function.dispatch.labels import LabelRules
from function.dispatch.subject import PASSING, SCRAPED, STATED, UNKNOWN, Named, Series
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
    of_type = named.subject.resource_type.removeprefix(UNKNOWN)
    follows = rules.own.get(of_type, frozenset()) | rules.own.get(series.teller, frozenset())
    home = SCRAPED + home_label if home_label in series.exported else home_label
    skipped = named.own | follows | STATED | {"alertname", home}
    return {
        name: general(TYPES[name], value) if name in TYPES else value
        for name, value in sorted(series.labels.items())
        if name not in skipped
        and (kind := rules.kind(name)) not in PASSING
        and (kind != "target" or _stays(name, series, of_type, rules))
        and not (name in rules.state_values and rules.state_values[name](value))
    }


def identify(about: Subject, alertname: str, cluster: str, labels: Mapping[str, str]) -> str:
    """Returns the SHA-256, in hex, of cluster, alertname, subject and `labels`."""
    names = (about.resource_type, about.namespace, general(about.resource_type, about.resource_id))
    return digest(cluster, alertname, *names, *chain.from_iterable(sorted(labels.items())))


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


def _stays(name: str, series: Series, of_type: str, rules: LabelRules) -> bool:
    """Returns whether a label with the name of a target's label identifies."""
    if name in series.exported or not series.scraped:
        return True
    if name == "instance" and not of_type.startswith("k8s_"):
        return series.teller in rules.own_instances and series.labels.keys().isdisjoint(("pod", "namespace"))
    # The series is about the pod, so it is about this container of the pod.
    return name == "container" and of_type == "k8s_pod"
