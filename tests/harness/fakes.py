"""Hand-written stand-ins for the ports, and values to start from. No logic beyond remembering."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from function.dispatch import render, translate
from function.dispatch.model import Decision, Delivery, Facts, Grant, JobStatus, Reason, Result, Risk
from function.dispatch.port_errors import contained
from function.dispatch.ports import Cluster, Dependencies, Policy, WorldModel
from function.shared.event import SREEvent
from function.shared.strict_json import Json
from tests.harness.process import ROOT
from tests.harness.reading import reading

NOW = datetime(2026, 3, 29, 3, 10, tzinfo=UTC)
REVISION = "ab" * 32
PROMPTS = render.environment(ROOT / "prompts")
TEMPLATE: Json = {"spec": {"template": {"spec": {"containers": [{"name": "agent", "image": "x"}]}}}}


def delivery_bytes(name: str) -> bytes:
    return (ROOT / "tests" / "deliveries" / f"{name}.json").read_bytes()


def delivery_json(name: str) -> Any:
    return json.loads(delivery_bytes(name))


def delivery(name: str) -> Delivery:
    return translate.webhook(delivery_json(name), reading("fmc"))


def event(name: str = "incident-75", index: int = 0) -> SREEvent:
    found = delivery(name).alerts[index]
    assert isinstance(found, SREEvent)
    return found


def decided(level: str = "MEDIUM", **changes: Any) -> dict[str, Any]:
    """A well-formed answer of the policy that allows an agent at `level`."""
    modes = {"LOW": "autonomous", "MEDIUM": "merge-request", "HIGH": "investigate"}
    tier = {"LOW": "remediate", "MEDIUM": "propose"}.get(level, "investigate")
    answer = {
        "allowed": True,
        "initial": "MEDIUM",
        "effective": level,
        "mode": modes[level],
        "reasons": [{"code": "severity", "level": level, "rule": "severity"}],
        "denials": [],
        "grant": {"tier": tier, "mode": modes[level], "template": f"sre-agent-{tier}"},
        "policy_revision": REVISION,
    }
    return answer | changes


def refused(**changes: Any) -> dict[str, Any]:
    """A well-formed answer of the policy that blocks at CRITICAL."""
    level = changes.get("effective", "CRITICAL")
    no = {"allowed": False, "effective": level, "mode": "blocked", "grant": None}
    reasons = [{"code": "reason", "level": level, "rule": "some_rule"}]
    return decided() | no | {"reasons": reasons} | changes


def decision(level: str = "MEDIUM") -> Decision:
    answer = decided(level)
    return Decision(
        **answer
        | {"reasons": (Reason(**answer["reasons"][0]),), "denials": (), "grant": Grant(**answer["grant"])}
    )


@dataclass
class FakePolicy:
    """Answers with `answer`, or with what it returns for the document; keeps the documents."""

    answer: Any = field(default_factory=decided)
    asked: list[Json] = field(default_factory=list)

    def ask(self, document: Json) -> object:
        self.asked.append(document)
        answer = self.answer(document) if callable(self.answer) else self.answer
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class FakeCluster:
    """Keeps Jobs by name. `failing` maps a method to the error that it raises."""

    known: dict[str, JobStatus] = field(default_factory=dict)
    created: list[Json] = field(default_factory=list)
    failing: Mapping[str, Exception] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name in self.failing:
            raise self.failing[name]

    def jobs(self) -> Sequence[JobStatus]:
        self._call("jobs")
        return list(self.known.values())

    def listed_job(self, name: str) -> JobStatus | None:
        self._call("listed_job")
        return self.known.get(name)

    def job(self, name: str) -> JobStatus | None:
        self._call("job")
        return self.known.get(name)

    def template(self, name: str) -> Mapping[str, Any]:
        self._call("template")
        return TEMPLATE

    def create(self, manifest: Json) -> bool:
        self._call("create")
        if manifest["metadata"]["name"] in self.known:
            return False
        self.created.append(manifest)
        return True


@dataclass
class FakeSink:
    told: list[Result] = field(default_factory=list)

    def notify(self, results: Iterable[Result]) -> None:
        self.told.extend(results)


SAFE = Risk(
    dependents=1,
    replicas=2,
    classification="internal",
    scope=("autonomous", "merge-request", "investigate"),
    failures=0,
)
"""Facts with which an agent may act alone."""
WHOLE = Facts(complete=True, items=({"capacity": "20Gi"},), risk=SAFE)
CONTEXT: Json = {
    "facts": [
        {"kind": kind, "source": "kubernetes", "age_seconds": 0, "data": told}
        for kind, told in {
            "replicas": {"desired": 2, "ready": 2, "available": 2},
            "memory": {"failures_in_a_week": 0, "runs": []},
            "dependents": {"count": 1, "dependents": []},
            "governance": {"classification": "internal", "scope": list(SAFE.scope or ())},
        }.items()
    ],
    "gaps": [],
}
"""A world model's answer from which SAFE follows."""


@dataclass
class FakeWorld:
    """Answers with `told`, and keeps what it was asked."""

    told: object = field(default_factory=lambda: CONTEXT)
    asked: list[SREEvent] = field(default_factory=list)

    def context(self, event: SREEvent) -> object:
        self.asked.append(event)
        if isinstance(self.told, Exception):
            raise self.told
        return self.told


def app(
    policy: Policy | None = None,
    cluster: Cluster | None = None,
    world: WorldModel | None = None,
    monotonic: Callable[[], float] = lambda: 0.0,
) -> Dependencies:
    """The ports together, contained as wiring contains them. `monotonic` is the clock of the deadline."""
    made = Dependencies(
        policy=policy or FakePolicy(),
        cluster=cluster or FakeCluster(),
        sink=FakeSink(),
        world=world,
        prompts=PROMPTS,
        namespace="sre-agents",
        reading=lambda: reading("fmc"),
        parallel_map=map,
        begin=cache,
        clock=NOW.timestamp,
        monotonic=monotonic,
    )
    return contained(made)


def known(event: SREEvent, **changes: Any) -> JobStatus:
    """The Job of an event, running unless told otherwise."""
    job: dict[str, Any] = {
        "name": event.job,
        "identity": event.identity,
        "resource": event.resource,
        "created_at": NOW,
    }
    return JobStatus(**job | changes)


def folder_of(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def served(result: object, *revisions: str) -> Any:
    """An answer of OPA that names the revisions of the bundles it serves."""
    bundles = {f"bundle-{number}": {"revision": revision} for number, revision in enumerate(revisions)}
    return {"result": result, "provenance": {"version": "1.22.2", "bundles": bundles}}


GRANT = decision().grant or Grant("", "blocked", "")
PROMPT = render.render(event(), decision(), Facts(gaps=("no_source",)), PROMPTS)
