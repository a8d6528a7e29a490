"""Stand-ins for what is below the claims: a kubelet that tells how full they are, and a storage that grows a
volume once its claim asks for more."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.incident.diary import Diary
from tests.real.components import ApiServer
from tests.real.incident import CLAIMS, MERGE
from tests.real.rules import Exporter

TICK_SECONDS = 0.5
GIB = 2**30
FILE_BYTES = 16 * 2**20
"""Of a full write-ahead log file."""
OTHER_FILES = 138
INODES_PER_GIB = 65_536
UNITS = {"Mi": 2**20, "Gi": GIB, "Ti": 2**40}
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
    found = re.fullmatch(r"(\d+)(Mi|Gi|Ti)", quantity)
    if found is None:
        raise ValueError(f"{quantity!r} is no size of a claim")
    return int(found[1]) * UNITS[found[2]]


@dataclass
class Volume:
    capacity: int
    files: int = 0
    """Of FILE_BYTES each."""
    until: int = 0
    """To how many files it fills."""

    @property
    def used(self) -> int:
        return self.files * FILE_BYTES

    @property
    def percent(self) -> float:
        return 100 * self.used / self.capacity

    def fill(self, files: int) -> None:
        self.files = max(self.files, min(self.until, self.files + files))


def series(namespace: str, claim: str, volume: Volume) -> dict[str, str]:
    """What a kubelet tells of it, by https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/metrics."""
    labels = f'{{namespace="{namespace}",persistentvolumeclaim="{claim}"}}'
    inodes, inodes_used = volume.capacity // GIB * INODES_PER_GIB, volume.files + OTHER_FILES
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


@dataclass
class Volumes:
    """All claims of the namespace, as the API server lists them."""

    exporter: Exporter
    admin: httpx.Client
    diary: Diary
    volumes: dict[str, Volume] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)
    """Of each, at the start."""
    speed: int = 4
    """Files in a tick."""
    over: threading.Event = field(default_factory=threading.Event)

    def tick(self) -> None:
        try:
            for claim in bound(self.admin):
                self._resize(claim)
        except httpx.HTTPError:
            pass  # the API server is away: the volumes fill all the same
        for volume in self.volumes.values():
            volume.fill(self.speed)
        by_name = sorted(self.volumes.items(), reverse=True)
        self.exporter.samples = {
            name: value for claim, volume in by_name for name, value in series("f3iai", claim, volume).items()
        }
        self.diary.samples.append(
            (self.diary.now(), {claim: round(volume.percent, 1) for claim, volume in by_name})
        )

    def _resize(self, claim: Any) -> None:
        name, asked = claim["metadata"]["name"], claim["spec"]["resources"]["requests"]["storage"]
        had = claim["status"]["capacity"]["storage"]
        volume = self.volumes.setdefault(name, Volume(size(had), self.files.get(name, 0)))
        if size(asked) > volume.capacity:
            state = {"status": {"capacity": {"storage": asked}}}
            self.admin.patch(f"{CLAIMS}/{name}/status", json=state, headers=MERGE).raise_for_status()
            volume.capacity = size(asked)
            self.diary.note(f"the volume of {name} grew from {had} to {asked}", f"{name} {asked}")

    def run(self) -> None:
        while not self.over.wait(TICK_SECONDS):
            self.tick()


@contextmanager
def volumes(api: ApiServer, exporter: Exporter, diary: Diary, files: Mapping[str, int]) -> Iterator[Volumes]:
    """All volumes, from the first look on, with so many files each."""
    with api.client(timeout=2) as admin:
        told = Volumes(exporter, admin, diary, files=files)
        told.tick()
        thread = threading.Thread(target=told.run)
        thread.start()
        try:
            yield told
        finally:
            told.over.set()
            thread.join()
