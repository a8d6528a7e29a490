"""A cluster, a policy, a world model and people, all in memory.

A test can disturb each call to them, before or after its effect: by an error, by an odd answer, by the death
of the process, or by something that happens meanwhile."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

from function.dispatch.adapters.kubernetes import Kubernetes
from function.dispatch.adapters.notify import Fanout
from function.dispatch.model import Result
from function.dispatch.port_errors import contained
from function.dispatch.ports import Dependencies
from function.shared.event import STORM, SREEvent
from function.shared.kubernetes import Answer
from function.shared.strict_json import Json
from tests.harness.backends import TIERS
from tests.harness.deeds import ANSWERS, ANY, POLICIES
from tests.harness.fakes import CONTEXT, NOW, PROMPTS
from tests.harness.reading import reading

COLUMNS = [{"name": "Name"}, {"name": "Status"}]


@dataclass
class StoredJob:
    manifest: Json
    created_at: datetime
    ended: str = ""
    """`Complete` or `Failed`, as the API server writes it."""
    ended_at: datetime | None = None
    unusable_since: int | None = None
    """The call at which its deletion began."""

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def event(self) -> Any:
        return json.loads(self.manifest["spec"]["template"]["metadata"]["annotations"]["sre-dispatch/event"])

    @property
    def problem(self) -> str:
        """What it was created for. Alerts of a problem share their alertname, those of a storm a group."""
        event = self.event
        return f"storm of {event['group_key']}" if event["source"] == STORM else str(event["alertname"])

    @property
    def metadata(self) -> dict[str, Any]:
        deleting = {} if self.unusable_since is None else {"deletionTimestamp": self.created_at.isoformat()}
        return {**self.manifest["metadata"], "creationTimestamp": self.created_at.isoformat(), **deleting}

    @property
    def status(self) -> dict[str, Any]:
        if self.ended_at is None:
            return {}
        ended = {"type": self.ended, "status": "True", "lastTransitionTime": self.ended_at.isoformat()}
        return {"conditions": [ended]}


@dataclass(frozen=True)
class Disturbance:
    """What happens at the `nth` call of a port."""

    port: str
    """One of PORTS, or ANY."""
    nth: int
    after: bool
    """Whether the call has its effect first."""
    deed: str


@dataclass
class Simulation:
    """The state of all that the function talks to, and the ports to it."""

    now: datetime = NOW
    seconds: float = 0.0
    """The monotonic clock."""
    jobs: dict[str, StoredJob] = field(default_factory=dict)
    history: list[StoredJob] = field(default_factory=list)
    """Every Job that was ever created."""
    told: list[Result] = field(default_factory=list)
    is_paused: bool = False
    policy: str = "plain"
    planned: list[Disturbance] = field(default_factory=list)
    meanwhile: Callable[[str], None] = lambda _: None
    """Delivers `the same` or `another` delivery."""
    calls: Counter[str] = field(default_factory=Counter)
    credited: Counter[str] = field(default_factory=Counter)
    """How often a delivery said that it created the Job of this name."""
    done: list[str] = field(default_factory=list)
    """What disturbed the calls so far."""

    @property
    def tick(self) -> int:
        return self.calls.total()

    def dependencies(self) -> Dependencies:
        """Returns the ports of a process that has just started."""
        made = Dependencies(
            policy=_Policy(self),
            cluster=Kubernetes(_Api(self), "sre-agents"),  # type: ignore[arg-type]
            sink=Fanout(_Sink(self)),
            world=_World(self),
            prompts=PROMPTS,
            namespace="sre-agents",
            reading=lambda: reading("fmc"),
            parallel_map=map,
            begin=cache,
            clock=lambda: self.now.timestamp(),  # noqa: PLW0108  the time goes on
            monotonic=lambda: self.seconds,
        )
        return contained(made)

    def call(self, port: str, effect: Callable[[], Any]) -> Any:
        """Makes a call, with the disturbances that are planned for it."""
        numbers = {port: self.calls[port], ANY: self.tick}
        self.calls[port] += 1
        early = self._disturbed(port, numbers, after=False)
        if early is not None:
            return early
        answer = effect()
        late = self._disturbed(port, numbers, after=True)
        return answer if late is None else late

    def plan(self, disturbances: Iterable[Disturbance]) -> None:
        """Plans what happens at the next calls. `nth` counts from now."""
        now = {**self.calls, ANY: self.tick}
        self.planned = [replace(each, nth=now.get(each.port, 0) + each.nth) for each in disturbances]

    def _disturbed(self, port: str, numbers: Mapping[str, int], *, after: bool) -> Any:
        due = [each for each in self.planned if each.after == after and numbers.get(each.port) == each.nth]
        for each in due:
            self.planned.remove(each)
            self.done.append(each.deed)
            if each.deed in HAPPENS:
                HAPPENS[each.deed](self)
            elif (odd := ANSWERS[each.deed](port)) is not None:
                return odd
        return None

    def create(self, manifest: Json) -> Answer:
        name = manifest["metadata"]["name"]
        if self.is_paused:
            return Answer(403, {"message": f'jobs.batch "{name}" is forbidden: exceeded quota: pause'})
        if name in self.jobs:
            return Answer(409, {"reason": "AlreadyExists"})
        job = StoredJob(json.loads(json.dumps(manifest)), self.now)
        self.jobs[name] = job
        self.history.append(job)
        return Answer(201, manifest)

    def end(self, condition: str) -> None:
        """Ends every run."""
        for job in self.jobs.values():
            if not job.ended:
                job.ended, job.ended_at = condition, self.now

    def expire(self) -> None:
        """Begins the deletion of every Job."""
        for job in self.jobs.values():
            if job.unusable_since is None:
                job.unusable_since = self.tick

    def vanish(self) -> None:
        """Deletes every Job."""
        self.expire()
        self.jobs.clear()

    def collect(self) -> None:
        """Ends the deletions that have begun."""
        self.jobs = {name: job for name, job in self.jobs.items() if job.unusable_since is None}

    def wait(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)

    @property
    def is_calm(self) -> bool:
        """Whether nothing defers an alert as long as nothing disturbs the calls."""
        ready = all(job.unusable_since is None for job in self.jobs.values())
        return ready and not self.is_paused and self.policy not in ("budget", "lying")

    def was_usable(self, name: str, since: int) -> bool:
        """Whether a Job of that name was there, and not about to go, at a call since then."""
        ends = [job.unusable_since for job in self.history if job.name == name]
        return any(end is None or end >= since for end in ends)


class _Api:
    """The API server, as function.shared.kubernetes.Api shows it."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        accept: str = "",
        **__: Any,
    ) -> Answer:
        found = self._simulation.jobs
        *_, kind, name = path.split("/")
        if method == "POST":
            return self._asked("create", partial(self._simulation.create, body or {}))
        if kind == "cronjobs":
            return self._asked("template", lambda: Answer(200, TIERS[name]))
        if name == "jobs":
            return self._asked("list", lambda: _table(found.values()))
        if accept:
            return self._asked("named", lambda: _table([found[name]]) if name in found else MISSING)
        return self._asked("job", lambda: _single(found[name]) if name in found else MISSING)

    def _asked(self, port: str, effect: Callable[[], Answer]) -> Answer:
        answer: Answer = self._simulation.call(port, effect)
        return answer


