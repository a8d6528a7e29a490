"""Reads the calls that a prompt's page names, mechanically: it has no idea what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from tests.eval.forms import ToolCall
from tests.eval.names import LISTED, OF_KIND, Names, chosen, joined, of_answers, of_lists, references
from tests.harness.pages import CODE, TOOL, queries

HOUR_BEFORE = timedelta(hours=1)
MOST_POINTS = 60
ROUNDS = 5
"""Each round may use the names that the round before found."""
ITEM = re.compile(r"\n(?=\d+\. )|\n\n")
WORD = re.compile(r"\b[A-Z]{2,}\b")
PARENTHESES = r"(?: \(([a-z0-9./]+)\))?"
VERSIONS = {
    "Pod": "v1",
    "Node": "v1",
    "Service": "v1",
    "PersistentVolumeClaim": "v1",
    "PersistentVolume": "v1",
    "ResourceQuota": "v1",
    "Namespace": "v1",
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ControllerRevision": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "StorageClass": "storage.k8s.io/v1",
    "VolumeAttachment": "storage.k8s.io/v1",
    "EndpointSlice": "discovery.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Ingress": "networking.k8s.io/v1",
    "PodDisruptionBudget": "policy/v1",
    "APIService": "apiregistration.k8s.io/v1",
    "Lease": "coordination.k8s.io/v1",
    "CertificateSigningRequest": "certificates.k8s.io/v1",
    "ValidatingWebhookConfiguration": "admissionregistration.k8s.io/v1",
    "MutatingWebhookConfiguration": "admissionregistration.k8s.io/v1",
}
KIND = re.compile(rf"\b({'|'.join(VERSIONS)})s?\b{PARENTHESES}")
CLUSTER_WIDE = {
    "Node", "PersistentVolume", "Namespace", "StorageClass", "VolumeAttachment", "APIService",
    "CertificateSigningRequest", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration",
}  # fmt: skip
TAIL = 100


@dataclass(frozen=True)
class Mention:
    """A tool that the page names, with the text up to the next one."""

    tool: str
    text: str


def walked(
    text: str, names: Names, times: tuple[datetime, datetime], answer: Callable[[ToolCall], str]
) -> dict[str, str]:
    """What the calls that the text names answer, by call. `times` is the alert's start, and now."""
    told: dict[str, str] = {}
    for _ in range(ROUNDS):
        known = joined(names, of_answers(told.values(), names), of_lists(told))
        new = {str(call): call for call in calls(text, known, *times) if str(call) not in told}
        if not new:
            break
        told |= {name: answer(call) for name, call in new.items()}
    return told


def calls(text: str, names: Names, began: datetime, now: datetime) -> Iterator[ToolCall]:
    """The calls that the text names, as far as the names are known."""
    for item in ITEM.split(text):
        line = " ".join(item.split())
        for query in queries(line):
            for filled in fillings(query, names):
                yield from asked(filled, began, now)
        found = [*mentions(line)]
        its = joined(names, {f"{LISTED}Pod": tuple(_these_pods(found, names))})
        for mention in found:
            yield from CALLS.get(mention.tool, _nothing)(mention.text, its)


def _these_pods(found: Iterable[Mention], names: Names) -> Iterator[str]:
    """The pods that the lists of the same sentence showed."""
    for mention in found:
        if mention.tool == "pods_list":
            for call in _pods_list(mention.text, names):
                yield from names.get(f"{LISTED}{call}", ())


def mentions(line: str) -> Iterator[Mention]:
    found = [match for match in CODE.finditer(line) if TOOL.fullmatch(match[1])]
    ends = [*(match.start() for match in found[1:]), len(line)]
    for match, end in zip(found, ends, strict=False):  # a line without a tool has an end too
        yield Mention(match[1], line[match.end() : end])


def fillings(text: str, names: Names) -> Iterator[str]:
    """The text with values in place of its words; nothing where one is not known."""
    words = [word for word in dict.fromkeys(WORD.findall(text)) if word in KNOWN]
    for values in product(*(chosen(names, word) for word in words)):
        filled = text
        for word, value in zip(words, values, strict=True):
            plain = value.rpartition("/")[2] if word == "POD" else value
            filled = re.sub(rf"\b{word}\b", lambda _, value=plain: value, filled)  # type: ignore[misc]
        yield filled


def asked(query: str, began: datetime, now: datetime) -> Iterator[ToolCall]:
    """The query now, and from one hour before the alert's start."""
    start = began - HOUR_BEFORE
    step = max(60, int((now - start).total_seconds() / MOST_POINTS) + 1)
    common = {"expr": query, "endTime": "now"}
    yield ToolCall("grafana.query_prometheus", common | {"queryType": "instant"})
    span = {"queryType": "range", "startTime": start.strftime("%Y-%m-%dT%H:%M:%SZ"), "stepSeconds": step}
    yield ToolCall("grafana.query_prometheus", common | span)


def _home(names: Names) -> dict[str, str]:
    known = chosen(names, "NAMESPACE")
    return {"namespace": known[0]} if known else {}


def _selectors(text: str, names: Names) -> Iterator[dict[str, str]]:
    """The selectors that the text gives to a tool."""
    for code in CODE.findall(text):
        if "=" in code and not set(code) & set("{(~!> "):
            field = code.startswith(("involvedObject.", "spec.", "status.", "metadata.", "reason=", "type="))
            for filled in fillings(code, names):
                if not filled.endswith("="):
                    yield {"fieldSelector" if field else "labelSelector": filled}


def _pod(pod: str, names: Names) -> dict[str, Any]:
    """The pod's name and namespace, which is the alert's unless the pod's own is known."""
    namespace, _, name = pod.rpartition("/")
    return ({"namespace": namespace} if namespace else _home(names)) | {"name": name}


