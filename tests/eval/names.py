"""What the words in capitals of a page stand for, by the alert's labels, the facts and the tools' answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Names = Mapping[str, tuple[str, ...]]
"""The values of each word, the first known one first."""
Found = Iterator[tuple[str, str]]

OF_LABEL = {
    "namespace": "NAMESPACE",
    "pod": "POD",
    "container": "CONTAINER",
    "node": "NODE",
    "instance": "INSTANCE",
    "job_name": "JOB",
    "job": "JOB",
    "service": "SERVICE",
    "persistentvolumeclaim": "CLAIM",
    "persistentvolume": "VOLUME",
    "deployment": "WORKLOAD",
    "statefulset": "WORKLOAD",
    "daemonset": "WORKLOAD",
    "horizontalpodautoscaler": "HPA",
    "resourcequota": "QUOTA",
    "cronjob": "CRONJOB",
    "mountpoint": "MOUNTPOINT",
    "device": "DEVICE",
    "name": "APISERVICE",
}
OF_KIND = {
    "Pod": "POD",
    "Node": "NODE",
    "Service": "SERVICE",
    "PersistentVolumeClaim": "CLAIM",
    "PersistentVolume": "VOLUME",
    "StorageClass": "STORAGECLASS",
    "Deployment": "WORKLOAD",
    "StatefulSet": "WORKLOAD",
    "DaemonSet": "WORKLOAD",
    "HorizontalPodAutoscaler": "HPA",
    "ResourceQuota": "QUOTA",
    "ReplicaSet": "REPLICASET",
    "Job": "JOB",
    "CronJob": "CRONJOB",
    "APIService": "APISERVICE",
}
OF_RESOURCE_TYPE = {"k8s_pod": "POD", "k8s_node": "NODE", "k8s_pvc": "CLAIM", "k8s_service": "SERVICE"}
HAS_PODS = ("Service", "Deployment", "StatefulSet", "ReplicaSet", "DaemonSet")
EXPORTERS: Mapping[str, tuple[str, ...]] = {
    "kube-state-metrics": ("instance", "service"),
    "kubelet": ("instance", "service"),
    "node-exporter": ("pod", "container", "service", "namespace"),
}
"""By job, the labels that name the exporter and not the sick thing."""
LISTED = "listed "
"""Before a kind, or before a call of `pods_list`: the objects that were shown."""
MOST = {"POD": 3, "FIRST": 3, "CONTAINER": 2, "REFERENCE": 8, "ITSPOD": 6}
MOST_LISTED = 5
OF_THE_CLUSTER = ("kube-system", "monitoring")
"""Their pods are looked at last."""
"""How many values of a word are tried; of others one."""
IN_TEXT = (
    ("NODE", re.compile(r"^\s*nodeName: (\S+)", re.M)),
    ("CLAIM", re.compile(r"^\s*claimName: (\S+)", re.M)),
    ("VOLUME", re.compile(r"^\s*volumeName: (\S+)", re.M)),
    ("STORAGECLASS", re.compile(r"^\s*storageClassName: (\S+)", re.M)),
    ("WORKLOAD", re.compile(r"kind: (?:StatefulSet|DaemonSet|Deployment)\n\s+name: (\S+)")),
    ("WORKLOAD", re.compile(r"kind: ReplicaSet\n\s+name: (\S+)-[a-z0-9]+$", re.M)),
    ("JOB", re.compile(r"kind: Job\n\s+name: (\S+)")),
)
HOST = re.compile(
    r"\b([a-z][a-z0-9-]*[a-z0-9](?:\.[a-z0-9-]+)*):\d{4,5}\b"
    r"|\b(?:host[=: ]+|server at )\"?([a-z][a-z0-9-]*[a-z0-9](?:\.[a-z0-9-]+)*)"
)
"""A host in a log or in a variable: with its port, or called so."""
ADDRESS = re.compile(r"address: (\S+)\n\s+type: InternalIP")
"""Of a node. Its exporter listens there."""
SERVED = re.compile(r"service:\n\s+name: (\S+)\n\s+namespace: (\S+)")
"""The Service that answers an aggregated API or a webhook."""
ROW = re.compile(r"^(\S+)\s+v1\s+Pod\s+(\S+).*", re.M)
NO_HOST = ("localhost", "go", "py", "line")
MOUNTED = re.compile(r"(\S+) on (\S+)")
CONTAINER = re.compile(r"(\S+) (\S+): .+")
SICK = re.compile(
    r"NotReady|SchedulingDisabled|CrashLoop|Error|Pending|Evicted|ImagePull|OOM|Failed|Unknown|Creating|\b0/[1-9]|False|Terminating"
)


def joined(*several: Names) -> dict[str, tuple[str, ...]]:
    """The values of all, without repetition."""
    words = dict.fromkeys(word for each in several for word in each)
    return {
        word: tuple(dict.fromkeys(value for each in several for value in each.get(word, ()) if value))
        for word in words
    }


def chosen(names: Names, word: str) -> tuple[str, ...]:
    """The values of the word that are tried."""
    return tuple(names.get(word, ()))[: MOST_LISTED if word.startswith(LISTED) else MOST.get(word, 1)]


def references(names: Names) -> tuple[str, ...]:
    """What is depended on: `Service/db`, or `Service/data/db` where it is in another namespace."""
    home = "".join(chosen(names, "NAMESPACE"))
    plain = [each.replace(f"/{home}/", "/") for each in names.get("REFERENCE", ())]
    return tuple(dict.fromkeys(plain))[: MOST["REFERENCE"]]


def of_alert(labels: Mapping[str, str], resource_type: str, resource_id: str) -> Names:
    """The words that the alert itself names."""
    found = [(OF_RESOURCE_TYPE.get(resource_type, ""), resource_id)]
    if labels.get("job", "") not in EXPORTERS and labels.get("service"):
        found.append(("REFERENCE", f"Service/{labels['service']}"))
    exporter = labels.get("job", "")
    others = EXPORTERS.get(exporter, ())
    for label, word in OF_LABEL.items():
        value = labels.get(f"exported_{label}", labels.get(label, ""))
        itself = exporter in EXPORTERS and label in ("pod", "container") and exporter in value
        if label not in others and not itself:
            found.append((word, value))
    return _gathered(pair for pair in found if pair[0])


def of_facts(facts: str) -> Names:
    """The words that the prompt's facts name."""
    found: list[tuple[str, str]] = []
    for line in facts.splitlines():
        if line.startswith("{"):
            try:
                found += _in_json(json.loads(line))
            except ValueError:  # a line of the alert's own block
                continue
    return _gathered(found)


