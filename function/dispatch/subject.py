"""Labels -> the subject of the alert, which is the thing with the problem.

labels.yaml says what each label means. This module applies it. A label describes either the thing with the
problem, or the scrape target that tells of it. For half of all public rules these are two different things.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from function.dispatch.labels import AGGREGATED, APP, LabelRules, Matcher, SubjectRule, pattern
from function.shared.event import Subject
from function.shared.resource import is_name

EXPORTED = "exported_"
"""The prefix that Prometheus writes before a series' own label if the scrape target has that label too."""
STATED_TYPE, STATED_ID, STATED_NAMESPACE = "sre_resource_type", "sre_resource_id", "sre_namespace"
STATED = frozenset((STATED_TYPE, STATED_ID, STATED_NAMESPACE))
"""The labels with which the author of a rule states the subject. They go before everything else."""
TELLER_LABELS = ("job", "service", "container", "app", "app_kubernetes_io_name", "k8s_app", "pod")
"""The labels whose values say who tells, the most reliable one first."""
TYPE = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
KIND = re.compile(r"[A-Za-z][A-Za-z0-9]{1,58}", re.ASCII)
UNKNOWN = "unknown_"
"""The prefix of the resource type if the name or the namespace is no valid Kubernetes name."""


@dataclass(frozen=True)
class Series:
    """The labels of an alert, read once."""

    labels: Mapping[str, str]
    """The labels under their standard names. An exported_NAME stands under NAME."""
    exported: frozenset[str]
    """The names that had the prefix. They describe the thing with the problem, never the target."""
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
    exported = {name.removeprefix(EXPORTED): value for name, value in given.items() if _is_exported(name)}
    labels = {name: value for name, value in given.items() if not _is_exported(name)} | exported
    for name, others in rules.synonyms.items():
        found = next((other for other in others if other in labels), None)
        if name not in labels and found:
            labels[name] = labels.pop(found)
    scraped = "instance" in given or "endpoint" in given
    teller = _teller(given, scraped, rules)
    pod_tells = "pod" not in exported and _pod_tells(given, labels, teller, rules)
    return Series(labels, frozenset(exported), scraped, teller, pod_tells)


def subject(series: Series, rules: LabelRules) -> Named:
    """Returns the subject of the alert. If no label names a thing, the Subject has at most a namespace."""
    labels = series.labels
    if labels.get(STATED_TYPE) and labels.get(STATED_ID):
        where = labels.get(STATED_NAMESPACE, labels.get("namespace", ""))
        return Named(_stated(labels[STATED_TYPE], where, labels[STATED_ID]), STATED | {"namespace"})
    for rule in rules.subjects:
        if found := _named(rule, series, rules):
            return found
    return Named(Subject(namespace=_namespace(labels, "")), frozenset({"namespace", STATED_NAMESPACE}))


def namespaces(raw: Mapping[str, str], about: Subject, rules: LabelRules) -> tuple[str, ...]:
    """Returns every namespace that the labels name: the subject's, then the others."""
    others = {value for name, value in raw.items() if value and _names_a_namespace(name, rules)}
    return tuple(dict.fromkeys(name for name in (about.namespace, *sorted(others)) if name))


def charged_to(raw: Mapping[str, str], about: Subject, rules: LabelRules) -> str:
    """Returns the namespace whose share of the budgets the alert uses. It is where the alert comes from,
    because whoever sends it can choose the subject."""
    teller = raw.get("namespace", "")
    return about.namespace if not teller or teller in rules.central else teller


def _is_exported(name: str) -> bool:
    return name.startswith(EXPORTED) and name != EXPORTED


def _names_a_namespace(name: str, rules: LabelRules) -> bool:
    plain = name.removeprefix(EXPORTED)
    return plain in ("namespace", STATED_NAMESPACE, *rules.synonyms.get("namespace", ())) or (
        rules.is_namespace(plain)
    )


def _teller(given: Mapping[str, str], scraped: bool, rules: LabelRules) -> str:
    names = [given[label] for label in TELLER_LABELS if label in given]
    if not scraped:  # here `pod` and `container` name the subject, unless a service tells otherwise
        names = [given[label] for label in ("job", "service") if label in given]
    for name in names:
        for teller, matches in rules.tellers.items():
            if matches(name):
                return teller
    if not scraped:
        return AGGREGATED
    return "controllers" if f"{EXPORTED}namespace" in given else APP


def _pod_tells(given: Mapping[str, str], labels: Mapping[str, str], teller: str, rules: LabelRules) -> bool:
    """Returns whether the pod belongs to the teller, and the series is about something else."""
    pod = given.get("pod", "")
    if not pod or teller == AGGREGATED:
        return False
    if teller == "objects":
        own = rules.tellers[teller]
        return own(pod) or own(given.get("container", ""))
    if teller == "kubelets":
        return False
    if teller in ("hosts", "probes", "ceph", "storage"):
        return True
    if teller == "exporters" and _is_exporters_pod(given, rules.tellers[teller]):
        return True
    return any(_names_another_thing(name, given, rules) for name in labels)


def _is_exporters_pod(given: Mapping[str, str], exporter: Matcher) -> bool:
    """Returns whether the exporter has the pod for itself. In the pod of the program itself, only the
    container is an exporter."""
    names = [given.get(label, "") for label in ("job", "service")]
    return exporter(given["pod"]) or (exporter(given.get("container", "")) and any(map(exporter, names)))


def _names_another_thing(name: str, given: Mapping[str, str], rules: LabelRules) -> bool:
    """Returns whether a label beside `pod` names a thing that is not the pod."""
    if name == "alertname" or name in STATED or name in rules.cluster:
        return False
    if f"{EXPORTED}{name}" in given:
        return rules.kind(name) not in ("volatile", "state")
    return rules.kind(name) == "other" and not _names_a_namespace(name, rules)


def _named(rule: SubjectRule, series: Series, rules: LabelRules) -> Named | None:
    """Returns the subject if the rule finds one."""
    labels = series.labels
    label = _label(rule.label, series)
    if label is None or (rule.tellers and series.teller not in rule.tellers):
        return None
    if any(name in labels or name.removeprefix(EXPORTED) in series.exported for name in rule.unless):
        return None
    if not all(name in labels for name in rule.having):
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


def _label(name: str, series: Series) -> str | None:
    """Returns the alert's label of that name. If * stands in the name, the first label that matches."""
    if _is_exported(name):
        plain = name.removeprefix(EXPORTED)
        return plain if plain in series.exported else None
    if "*" in name:
        return next(filter(pattern((name,)), sorted(series.labels)), None)
    return name if name in series.labels else None


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