def _which(text: str) -> str:
    """The word for the pods that are meant: the alert's, those of a list, or the first of an answer."""
    if " of these pods" in text[:20]:
        return f"{LISTED}Pod"
    return "FIRST" if " the first" in text[:20] else "POD"


def _pods_get(text: str, names: Names) -> Iterator[ToolCall]:
    for pod in chosen(names, _which(text)):
        yield ToolCall("kubernetes.pods_get", _pod(pod, names))


def _pods_log(text: str, names: Names) -> Iterator[ToolCall]:
    if " of its pods" in text[:20]:
        for call in _logs_of_others(names):
            yield call
            if "`previous`" in text[:60] and call.tool == "kubernetes.pods_log":
                yield ToolCall(call.tool, {**call.arguments, "previous": True})
        return
    which = _which(text)
    for pod in chosen(names, which):
        for container in (which == "POD" and chosen(names, "CONTAINER")) or ("",):
            named = {"container": container} if container else {}
            whole = _pod(pod, names) | {"tail": TAIL} | named
            yield ToolCall("kubernetes.pods_log", whole)
            if "`previous`" in text:
                yield ToolCall("kubernetes.pods_log", whole | {"previous": True})


def _logs_of_others(names: Names) -> Iterator[ToolCall]:
    """The logs of what is depended on. In another namespace its pods are listed first."""
    elsewhere = [each.split("/")[1] for each in references(names) if each.count("/") > 1]
    for namespace in dict.fromkeys(elsewhere):
        if {"namespace": namespace} != _home(names):
            yield ToolCall("kubernetes.pods_list_in_namespace", {"namespace": namespace})
    for each in chosen(names, "ITSPOD"):
        *where, pod, container = each.split("/")
        its = {"name": pod, "tail": TAIL} | ({"container": container} if container else {})
        yield ToolCall("kubernetes.pods_log", ({"namespace": where[0]} if where else _home(names)) | its)


def _events_list(text: str, names: Names) -> Iterator[ToolCall]:
    selectors = [*_selectors(text, names)]
    for selector in selectors:
        of_node = any(f"={node}" in selector.get("fieldSelector", "") for node in names.get("NODE", ()))
        yield ToolCall("kubernetes.events_list", selector | ({} if of_node else _home(names)))
    if not selectors and "of the namespace" in text:
        yield ToolCall("kubernetes.events_list", _home(names))


def _pods_list(text: str, names: Names) -> Iterator[ToolCall]:
    for selector in _selectors(text, names):
        yield ToolCall("kubernetes.pods_list", selector)


def _pods_list_in_namespace(text: str, names: Names) -> Iterator[ToolCall]:
    if home := _home(names):
        yield ToolCall("kubernetes.pods_list_in_namespace", home)


def _resources_get(text: str, names: Names) -> Iterator[ToolCall]:
    """Each kind that the text names, by its name. Where no name is known, the list, then what it shows."""
    for kind, version in KIND.findall(text):
        what = {"apiVersion": version or VERSIONS[kind], "kind": kind}
        where = {} if kind in CLUSTER_WIDE else _home(names)
        known = chosen(names, OF_KIND.get(kind, ""))
        for name in known:
            yield ToolCall("kubernetes.resources_get", what | where | {"name": name})
        if not known:
            yield ToolCall("kubernetes.resources_list", what | where)
            for each in chosen(names, f"{LISTED}{kind}"):
                yield ToolCall("kubernetes.resources_get", what | _pod(each, {}))


def _resources_list(text: str, names: Names) -> Iterator[ToolCall]:
    selectors = [*_selectors(text, names)] or [{}]
    for kind, version in KIND.findall(text):
        what: dict[str, Any] = {"apiVersion": version or VERSIONS[kind], "kind": kind}
        where = {} if kind in CLUSTER_WIDE else _home(names)
        for selector in selectors:
            yield ToolCall("kubernetes.resources_list", what | where | selector)


def _context(text: str, names: Names) -> Iterator[ToolCall]:
    which = _which(text)
    if which != "POD" or " of that pod" in text[:20]:
        for pod in chosen(names, which)[:2]:
            of_pod = _pod(pod, names)
            told = {"resource_type": "Pod", "resource_id": of_pod.pop("name")} | of_pod
            yield ToolCall("world.get_resource_context", told)
        return
    for each in references(names):
        kind, *known, name = each.split("/")
        where = {} if kind in CLUSTER_WIDE else {"namespace": known[0]} if known else _home(names)
        told = {"resource_type": kind, "resource_id": name} | where
        yield ToolCall("world.get_resource_context", told)


def _top(tool: str) -> Callable[[str, Names], Iterator[ToolCall]]:
    def call(text: str, names: Names) -> Iterator[ToolCall]:
        yield ToolCall(tool, {})

    return call


def _nothing(text: str, names: Names) -> Iterator[ToolCall]:
    yield from ()


KNOWN = {*OF_KIND.values(), "NAMESPACE", "CONTAINER", "INSTANCE", "JOB", "MOUNTPOINT", "DEVICE"}
CALLS: Mapping[str, Callable[[str, Names], Iterable[ToolCall]]] = {
    "pods_get": _pods_get,
    "pods_log": _pods_log,
    "events_list": _events_list,
    "pods_list": _pods_list,
    "pods_list_in_namespace": _pods_list_in_namespace,
    "resources_get": _resources_get,
    "resources_list": _resources_list,
    "nodes_top": _top("kubernetes.nodes_top"),
    "get_resource_context": _context,
    "pods_top": _top("kubernetes.pods_top"),
    "namespaces_list": _top("kubernetes.namespaces_list"),
}
