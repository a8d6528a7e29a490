"""The whole path in this process: policy, prompts and tiers as shipped, and Jobs that go nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from function.dispatch import wiring
from function.dispatch.model import JobStatus
from function.dispatch.ports import Cluster, Dependencies
from function.dispatch.settings import Settings
from function.shared.strict_json import Json

LAPTOP = {"HOST": "127.0.0.1", "SRE_DISPATCH_AUTH": "none", "SRE_DISPATCH_OPA_URL": "http://x"}


class ReadOnce:
    """The cluster, which reads each tier's file once: reading YAML takes longer than all else."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._templates: dict[str, Mapping[str, Any]] = {}

    def jobs(self) -> Sequence[JobStatus]:
        return self._cluster.jobs()

    def listed_job(self, name: str) -> JobStatus | None:
        return self._cluster.listed_job(name)

    def job(self, name: str) -> JobStatus | None:
        return self._cluster.job(name)

    def template(self, name: str) -> Mapping[str, Any]:
        if name not in self._templates:
            self._templates[name] = self._cluster.template(name)
        return self._templates[name]

    def create(self, manifest: Json) -> bool:
        return self._cluster.create(manifest)


@cache
def offline() -> Dependencies:
    """Built once: an engine with all rules takes its time."""
    found = wiring.offline(Settings.read(LAPTOP))
    return replace(found, cluster=ReadOnce(found.cluster))
