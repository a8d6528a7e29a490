"""Turns every unexpected error of a port into Unavailable.

The dependency behind a port may recover, so the alert is deferred. Only the location of the error is logged,
because the error's message may quote an alert.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

from function.dispatch.model import JobStatus
from function.dispatch.ports import Cluster, Dependencies, Policy, WorldModel
from function.shared.errors import DispatchError, Unavailable, location
from function.shared.event import SREEvent
from function.shared.strict_json import Json

P = ParamSpec("P")
T = TypeVar("T")


def contained(dependencies: Dependencies) -> Dependencies:
    """Returns the same dependencies. Policy, cluster and world model then raise only DispatchError."""
    world = dependencies.world
    return replace(
        dependencies,
        policy=_Policy(dependencies.policy),
        cluster=_Cluster(dependencies.cluster),
        world=_WorldModel(world) if world else None,
    )


def _call(port: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    try:
        return port(*arguments, **options)
    except DispatchError:
        raise
    except Exception as error:  # noqa: BLE001
        raise Unavailable("dependency_error", location(error)) from None


class _Policy:
    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def ask(self, document: Json) -> object:
        return _call(self._policy.ask, document)


class _WorldModel:
    def __init__(self, world: WorldModel) -> None:
        self._world = world

    def context(self, event: SREEvent) -> object:
        return _call(self._world.context, event)


class _Cluster:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def jobs(self) -> Sequence[JobStatus]:
        return _call(self._cluster.jobs)

    def listed_job(self, name: str) -> JobStatus | None:
        return _call(self._cluster.listed_job, name)

    def job(self, name: str) -> JobStatus | None:
        return _call(self._cluster.job, name)

    def template(self, name: str) -> Mapping[str, Any]:
        return _call(self._cluster.template, name)

    def create(self, manifest: Json) -> bool:
        return _call(self._cluster.create, manifest)
