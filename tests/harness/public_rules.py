"""The data sets of public and of stock alerting rules, and which subject each of their alerts gets.
`python -m tests.harness.public_rules` prints the table, and each alert that is not right. The last
column counts the alerts that name the exporter instead of their subject."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import yaml

from function.dispatch import translate
from function.shared.event import SREEvent
from tests.harness.process import ROOT
from tests.harness.reading import reading

FILES = sorted((ROOT / "tests" / "cases").glob("*_rules.yaml"))
KINDS = (
    *("pvc", "pv", "pod", "node", "deployment", "statefulset", "daemonset", "replicaset", "job", "cronjob"),
    *("hpa", "pdb", "resourcequota", "namespace", "service", "ingress"),
)
NAMED = {"host", "instance", "url", "ceph", *(f"k8s_{kind}" for kind in KINDS)}
"""The types that the data set names. `*` is every other type."""
TARGET = {
    *("instance", "pod", "container", "service", "endpoint", "job", "kubernetes_name", "kubernetes_pod_name"),
    *("k8s_pod_name", "k8s_container_name", "service_name", "service_instance_id"),
}
"""The labels of a scrape target, by the names that Prometheus, its charts and OpenTelemetry give them."""
VERDICTS = ("right", "wrong", "none")


@dataclass(frozen=True)
class Rule:
    """A rule with the labels of one alert of it, and the subjects that are right."""

    exporter: str
    source: str
    alert: str
    labels: tuple[tuple[str, str], ...]
    types: tuple[str, ...]
    namespaces: tuple[str, ...]
    ids: tuple[str, ...]
    about_exporter: bool

    @property
    def name(self) -> str:
        return f"{self.exporter}, {self.alert}"


def _rules() -> Iterator[Rule]:
    groups = [
        group for file in FILES for group in yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
    ]
    for group in groups:
        for rule in group["rules"]:
            types, namespaces, ids = (tuple(part.split("|")) for part in rule["subject"])
            labels = tuple(rule["labels"].items())
            about = rule.get("about_exporter", False)
            yield Rule(
                group["exporter"], group["source"], rule["alert"], labels, types, namespaces, ids, about
            )


RULES = tuple(_rules())


def delivered(rule: Rule) -> dict[str, object]:
    """Returns the alert as Alertmanager posts it."""
    added = {"alertname": rule.alert, "prometheus": "monitoring/kube-prom-stack-kube-prome-prometheus"}
    labels = {"severity": "warning"} | dict(rule.labels) | added
    alert = {"status": "firing", "labels": labels, "annotations": {}, "startsAt": "2026-03-29T03:00:00Z"}
    return {"version": "4", "groupKey": "{}", "receiver": "sre-dispatch", "alerts": [alert]}


@cache
def found(rule: Rule) -> tuple[str, str, str]:
    """Returns type, namespace and id of the subject that the alert gets."""
    (event,) = translate.webhook(delivered(rule), reading()).alerts
    assert isinstance(event, SREEvent), rule.name
    return event.resource_type, event.namespace, event.resource_id


def verdict(rule: Rule) -> str:
    """Returns `right`, `none` if the alert should have a subject and has none, or else `wrong`."""
    of_type, namespace, name = found(rule)
    type_fits = of_type in rule.types or ("*" in rule.types and of_type not in NAMED | {""})
    namespace_fits = "*" in rule.namespaces or namespace in rule.namespaces
    if type_fits and namespace_fits and name in rule.ids:
        return "right"
    return "wrong" if name else "none"


def names_the_exporter(rule: Rule) -> bool:
    """Returns whether the subject is the scrape target, although the alert is about another object."""
    target = {value for label, value in rule.labels if label in TARGET} - {*rule.ids}
    return not rule.about_exporter and found(rule)[2] in target


def table() -> Iterator[str]:
    yield _row(("exporter", "rules", *VERDICTS, "right %", "exporter"))
    for exporter in (*sorted({rule.exporter for rule in RULES}), "all"):
        of = [rule for rule in RULES if exporter in (rule.exporter, "all")]
        told = Counter(map(verdict, of))
        percent = f"{100 * told['right'] / len(of):.0f}"
        yield _row((exporter, len(of), *map(told.get, VERDICTS), percent, sum(map(names_the_exporter, of))))


def _row(columns: Sequence[object]) -> str:
    return f"{columns[0]:30}" + "".join(f"{column or 0:>9}" for column in columns[1:])


def misses() -> Iterator[str]:
    for rule in RULES:
        if verdict(rule) != "right":
            wanted = ("|".join(part) for part in (rule.types, rule.namespaces, rule.ids))
            yield f"{verdict(rule)}: {rule.name}: is {_shown(found(rule))}, expected {_shown(wanted)}"


def _shown(parts: Iterable[str]) -> str:
    return " ".join(part or '""' for part in parts)


if __name__ == "__main__":
    for line in (*table(), "", *misses()):
        print(line)
