"""Stand-ins for what is below the claims: a kubelet that tells how full they are, and a storage that grows a
volume once its claim asks for more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.harness.components import ApiServer
from tests.harness.incident import CLAIMS, MERGE
from tests.harness.rules import Exporter
from tests.harness.ticking import ticking
from tests.story.diary import Diary

TICK_SECONDS = 0.5
FILES_IN_A_TICK = 4
FILES_OF_ONE = 64
"""Full write-ahead log files in one of the unit, which are 16 MiB to a GiB and 16 KiB to a MiB."""
OTHER_FILES = 138
INODES_PER_GIB = 65_536
UNITS = {"Mi": 2**20, "Gi": 2**30}
KUBELET = {
    "job": "kubelet",
    "endpoint": "https-metrics",
    "instance": "10.0.4.12:10250",
    "metrics_path": "/metrics",
    "node": "fmc-worker-2",
    "service": "kube-prom-stack-kube-prome-kubelet",
}
"""The labels of its target, as the chart's ServiceMonitor gives them."""


def size(quantity: str) -> int:
    """Bytes of a quantity in binary units."""
    found = re.fullmatch(r"(\d+)(Mi|Gi)", quantity)
    if found is None:
        raise ValueError(f"{quantity!r} is no size of a claim")
    return int(found[1]) * UNITS[found[2]]


@dataclass
class Volume:
    capacity: int
    files: int = 0
    until: int = 0
    """To how many files it fills."""

    @property
    def used(self) -> int:
        return self.files * UNITS["Gi"] // FILES_OF_ONE

    @property
    def percent(self) -> float:
        return 100 * self.used / self.capacity

    def fill(self, files: int) -> None:
        self.files = max(self.files, min(self.until, self.files + files))


def series(namespace: str, claim: str, volume: Volume) -> dict[str, str]:
    """What a kubelet tells of it, by https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/metrics."""
    labels = f'{{namespace="{namespace}",persistentvolumeclaim="{claim}"}}'
    inodes, inodes_used = volume.capacity // UNITS["Gi"] * INODES_PER_GIB, volume.files + OTHER_FILES
    told = {
        "capacity_bytes": volume.capacity,
        "used_bytes": volume.used,
        "available_bytes": volume.capacity - volume.used,
        "inodes": inodes,
        "inodes_used": inodes_used,
        "inodes_free": inodes - inodes_used,
    }
    return {f"kubelet_volume_stats_{name}{labels}": str(value) for name, value in told.items()}


def bound(admin: httpx.Client) -> list[Any]:
    """The claims that have a volume; a kubelet tells of no other."""
    listed = admin.get(CLAIMS).raise_for_status().json()["items"]
    return [each for each in listed if each["status"].get("phase") == "Bound"]


def wanted(claim: Any) -> str:
    """The size that a bound claim asks for, nothing where it has it."""
    asked: str = claim["spec"]["resources"]["requests"]["storage"]
    return asked if size(asked) > size(claim["status"]["capacity"]["storage"]) else ""


def grown(admin: httpx.Client, claim: Any, to: str, diary: Diary) -> None:
    """Says that the claim has it now, as what provisioned its volume would."""
    name, had = claim["metadata"]["name"], claim["status"]["capacity"]["storage"]
    state = {"status": {"capacity": {"storage": to}}}
    admin.patch(f"{CLAIMS}/{name}/status", json=state, headers=MERGE).raise_for_status()
    diary.note(f"the volume of {name} grew from {had} to {to}", f"{name} {to}")


@dataclass
class Simulated:
    """The volumes of all claims of the namespace, as the API server lists them."""

    exporter: Exporter
    admin: httpx.Client
    diary: Diary
    files: Mapping[str, int]
    """Of each, at the start."""
    volumes: dict[str, Volume] = field(default_factory=dict)

    def fill(self, claim: str, files: int) -> None:
        self.volumes[claim].until = files

    def tick(self) -> None:
        try:
            for claim in bound(self.admin):
                self._resize(claim)
        except httpx.HTTPError:
            pass  # the API server is away: the volumes fill all the same
        for volume in self.volumes.values():
            volume.fill(FILES_IN_A_TICK)
        by_name = sorted(self.volumes.items(), reverse=True)
        self.exporter.samples = {
            name: value for claim, volume in by_name for name, value in series("f3iai", claim, volume).items()
        }
        self.diary.sample({claim: volume.percent for claim, volume in by_name})

    def _resize(self, claim: Any) -> None:
        name, had = claim["metadata"]["name"], claim["status"]["capacity"]["storage"]
        volume = self.volumes.setdefault(name, Volume(size(had), self.files.get(name, 0)))
        if to := wanted(claim):
            grown(self.admin, claim, to, self.diary)
            volume.capacity = size(to)


@contextmanager
def simulated(
    api: ApiServer, exporter: Exporter, diary: Diary, files: Mapping[str, int]
) -> Iterator[Simulated]:
    """All volumes, from the first look on, with so many files each."""
    with api.client(timeout=2) as admin:
        told = Simulated(exporter, admin, diary, files)
        with ticking(told.tick, TICK_SECONDS):
            yield told