def of_answers(answers: Iterable[str], known: Names) -> Names:
    """The words that the answers of tools name."""
    found: list[tuple[str, str]] = []
    for answer in answers:
        found += [(word, match) for word, pattern in IN_TEXT for match in pattern.findall(answer)]
        hosts = [first or second for first, second in HOST.findall(answer)]
        found += [("INSTANCE", f"{address}:9100") for address in ADDRESS.findall(answer)]
        found += [("REFERENCE", _service(host)) for host in hosts if host not in NO_HOST]
        found += [("REFERENCE", f"Service/{where}/{name}") for name, where in SERVED.findall(answer)]
        if answer.lstrip()[:1] == "{":
            try:
                found += _in_answer(json.loads(answer.partition("\n")[0]), known)
            except ValueError:
                continue
    workloads = (*known.get("WORKLOAD", ()), *(value for word, value in found if word == "WORKLOAD"))
    others = (*known.get("JOB", ()), *known.get("SERVICE", ()))
    references = (*known.get("REFERENCE", ()), *(value for word, value in found if word == "REFERENCE"))
    its = [name for kind, *_, name in (each.split("/") for each in references) if kind in HAS_PODS]
    begins = tuple(f"{name}-" for name in its)
    rows = [row for answer in answers for row in ROW.finditer(answer) if row[2].startswith(begins)]
    theirs = [("ITSPOD", f"{row[1]}/{row[2]}/") for row in sorted(rows, key=_well)]
    return _gathered([*found, *_pods(answers, workloads, others), *theirs])


def of_lists(told: Mapping[str, str]) -> Names:
    """The objects that were listed: pods by the call, what `resources_list` showed by its kind."""
    found: list[tuple[str, str]] = []
    for call, answer in told.items():
        if call.startswith("kubernetes.pods_list("):
            rows = sorted(ROW.finditer(answer), key=lambda row: (_well(row), row[1] in OF_THE_CLUSTER))
            found += [(f"{LISTED}{call}", f"{row[1]}/{row[2]}") for row in rows]
        if call.startswith("kubernetes.resources_list(") and answer.startswith("{"):
            items = json.loads(answer.partition("\n")[0]).get("items", ())
            found += [
                (f"{LISTED}{item['kind']}", f"{item.get('Namespace', '')}/{item['Name']}")
                for item in sorted(items, key=lambda item: not SICK.search(str(item)))
                if "kind" in item and "Name" in item
            ]
    return _gathered(found)


