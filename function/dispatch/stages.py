"""The stages of an alert in the pipeline, with one frozen value for each stage.

    Arrived -> New -> Triaged -> Enriched -> Granted -> Prompted -> Planned

An alert can end at each stage. Its Result then contains all that is known at this stage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from function.dispatch.decide import PolicyText
from function.dispatch.model import (
    Activity,
    Decision,
    Facts,
    Grant,
    JobStatus,
    Outcome,
    Prompt,
    Result,
)
from function.shared.event import SREEvent
from function.shared.strict_json import Json


class Stage(Protocol):
    def end(self, outcome: Outcome, code: str = "", detail: str = "") -> Result:
        """Returns the Result of an alert that ends at this stage."""


@dataclass(frozen=True)
class Arrived:
    event: SREEvent
    job: JobStatus | None
    """The Job with the event's name in the list of Jobs, or None."""

    def end(self, outcome: Outcome, code: str = "", detail: str = "") -> Result:
        return Result(self.event, outcome, code, job=self.job.name if self.job else "", detail=detail)


@dataclass(frozen=True)
class New:
    """An alert that has no Job."""

    event: SREEvent

    def end(self, outcome: Outcome, code: str = "", detail: str = "") -> Result:
        return Result(self.event, outcome, code, detail=detail)


@dataclass(frozen=True)
class Triaged:
    event: SREEvent
    text: PolicyText
    """The normalized text. It is made once, for triage and review."""
    activity: Activity
    decision: Decision

    def end(self, outcome: Outcome, code: str = "", detail: str = "") -> Result:
        return Result(self.event, outcome, code, self.decision, detail=detail)


@dataclass(frozen=True)
class Enriched:
    event: SREEvent
    text: PolicyText
    activity: Activity
    decision: Decision
    """The decision of triage."""
    facts: Facts

    def end(self, outcome: Outcome, code: str = "", detail: str = "") -> Result:
        return Result(self.event, outcome, code, self.decision, self.facts, detail=detail)


@dataclass(frozen=True)
class Granted:
    """An alert for which the policy allows an agent."""

    event: SREEvent
    decision: Decision
    facts: Facts
    grant: Grant

    def end(self, outcome: Outcome, code: str = "", detail: str = "") -> Result:
        return Result(self.event, outcome, code, self.decision, self.facts, detail=detail)


@dataclass(frozen=True)
class Prompted:
    granted: Granted
    prompt: Prompt

    def end(self, outcome: Outcome, code: str = "", detail: str = "") -> Result:
        return replace(self.granted.end(outcome, code, detail), prompt=self.prompt)


@dataclass(frozen=True)
class Planned:
    prompted: Prompted
    event: SREEvent
    manifest: Json

    def end(self, outcome: Outcome, code: str = "", detail: str = "") -> Result:
        ended = self.prompted.end(outcome, code, detail)
        return replace(ended, job=self.event.job, manifest=self.manifest)
