"""Labels -> the subject of the alert, which is the thing with the problem.

labels.yaml says what each label means. This module applies it. A label describes either the thing with the
problem, or the scrape target that tells of it. For half of all public rules these are two different things.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from function.dispatch.labels import (
    AGGREGATED,
    APP,
    EXPORTED,
    SYNONYM,
    LabelRules,
    Matcher,
    SubjectRule,
    pattern,
    plain,
)
from function.shared.event import Subject
from function.shared.resource import is_name

SCRAPED = "scraped_"
"""Our prefix for the label of a target whose name the series has too."""
STATED_TYPE, STATED_ID, STATED_NAMESPACE = "sre_resource_type", "sre_resource_id", "sre_namespace"
STATED = frozenset((STATED_TYPE, STATED_ID, STATED_NAMESPACE))
"""The labels with which the author of a rule states the subject. They go before everything else."""
TELLER_LABELS = ("job", "service", "container", "app", "app_kubernetes_io_name", "k8s_app", "pod")
"""The labels whose values say who tells, the most reliable one first."""
TYPE = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
PASSING = ("volatile", "state")
"""The kinds of labels that identify nothing."""
ADDRESS = re.compile(r"(?=[^A-Za-z/@:\[]*[A-Za-z])(?=[^/@:]*[.:])[^/@:]*(?::\d+)?", re.ASCII)
"""A host's name with a domain or a port. Service discovery writes IP addresses. So if an exporter has a pod
and such an `instance`, somebody told it what to ask, and `instance` names that."""
KIND = re.compile(r"[A-Za-z][A-Za-z0-9]{1,58}", re.ASCII)
UNKNOWN = "unknown_"
"""The prefix of the resource type if the name or the namespace is no valid Kubernetes name."""


@dataclass(frozen=True)
class Series:
    """The labels of an alert, read once."""

    given: Mapping[str, str]
    """The labels as the sender names them, with underscores for other signs. None is empty."""
    labels: Mapping[str, str]
    """The labels under their standard names. An exported_NAME stands under NAME."""
    exported: frozenset[str]
    """The names that had the prefix. They describe the thing with the problem, never the target."""
    renamed: frozenset[str]
    """The names that had another name, such as k8s_deployment_name. They describe a Kubernetes object."""
    scraped: bool
    """Whether the labels of a scrape target are left. An aggregation removes them."""
    teller: str
    """Who tells: a key of `tellers` in labels.yaml, APP or AGGREGATED."""
    pod_tells: bool
    """Whether `pod` is the pod of a teller that reports on other things."""


@dataclass(frozen=True)
class Named:
    """The subject, and the labels that name it."""

    subject: Subject
    own: frozenset[str]


def read(raw: Mapping[str, str], rules: LabelRules) -> Series:
    """Returns the labels under their standard names, and who tells. Empty labels count as missing."""
    given = {name: value for name, value in raw.items() if value}
    if not all(map(str.isidentifier, given)):
        given = _plain(given)
    scraped = "instance" in given or "endpoint" in given
    teller = _teller(given, scraped, rules)
    exported = {
        name.removeprefix(EXPORTED): value for name, value in given.items() if name.startswith(EXPORTED)
    }
    if teller in rules.own_namespaces:
        exported.pop("namespace", None)
    if teller == "exporters" and "pod" in given and ADDRESS.fullmatch(given.get("instance", "")):
        exported.setdefault("instance", given["instance"])
    labels = _over(given, exported, rules) if exported else dict(given)
    renamed = _rename(labels, rules)
    pod_tells = _pod_tells(labels, exported, teller, rules)
    return Series(given, labels, frozenset(exported), renamed, scraped, teller, pod_tells)


def _plain(given: dict[str, str]) -> dict[str, str]:
    """Returns the labels under plain names. If two names would become one, all stay as they are."""
    plainly = {plain(name): value for name, value in given.items()}
    return plainly if len(plainly) == len(given) else given


def _over(given: Mapping[str, str], exported: Mapping[str, str], rules: LabelRules) -> dict[str, str]:
    """Returns the labels with those of the series in place of the target's."""
    labels = {name: value for name, value in given.items() if name.removeprefix(EXPORTED) not in exported}
    for name in exported.keys() & given.keys():
        # The operator gave the target a label of this name, such as the name of a machine.
        if rules.kind(name) not in ("target", *PASSING):
            labels[SCRAPED + name] = given[name]
    return {**labels, **exported}


def _rename(labels: dict[str, str], rules: LabelRules) -> frozenset[str]:
    """Gives labels their standard names. Returns the names that were missing before."""
    renamed = set()
    if others := labels.keys() & rules.standard.keys():
        for other in filter(others.__contains__, rules.standard):
            name = rules.standard[other]
            if name not in labels:
                labels[name] = labels.pop(other)
                renamed.add(name)
    return frozenset(renamed)


def subject(series: Series, rules: LabelRules) -> Named:
    """Returns the subject of the alert. If no label names a thing, the Subject has at most a namespace."""
    labels = series.labels
    if labels.get(STATED_TYPE) and labels.get(STATED_ID):
        where = labels.get(STATED_NAMESPACE, labels.get("namespace", ""))
        return Named(_stated(labels[STATED_TYPE], where, labels[STATED_ID]), STATED | {"namespace"})
    for number, label in _fitting(series, rules):
        if found := _named(rules.subjects[number], label, series, rules):
            return found
    return Named(Subject(namespace=_namespace(labels, "")), frozenset({"namespace", STATED_NAMESPACE}))


