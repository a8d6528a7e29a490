"""The immutable values that the whole function uses. They contain no logic of the pipeline."""

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
"""The policy is evaluated twice: in triage without context, and in review with context. Only review can allow
a Job."""


class Level(IntEnum):
    """The risk of acting on an alert. If several levels apply, the highest one counts."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2
    CRITICAL = 3


class Outcome(StrEnum):
    """What became of an alert. `deferred` asks Alertmanager to send the alert again. All other outcomes are
    final."""

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
"""The types of the CloudEvents that we send. We ignore them if a broker returns them to us."""
FOR_PEOPLE = frozenset({Outcome.BLOCKED, Outcome.HELD, Outcome.DENIED, Outcome.DEAD_LETTERED})
"""Outcomes after which no agent works on a firing alert. People are notified of them."""
OTHER_WORDS, LABELS_MOVE, NOT_LISTED = "other_words", "labels_move", "not_listed"
SHARE_HOUR = "share_hour"
"""The policy's code for an alert whose namespace has used its share of an hour."""
TOLD_ONCE = frozenset({OTHER_WORDS, LABELS_MOVE, NOT_LISTED, SHARE_HOUR})
"""Codes of which people are notified once for each Job or namespace, however often the alert is repeated."""


@dataclass(frozen=True)
class DeadLetter:
    """An alert that cannot be read, or the alerts that Alertmanager left out. `raw` is the input, cut to the
    limits of translate.py."""

    code: str
    raw: Json


@dataclass(frozen=True)
class Delivery:
    """One webhook body. The alerts keep their order."""

    receiver: str
    status: str
    group_key: str
    group_labels: Mapping[str, str]
    truncated_alerts: int
    """How many alerts Alertmanager left out because of max_alerts. It does not send them again."""
    notification_reason: str
    notification: Json
    """The body without its alerts, cut to the limits of translate.py. The policy reads its text with every
    alert."""
    alerts: tuple[SREEvent | DeadLetter, ...]

    @property
    def firing(self) -> tuple[SREEvent, ...]:
        return tuple(
            alert for alert in self.alerts if isinstance(alert, SREEvent) and alert.status == "firing"
        )


@dataclass(frozen=True)
class Marks:
    """What a Job remembers of its alert (see dispatch/marks.py)."""

    family: str = ""
    """16 hex digits of cluster, alertname and subject. Empty if the Job has no marks."""
    words: str = ""
    """16 hex digits of the words in the alert's annotations."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The labels of the identity, each with 8 hex digits of its value."""
    charged_to: str = ""
    """16 hex digits of the namespace whose share the Job uses."""


@dataclass(frozen=True)
class JobStatus:
    """A Job in the agents' namespace."""

    name: str
    identity: str
    resource: str
    created_at: datetime
    marks: Marks = field(default_factory=Marks)
    completed_at: datetime | None = None
    """When the Job ended. A list of Jobs does not contain this time, only the single Job does."""
    finished: bool = False
    failed: bool = False
    deleting: bool = False


@dataclass(frozen=True)
class Risk:
    """The values from the facts that the policy evaluates. None means unknown, and counts as the worst
    value."""

    dependents: int | None = None
    """Workloads that depend on the resource."""
    replicas: int | None = None
    """Available replicas of the workload."""
    classification: str | None = None
    """The classification of the resource's data, such as `internal`."""
    scope: tuple[str, ...] | None = None
    """The modes that the namespace's owner allows."""
    failures: int | None = None
    """Recent remediations of this resource that failed."""


@dataclass(frozen=True)
class Facts:
    """Context from the world model. A gap is a code for missing context. It is never an error text."""

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
    """How many Jobs there are already. The policy's budgets limit them."""

    active: int
    on_resource: int
    started_last_hour: int
    share_active: int
    """The active Jobs that are charged to the alert's namespace."""
    share_started_last_hour: int


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
    """A row of policies/tiers/data.json: the tier, its mode, and the CronJob that is its template."""

    __pydantic_config__ = STRICT
    tier: str
    mode: Mode
    template: str


@dataclass(frozen=True)
class Decision:
    """The policy's answer, after decide.py has validated it."""

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
    """The user's turn: the task, the alert and the facts."""
    cut: tuple[str, ...] = ()
    """The names of the parts that were shortened, in the order in which they were shortened."""
    system: str = field(default="", repr=False)
    """The system prompt. It has the agent's role, mode and rules, and no text of an alert."""


@dataclass(frozen=True)
class Result:
    """What became of one alert, and why. The audit line and `explain` show it."""

    alert: SREEvent | DeadLetter
    outcome: Outcome
    code: str = ""
    """The reason, as a constant. Empty if the outcome needs none."""
    decision: Decision | None = None
    facts: Facts | None = None
    prompt: Prompt | None = None
    job: str = ""
    manifest: Json | None = field(default=None, repr=False)
    """The Job's manifest."""
    detail: str = ""
    """The error message for the operator's log. It contains no text of an alert."""
    alerts: int = 1
    """How many alerts this Result represents. The number is above one only in a notice to people."""

    @property
    def for_people(self) -> bool:
        """Whether people are notified of the alert."""
        return self.outcome in FOR_PEOPLE or self.code in TOLD_ONCE

    def payload(self) -> dict[str, Any]:
        """Returns decision, context and prompt as plain JSON values. A part that is missing is None."""
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
        """Returns alert, outcome and reason as a few strings. The audit line and every sink use them."""
        found = {"outcome": self.outcome.value, "code": self.code, "job": self.job, "detail": self.detail}
        if isinstance(self.alert, SREEvent):
            names = (
                "identity",
                "alertname",
                "severity",
                "cluster",
                "namespace",
                "resource_type",
                "resource_id",
                "charged_to",
            )
            found |= {name: getattr(self.alert, name) for name in names}
        if self.alerts > 1:
            found["alerts"] = str(self.alerts)
        return {name: value for name, value in found.items() if value}
