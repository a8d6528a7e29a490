"""Reads more facts from Prometheus: CPU time, file systems of a node, scrape targets, and the control plane.

A cluster need not have these series. So a missing series is no gap, nor is a missing Prometheus. A failed
query is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from function.shared.control_plane import ApiServer, Etcd, Verb, Webhook
from function.shared.fact_fields import MAX_NAME
from function.shared.facts import Fact, fact
from function.shared.prometheus import Sample, quoted
from function.shared.symptoms import Cpu, FileSystem, FileSystems, PodDisk, Target, Targets
from function.shared.text import cut
from function.worldmodel import objects
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look
from function.worldmodel.usage import GIB, SOURCE, short

MAX_CONTAINERS, MAX_FILE_SYSTEMS, MAX_PODS, MAX_TARGETS, MAX_VERBS = 5, 10, 5, 10, 10
PART = "sre_part"
"""The label by which one query returns several values."""
TIMES = {"": "", "_an_hour_ago": " offset 1h", "_a_day_ago": " offset 1d"}
PSEUDO = "tmpfs|ramfs|overlay|squashfs|nsfs|proc|sysfs|cgroup2?|devtmpfs|iso9660"
"""Types of file systems that hold nothing on a disk."""
DISK = "node_filesystem_"
"""The prefix of the node exporter's series."""


def query(look: Look, expression: str) -> Callable[[], Sequence[Sample]]:
    return look.query(expression) if look.prometheus else tuple


def parts(expressions: Mapping[str, str]) -> str:
    """Returns one expression for several. The label PART says which one a sample is of."""
    return " or ".join(f'label_replace({of}, "{PART}", "{name}", "", "")' for name, of in expressions.items())


def cpu(look: Look, pod: Object) -> Callable[[], list[Fact]]:
    """Queries the CPU time of the pod's containers, now and before, and the share of throttled periods."""
    where = f"namespace={quoted(objects.namespace(pod))},pod={quoted(objects.name(pod))}"
    of = f'{{{where},container!="",container!="POD"}}'

    def rate(name: str, offset: str) -> str:
        return f"sum by (container) (rate(container_cpu_{name}{of}[5m]{offset}))"

    asked = {f"used{when}": rate("usage_seconds_total", offset) for when, offset in TIMES.items()}
    for when in ("", "_an_hour_ago"):
        periods = [rate(f"cfs_{each}periods_total", TIMES[when]) for each in ("throttled_", "")]
        asked[f"throttled{when}"] = " / ".join(periods)
    samples = query(look, parts(asked))

    def facts() -> list[Fact]:
        values: dict[str, dict[str, float]] = {}
        for each in samples():
            values.setdefault(each.labels.get("container", ""), {})[each.labels.get(PART, "")] = each.value
        containers = objects.spec(pod).get("containers") or ()
        known = [(each, values[each["name"]]) for each in containers if each["name"] in values]
        busiest = sorted(known, key=lambda each: -each[1].get("throttled", 0))
        return [fact(_cpu(*each), SOURCE) for each in busiest[:MAX_CONTAINERS]]

    return facts


def _cpu(container: Mapping[str, Any], values: Mapping[str, float]) -> Cpu:
    resources = container.get("resources") or {}
    limit, request = ((resources.get(kind) or {}).get("cpu") for kind in ("limits", "requests"))

    def percent(when: str) -> Any:
        return short(values[when] * 100) if when in values else None

    return Cpu(
        container=container["name"],
        limit_cores=float(parse_quantity(limit)) if limit else None,
        request_cores=float(parse_quantity(request)) if request else None,
        used_cores=short(values.get("used")),
        used_cores_an_hour_ago=short(values.get("used_an_hour_ago")),
        used_cores_a_day_ago=short(values.get("used_a_day_ago")),
        throttled_percent=percent("throttled"),
        throttled_percent_an_hour_ago=percent("throttled_an_hour_ago"),
    )