def namespaces(raw: Mapping[str, str], about: Subject, rules: LabelRules) -> tuple[str, ...]:
    """Returns every namespace that the labels name: the subject's, then the others."""
    others = {value for name, value in raw.items() if value and rules.is_namespace(name)}
    return tuple(dict.fromkeys(name for name in (about.namespace, *sorted(others)) if name))


def charged_to(raw: Mapping[str, str], about: Subject, rules: LabelRules) -> str:
    """Returns the namespace whose share of the budgets the alert uses. It is where the alert comes from,
    because whoever sends it can choose the subject."""
    teller = raw.get("namespace", "")
    return about.namespace if not teller or teller in rules.central else teller


def _teller(given: Mapping[str, str], scraped: bool, rules: LabelRules) -> str:
    # Without a target, `pod` and `container` name the subject, unless a service tells otherwise.
    for label in TELLER_LABELS if scraped else ("job", "service"):
        if label in given and (teller := rules.teller(given[label])):
            return teller
    if not scraped:
        return AGGREGATED
    return "controllers" if f"{EXPORTED}namespace" in given else APP


def _fitting(series: Series, rules: LabelRules) -> list[tuple[int, str]]:
    """Returns the lines of `subjects` that a label fits, and this label, in the order of the lines."""
    fitting = [(number, name) for name in series.labels for number in rules.lines(name)]
    fitting += [(number, name) for name in series.exported for number in rules.lines(EXPORTED + name)]
    return sorted(fitting)


def _pod_tells(
    labels: Mapping[str, str], exported: Mapping[str, str], teller: str, rules: LabelRules
) -> bool:
    """Returns whether the pod belongs to the teller, and the series is about something else."""
    pod = labels.get("pod", "")
    if not pod or "pod" in exported or teller == "kubelets":
        return False
    if teller == "objects":
        own = rules.tellers[teller]
        return own(pod) or own(labels.get("container", ""))
    if teller in ("hosts", "probes", "ceph", "storage"):
        return True
    exporter = rules.tellers["exporters"]
    if teller == AGGREGATED and not exporter(pod):
        return False
    if teller != AGGREGATED and _is_exporters_pod(labels, exporter):
        return True
    if teller in ("exporters", "controllers", "nodes", AGGREGATED):
        return any(_names_another_thing(name, labels, exported, rules) for name in labels)
    return any(
        rules.kind(EXPORTED + name) != "aspect" and rules.kind(name) not in PASSING for name in exported
    )


def _is_exporters_pod(labels: Mapping[str, str], exporter: Matcher) -> bool:
    """Returns whether the exporter has the pod for itself. In the pod of the program itself, only the
    container is an exporter."""
    names = [labels.get(label, "") for label in ("job", "service")]
    return exporter(labels["pod"]) or (exporter(labels.get("container", "")) and any(map(exporter, names)))


def _names_another_thing(
    name: str, labels: Mapping[str, str], exported: Mapping[str, str], rules: LabelRules
) -> bool:
    """Returns whether a label beside `pod` names a thing that is not the pod."""
    kind = rules.kind(name)
    if name in exported:
        return kind not in PASSING
    if rules.is_namespace(name):
        return labels[name] != labels.get("namespace", labels[name])
    return kind == "other" and name not in rules.cluster


def _named(rule: SubjectRule, label: str, series: Series, rules: LabelRules) -> Named | None:
    """Returns the subject if the label names it by this rule."""
    labels = series.labels
    by_name = SYNONYM in rule.tellers and label in series.renamed
    if rule.tellers and series.teller not in rule.tellers and not by_name:
        return None
    if not labels.keys().isdisjoint(rule.unless) or not labels.keys() >= rule.having:
        return None
    if rule.value and not pattern((rule.value,))(labels[label]):
        return None
    if label == "pod" and series.pod_tells and not rule.having:
        return None
    resource_type = rule.type or _type_of(labels.get(rule.kind, ""), rules)
    if not resource_type:
        return None
    where = "" if rule.scope == "cluster" else _namespace(labels, rule.namespace)
    naming = {label, rule.kind} | ({"namespace", rule.namespace} if where else set())
    return Named(_checked(resource_type, where, _id(resource_type, labels[label])), frozenset(naming))


def _type_of(kind: str, rules: LabelRules) -> str:
    """Returns the type of a kind of Kubernetes object, or an empty string if it is none."""
    lower = kind.lower()
    return rules.kinds.get(lower, f"k8s_{lower}") if KIND.fullmatch(kind) else ""


def _namespace(labels: Mapping[str, str], special: str) -> str:
    return labels.get(STATED_NAMESPACE) or labels.get(special) or labels.get("namespace", "")


def _stated(resource_type: str, namespace: str, resource_id: str) -> Subject:
    if not TYPE.fullmatch(resource_type) or resource_type.startswith(UNKNOWN):
        return Subject(f"{UNKNOWN}type", namespace, resource_id)
    return _checked(resource_type, namespace, resource_id)


def _checked(resource_type: str, namespace: str, resource_id: str) -> Subject:
    """Returns the subject. If no object can have its name, the type begins with UNKNOWN. The policy grants
    nothing for such a type."""
    real = is_name(resource_id) and (not namespace or is_name(namespace))
    kubernetes = resource_type.startswith("k8s_")
    return Subject((UNKNOWN if kubernetes and not real else "") + resource_type, namespace, resource_id)


def _id(resource_type: str, value: str) -> str:
    """Returns the name. A host's name ends before the port of its exporter."""
    host, _, port = value.rpartition(":")
    exporters_port = resource_type == "host" and host and port.isdigit() and (":" not in host or "]" in host)
    return host if exporters_port else value
