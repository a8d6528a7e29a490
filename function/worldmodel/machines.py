"""Reads how a machine does, from the node exporter and cAdvisor: what is scarce on it, what failed on it, and
which pods use the most of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from function.shared.fact_fields import MAX_LIST, MAX_NAME
from function.shared.facts import Fact, fact
from function.shared.prometheus import Sample, quoted
from function.shared.surroundings import Machine, PodUse
from function.shared.text import cut
from function.worldmodel.metrics import PART, of_machine, parts, query
from function.worldmodel.reader import Look
from function.worldmodel.usage import GIB, SOURCE, short

MAX_PODS = 3
MIB = 2**20
AGO = " offset 1h"


def machine(look: Look, name: str, addresses: Sequence[str]) -> Callable[[], list[Fact]]:
    """Queries how the Node of this name does. Returns a function that waits for the answer."""
    where = of_machine(name, addresses)
    usual = query(look, parts(_measured(where)))
    used = query(look, parts(_used(f"node={quoted(name)}")))

    def facts() -> list[Fact]:
        samples = [*usual()]
        values = {each.labels.get(PART, ""): each.value for each in samples}
        pods = tuple(_pods([*used()]))
        failed = sorted({cut(each.labels["name"]) for each in samples if "name" in each.labels})
        told = _machine(values, tuple(failed[:MAX_LIST]), pods)
        return [fact(told, SOURCE)] if values or pods else []

    return facts


def _measured(where: str) -> dict[str, str]:
    asked: dict[str, str] = {}
    for when in ("", AGO):
        idle = f'rate(node_cpu_seconds_total{{{where},mode="idle"}}[5m]{when})'
        free, total = (
            f"max(node_memory_{each}_bytes{{{where}}}{when})" for each in ("MemAvailable", "MemTotal")
        )
        asked |= {
            f"cpu{when}": f"100 * (1 - avg({idle}))",
            f"memory{when}": f"100 * (1 - {free} / {total})",
            f"disk{when}": f"100 * max(rate(node_disk_io_time_seconds_total{{{where}}}[5m]{when}))",
        }
    errors = (f"sum(rate(node_network_{way}_errs_total{{{where}}}[5m]))" for way in ("receive", "transmit"))
    return asked | {
        "errors": " + ".join(errors),
        "synchronised": f"min(node_timex_sync_status{{{where}}})",
        "offset": f"max(abs(node_timex_offset_seconds{{{where}}}))",
        "failed": f'max by (name) (node_systemd_unit_state{{{where},state="failed"}} == 1)',
    }


def _used(where: str) -> dict[str, str]:
    of = f'{{{where},container!="",pod!=""}}'
    by_pod = {
        "cpu": f"rate(container_cpu_usage_seconds_total{of}[5m])",
        "memory": f"container_memory_working_set_bytes{of} / {GIB}",
        "disk_writes": f"rate(container_fs_writes_bytes_total{of}[5m]) / {MIB}",
    }
    asked = {name: f"topk({MAX_PODS}, sum by (namespace, pod) ({each}))" for name, each in by_pod.items()}
    limits = f'kube_pod_container_resource_limits{{{where},resource="memory"}} / {GIB}'
    return asked | {"limit": f"sum by (namespace, pod) ({limits})"}


def _machine(values: dict[str, float], failed: tuple[str, ...], pods: tuple[PodUse, ...]) -> Machine:
    cpu, memory, disk = (
        (short(values.get(name)), short(values.get(f"{name}{AGO}"))) for name in ("cpu", "memory", "disk")
    )
    errors, offset = short(values.get("errors")), short(values.get("offset"))
    synchronised = values["synchronised"] > 0 if "synchronised" in values else None
    return Machine(*cpu, *memory, *disk, errors, synchronised, offset, failed, pods)


def _pods(samples: Sequence[Sample]) -> Iterator[PodUse]:
    limits = {_pod(each): each.value for each in samples if each.labels.get(PART) == "limit"}
    of: Any
    for of in ("cpu", "memory", "disk_writes"):
        for each in _most(each for each in samples if each.labels.get(PART) == of):
            limit = short(limits.get(_pod(each))) if of == "memory" else None
            yield PodUse(of, *_pod(each), short(each.value), limit)


def _most(samples: Iterable[Sample]) -> list[Sample]:
    return sorted(samples, key=lambda each: -each.value)[:MAX_PODS]


def _pod(sample: Sample) -> tuple[str, str]:
    namespace, pod = (cut(sample.labels.get(name, ""), MAX_NAME) for name in ("namespace", "pod"))
    return namespace, pod