def of_machine(name: str, addresses: Sequence[str]) -> str:
    """Returns the matcher of a machine's series. Their instance is its name or an address, with a port."""
    hosts = "|".join(re.escape(each) for each in dict.fromkeys([name, *addresses]))
    return f"instance=~{quoted(f'({hosts})(:[0-9]+)?')}"


def filesystems(look: Look, node: Object) -> Callable[[], list[Fact]]:
    """Queries the file systems of a Node, now and a day ago, and the pods that wrote the most."""
    name, addresses = objects.name(node), objects.addresses(node)
    wanted = (of_machine(name, addresses), f"node={quoted(name)}")

    def of(series: str, offset: str = "") -> str:
        usual = f'__name__=~"{DISK}({series})",fstype!~"{PSEUDO}"'
        return " or ".join(f"{{{usual},{each}}}{offset}" for each in wanted)

    now = query(look, of("avail_bytes|size_bytes|files|files_free"))
    before = query(look, of("avail_bytes|size_bytes", " offset 1d"))
    written = f'sum by (namespace, pod) (container_fs_usage_bytes{{node={quoted(name)},pod!=""}})'
    biggest = query(look, f"topk({MAX_PODS}, {written})")

    def facts() -> list[Fact]:
        earlier = _by_file_system(before())
        found = [_file_system(*each, earlier) for each in _by_file_system(now()).items()]
        fullest = sorted(filter(None, found), key=lambda each: -each.used_percent)
        if not fullest:
            return []
        more = max(0, len(fullest) - MAX_FILE_SYSTEMS)
        return [fact(FileSystems(tuple(fullest[:MAX_FILE_SYSTEMS]), _biggest(biggest()), more), SOURCE)]

    return facts


Key = tuple[str, str]
Values = dict[str, float]


def _by_file_system(samples: Iterable[Sample]) -> dict[Key, Values]:
    found: dict[Key, Values] = {}
    for each in samples:
        key = (each.labels.get("mountpoint", ""), each.labels.get("device", ""))
        found.setdefault(key, {})[each.labels.get("__name__", "").removeprefix(DISK)] = each.value
    return found


def _file_system(key: Key, values: Values, earlier: Mapping[Key, Values]) -> FileSystem | None:
    used = _used_percent(values)
    if used is None:
        return None
    files = values.get("files")
    inodes = (1 - values["files_free"] / files) * 100 if files and "files_free" in values else None
    before = _used_percent(earlier.get(key, {}))
    mountpoint, device = map(cut, key)
    size = short(values["size_bytes"] / GIB)
    return FileSystem(mountpoint, device, size, short(used), short(before), short(inodes))


def _used_percent(values: Values) -> float | None:
    size = values.get("size_bytes")
    return (1 - values["avail_bytes"] / size) * 100 if size and "avail_bytes" in values else None


def _biggest(samples: Iterable[Sample]) -> tuple[PodDisk, ...]:
    largest = sorted(samples, key=lambda each: -each.value)
    return tuple(
        PodDisk(
            cut(each.labels.get("namespace", ""), MAX_NAME),
            cut(each.labels.get("pod", ""), MAX_NAME),
            short(each.value / GIB),
        )
        for each in largest[:MAX_PODS]
    )


def targets(look: Look, namespace: str, service: str) -> Callable[[], list[Fact]]:
    """Queries which scrape targets of a Service are up."""
    samples = query(look, f"up{{namespace={quoted(namespace)},service={quoted(service)}}}")

    def facts() -> list[Fact]:
        found = [
            Target(cut(each.labels.get("instance", "")), cut(each.labels.get("job", "")), each.value > 0)
            for each in samples()
        ]
        down_first = sorted(found, key=lambda each: (each.up, each.instance))
        up = sum(each.up for each in found)
        told = Targets(up, len(found) - up, tuple(down_first[:MAX_TARGETS]))
        return [fact(told, SOURCE)] if found else []

    return facts