class _Policy:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def ask(self, document: Json) -> object:
        return self._simulation.call("policy", lambda: POLICIES[self._simulation.policy](document))


class _World:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def context(self, event: SREEvent) -> object:
        return self._simulation.call("world", lambda: CONTEXT)


class _Sink:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def notify(self, results: Iterable[Result]) -> None:
        told = list(results)
        self._simulation.call("sink", lambda: self._simulation.told.extend(told))


MISSING = Answer(404, {"message": "not found"})


def _table(jobs: Iterable[StoredJob]) -> Answer:
    rows = [
        {"object": {"metadata": job.metadata}, "cells": [job.name, job.ended or "Running"]} for job in jobs
    ]
    return Answer(200, {"kind": "Table", "columnDefinitions": COLUMNS, "rows": rows})


def _single(job: StoredJob) -> Answer:
    return Answer(200, {"metadata": job.metadata, "status": job.status})


def _wait(simulation: Simulation) -> None:
    simulation.seconds += 10


HARMLESS = {"the same delivery", "another delivery", "runs complete", "runs fail", "the pause ends"}
"""Deeds after which a delivery has all its outcomes nevertheless."""


def _set(name: str, value: object, simulation: Simulation) -> None:
    setattr(simulation, name, value)


HAPPENS: Mapping[str, Callable[[Simulation], None]] = {
    "a long time passes": _wait,
    "runs complete": lambda simulation: simulation.end("Complete"),
    "runs fail": lambda simulation: simulation.end("Failed"),
    "jobs expire": Simulation.expire,
    "jobs vanish": Simulation.vanish,
    "the agents are paused": partial(_set, "is_paused", True),
    "the pause ends": partial(_set, "is_paused", False),
    **{f"the policy is {name}": partial(_set, "policy", name) for name in POLICIES},
    "the same delivery": lambda simulation: simulation.meanwhile("the same"),
    "another delivery": lambda simulation: simulation.meanwhile("another"),
}
