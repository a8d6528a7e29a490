"""The frozen values that pass between the steps. No behaviour beyond what follows from the fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, Literal

from function.shared.event import LevelName, SREEvent
from function.shared.strict_json import STRICT, Json

Mode = Literal["autonomous", "merge-request", "investigate", "blocked"]
Phase = Literal["triage", "review"]
"""Triage is the policy's look before context was fetched, review the one with it; only review decides."""


class Level(IntEnum):
    """Risk of acting. The order is the lattice: levels join by maximum."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2
    CRITICAL = 3


class Outcome(StrEnum):
    """What became of an event. All but `deferred` are durable: sending the event again adds nothing."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    HELD = "held"
    RESOLVED = "resolved"
    BLOCKED = "blocked"
    DENIED = "denied"
    FOLDED = "folded"
    DEAD_LETTERED = "dead-lettered"
    DEFERRED = "deferred"


RECEIPT_TYPE = "sre-dispatch.receipt.v1"
NOTICE_TYPE = "sre-dispatch.notice.v1"
"""CloudEvents types that we emit, and so never work on."""
FOR_PEOPLE = frozenset({Outcome.BLOCKED, Outcome.HELD, Outcome.DENIED, Outcome.DEAD_LETTERED})
"""Outcomes after which no agent works on a firing alert, so that a person has to know."""


@dataclass(frozen=True)
class DeadLetter:
    """An alert that could not become an event, or the alerts that Alertmanager left out. `raw` is what came,
    cut to the limits of translate.py."""

    code: str
    raw: Json


@dataclass(frozen=True)
class Delivery:
    """One webhook body: events and dead letters in the order in which the alerts came."""

    receiver: str
    status: str
    group_key: str
    group_labels: Mapping[str, str]
    truncated_alerts: int
    """How many alerts Alertmanager left out (max_alerts): they are lost to us."""
    notification_reason: str
    notification: Json
    """All of the body but its alerts, held to the limits of translate.py: its text counts for every alert."""
    alerts: tuple[SREEvent | DeadLetter, ...]

    @property
    def firing(self) -> tuple[SREEvent, ...]:
        return tuple(
            alert for alert in self.alerts if isinstance(alert, SREEvent) and alert.status == "firing"
        )


@dataclass(frozen=True)
class JobStatus:
    """What a Job in the agents' namespace tells about an event that was seen before."""

    name: str
    identity: str
    resource: str
    created_at: datetime
    completed_at: datetime | None = None
    """When it ended. A listing does not tell; a look by name does."""
    finished: bool = False
    failed: bool = False
    deleting: bool = False


@dataclass(frozen=True)
class Risk:
    """What the policy weighs of the facts. None is unknown, which counts as the worst."""

    dependents: int | None = None
    """Workloads that depend on the resource."""
    replicas: int | None = None
    """Available replicas of the workload."""
    classification: str | None = None
    """Of what the resource holds, such as `internal`."""
    scope: tuple[str, ...] | None = None
    """Modes of remediation that the namespace's owner authorised."""
    failures: int | None = None
    """Remediations of this resource that failed lately."""


@dataclass(frozen=True)
class Facts:
    """Context from the world model. A gap is a reason code for what is missing, never an error text."""

    complete: bool = False
    gaps: tuple[str, ...] = ()
    items: tuple[Json, ...] = ()
    risk: Risk = Risk()

    @property
    def status(self) -> Literal["complete", "partial", "missing"]:
        if not self.items:
            return "missing"
        return "complete" if self.complete else "partial"


@dataclass(frozen=True)
class Activity:
    """What the agents are doing already, in Jobs; the policy's budgets count it."""

    active: int
    on_resource: int
    started_last_hour: int


@dataclass(frozen=True)
class Reason:
    __pydantic_config__ = STRICT
    code: str
    level: LevelName
    rule: str


@dataclass(frozen=True)
class Denial:
    __pydantic_config__ = STRICT
    code: str
    retry: bool


@dataclass(frozen=True)
class Grant:
    """A row of policies/tiers/data.json: which tier, what it may do, which CronJob is its template."""

    __pydantic_config__ = STRICT
    tier: str
    mode: Mode
    template: str


@dataclass(frozen=True)
class Decision:
    """What the policy said, after decide.py found it well-formed."""

    __pydantic_config__ = STRICT
    allowed: bool
    initial: LevelName
    effective: LevelName
    mode: Mode
    reasons: tuple[Reason, ...]
    denials: tuple[Denial, ...]
    grant: Grant | None
    policy_revision: str


@dataclass(frozen=True)
class Prompt:
    template: str
    sha256: str
    text: str = field(repr=False)
    cut: tuple[str, ...] = ()
    """Which parts were shortened to hold the size limit, in the order in which they were."""


@dataclass(frozen=True)
class Result:
    """What became of one alert, and all that led there: the audit line and `explain` print this."""

    alert: SREEvent | DeadLetter
    outcome: Outcome
    code: str = ""
    """Why, as a constant; empty where the outcome says it all."""
    decision: Decision | None = None
    facts: Facts | None = None
    prompt: Prompt | None = None
    job: str = ""
    manifest: Json | None = field(default=None, repr=False)
    """The Job as planned."""
    detail: str = ""
    """For the operator's log; free of alert text, like every error message."""
    alerts: int = 1
    """How many alerts it tells of; more than one only where people are told of many at once."""

    def payload(self) -> dict[str, Any]:
        """Decision, context and prompt as plain JSON values, None for what there is not."""
        facts, prompt = self.facts, self.prompt
        return {
            "decision": asdict(self.decision) if self.decision else None,
            "context": {
                "status": facts.status if facts else "not fetched",
                "gaps": list(facts.gaps) if facts else [],
            },
            "prompt": prompt
            and {
                "template": prompt.template,
                "sha256": prompt.sha256,
                "bytes": len(prompt.text.encode()),
                "cut": list(prompt.cut),
            },
        }

    def summary(self) -> dict[str, str]:
        """Who, what and why in a few strings, the same for the audit line and every sink."""
        told = {"outcome": self.outcome.value, "code": self.code, "job": self.job, "detail": self.detail}
        if isinstance(self.alert, SREEvent):
            names = (
                "identity",
                "alertname",
                "severity",
                "cluster",
                "namespace",
                "resource_type",
                "resource_id",
            )
            told |= {name: getattr(self.alert, name) for name in names}
        if self.alerts > 1:
            told["alerts"] = str(self.alerts)
        return {name: value for name, value in told.items() if value}