def control_plane(look: Look, pod: Object) -> Callable[[], list[Fact]]:
    """Queries what a pod of etcd or of the API server measures. Other pods have no such facts."""
    where = f"namespace={quoted(objects.namespace(pod))},pod={quoted(objects.name(pod))}"
    return _component(look, objects.labels(pod), where)


def control_plane_service(look: Look, service: Object) -> Callable[[], list[Fact]]:
    """Queries the same of all pods that the Service selects."""
    where = f"namespace={quoted(objects.namespace(service))},service={quoted(objects.name(service))}"
    return _component(look, objects.spec(service).get("selector") or {}, where)


def whole_control_plane(look: Look) -> Callable[[], list[Fact]]:
    """Queries the same of every API server and every member of etcd, by the names that their scrape jobs
    usually have."""
    asked = [_api_server(look, 'job=~".*apiserver.*"'), _etcd(look, 'job=~".*etcd.*"')]
    return lambda: [each for answered in asked for each in answered()]


def _component(look: Look, labels: Mapping[str, str], where: str) -> Callable[[], list[Fact]]:
    readers = {"etcd": _etcd, "kube-apiserver": _api_server}
    reader = readers.get(labels.get("component", ""))
    return reader(look, where) if reader else list


def _etcd(look: Look, where: str) -> Callable[[], list[Fact]]:
    """Of several members, the worst value of each kind counts."""
    of = f"{{{where}}}"

    def p99(name: str, offset: str = "") -> str:
        rates = f"rate(etcd_disk_{name}_duration_seconds_bucket{of}[5m]{offset})"
        return f"max(histogram_quantile(0.99, sum by (instance, le) ({rates})))"

    asked = {
        "leader": f"min(etcd_server_has_leader{of})",
        "changes": f"max(increase(etcd_server_leader_changes_seen_total{of}[1h]))",
        "fsync": p99("wal_fsync"),
        "fsync_before": p99("wal_fsync", TIMES["_an_hour_ago"]),
        "commit": p99("backend_commit"),
        "size": f"max(etcd_mvcc_db_total_size_in_bytes{of}) / {GIB}",
        "quota": f"max(etcd_server_quota_backend_bytes{of}) / {GIB}",
    }
    samples = query(look, parts(asked))

    def facts() -> list[Fact]:
        values = {each.labels.get(PART, ""): each.value for each in samples()}
        leader = values.get("leader")
        measured = [short(values.get(name)) for name in asked if name != "leader"]
        told = Etcd(None if leader is None else leader > 0, *measured)
        return [fact(told, SOURCE)] if values else []

    return facts


def _api_server(look: Look, where: str) -> Callable[[], list[Fact]]:
    def rate(selector: str) -> str:
        return f"sum by (verb) (rate(apiserver_request_total{{{selector}}}[5m]))"

    asked = {"requests": rate(where), "errors": rate(f'{where},code=~"5.."')}
    calls = f'apiserver_admission_webhook_rejection_count{{{where},error_type="calling_webhook_error"}}'
    asked["webhooks"] = f"topk({MAX_VERBS}, sum by (name) (rate({calls}[5m])) > 0)"
    samples = query(look, parts(asked))

    def facts() -> list[Fact]:
        values: dict[str, dict[str, float]] = {}
        failing = [each for each in samples() if each.labels.get(PART) == "webhooks"]
        for each in (sample for sample in samples() if sample not in failing):
            values.setdefault(each.labels.get("verb", ""), {})[each.labels.get(PART, "")] = each.value
        verbs = [
            Verb(cut(verb, MAX_NAME), short(of.get("requests", 0.0)), short(of.get("errors", 0.0)))
            for verb, of in values.items()
        ]
        worst = sorted(verbs, key=lambda each: (-each.errors_per_second, -each.requests_per_second))
        webhooks = [
            Webhook(cut(each.labels.get("name", ""), MAX_NAME), short(each.value)) for each in failing
        ]
        return (
            [fact(ApiServer(tuple(worst[:MAX_VERBS]), tuple(webhooks[:MAX_VERBS])), SOURCE)] if worst else []
        )

    return facts