def _service(host: str) -> str:
    """`Service/db` for db; `Service/shop/db` for db.shop, db.shop.svc and db-0.db.shop."""
    parts = host.partition(".svc")[0].split(".")
    return "/".join(("Service", *reversed(parts[-2:])))


def _well(row: re.Match[str]) -> bool:
    return not SICK.search(row[0])


def _pods(answers: Iterable[str], workloads: Iterable[str], others: Iterable[str]) -> Found:
    """The pods of the workload in the tables of pods, the sick ones first."""
    begins = tuple(f"{name}-" for name in (*workloads, *others))
    lines = [line for answer in answers for line in answer.splitlines() if " Pod " in line]
    if not begins:  # nothing says which pods are meant: those that are sick
        yield from (("POD", line.split()[3]) for line in lines if SICK.search(line) and len(line.split()) > 3)
        return
    for line in sorted(lines, key=lambda line: not SICK.search(line)):
        names = [word for word in line.split() if word.startswith(begins)]
        if names:
            yield "POD", names[0]


def _in_json(value: Any) -> Found:
    """The words in a fact."""
    if isinstance(value, list):
        for each in value:
            yield from _in_text(each) if isinstance(each, str) else _in_json(each)
    if isinstance(value, dict):
        yield from _in_fields({name: part for name, part in value.items() if isinstance(part, str)})
        for each in value.values():
            yield from _in_json(each)


def _in_fields(value: Mapping[str, str]) -> Found:
    """The words that the texts of one object of JSON name."""
    kind, _, named = value.get("subject", "").partition("/")
    if kind in OF_KIND and named:
        yield OF_KIND[kind], named
    if value.get("kind") in OF_KIND and "name" in value:
        yield OF_KIND[value["kind"]], value["name"]
        yield "REFERENCE", "/".join(value[part] for part in ("kind", "namespace", "name") if part in value)
    if "pod" in value:
        yield "POD", "/".join(value[name] for name in ("namespace", "pod") if name in value)
    for name, word in (("node", "NODE"), ("storage_class", "STORAGECLASS"), ("volume", "VOLUME")):
        if name in value:
            yield word, value[name]


def _in_text(text: str) -> Found:
    """The words in `web-0 on w1` and in `web-0 web: running`."""
    if found := MOUNTED.fullmatch(text):
        yield from (("POD", found[1]), ("NODE", found[2]))
    elif found := CONTAINER.fullmatch(text):
        yield from (("POD", found[1]), ("CONTAINER", found[2]), ("ITSPOD", f"{found[1]}/{found[2]}"))


def _in_answer(answer: Any, known: Names) -> Found:
    """The pods in the world model's facts, or what series name."""
    if isinstance(answer, dict) and "facts" in answer:
        containers = [value for word, value in _in_json(answer) if word == "ITSPOD"]
        yield from (("ITSPOD", value) for value in containers)
        needs = [fact for fact in answer["facts"] if fact.get("kind") == "depends_on"]
        yield from (pair for pair in _in_json(needs) if pair[0] == "REFERENCE")
    yield from _in_series(answer, known)


def _in_series(answer: Any, known: Names) -> Found:
    """The instance of the node, or the node of the instance, and the pods that use most."""
    data = answer.get("data") if isinstance(answer, dict) else None
    if isinstance(data, list) and data and isinstance(data[0], dict) and "value" in data[0]:
        most = data[0].get("metric", {})
        if {"namespace", "pod"} <= set(most) <= {"namespace", "pod", "node"}:
            yield "FIRST", f"{most['namespace']}/{most['pod']}"
    for each in data if isinstance(data, list) else ():
        labels = each.get("metric", {}) if isinstance(each, dict) else {}
        node, instance = labels.get("nodename") or labels.get("node", ""), labels.get("instance", "")
        if instance.endswith(":9100") and node in known.get("NODE", ()):
            yield "INSTANCE", instance
        if node and instance in known.get("INSTANCE", ()):
            yield "NODE", node
        uses, fires = set(labels) == {"namespace", "pod"}, {"alertname", "namespace", "pod"} <= set(labels)
        if (uses or fires) and not known.get("POD"):
            yield "POD", f"{labels['namespace']}/{labels['pod']}"


def _gathered(found: Iterable[tuple[str, str]]) -> Names:
    names: dict[str, dict[str, None]] = {}
    for word, value in found:
        if value:
            names.setdefault(word, {})[value] = None
    return {word: tuple(values) for word, values in names.items()}
