"""SREEvent and facts -> the policy's input; the policy's answer -> a Decision.

Only a valid answer is a decision. Everything else raises Unavailable: no answer, an unexpected shape, another
revision, or a level below the one that the alert asks for. Then no Job starts, and Alertmanager sends the
alert again."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from function.dispatch import enrolment, normalize
from function.dispatch.model import Activity, Decision, Facts, Level, Phase
from function.shared.errors import Unavailable
from function.shared.event import STORM, AskedLevel, SREEvent
from function.shared.strict_json import Json, to_json

CODE = re.compile(r"[a-z][a-z0-9_.-]{0,63}", re.ASCII)
REVISION = re.compile(r"[0-9a-f]{64}", re.ASCII)

Count = Annotated[int, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PolicyEvent(_Strict):
    identity: str
    """The alert's identity. OPA's decision log has it, so that people can find the decision of an alert."""
    alertname: str
    severity: AskedLevel
    severity_known: bool
    cluster: str
    namespace: str
    namespaces: list[str]
    resource_type: str
    resource_id: str


class PolicyText(_Strict):
    words: list[str]
    sentences: list[list[str]]
    names: list[list[str]]
    signals: list[str]
    truncated: bool
    """Whether a part of the alert was cut. Neither the policy nor an agent sees that part."""
    unread: bool
    """Whether the policy does not get all words of the text, because of the limits of normalize.py."""
    labels: dict[str, list[str]]
    annotations: dict[str, str]
    """Labels and annotations as enrolments are compared with them (see enrolment.py)."""


class PolicyFacts(_Strict):
    complete: bool
    dependents: Count | None
    replicas: Count | None
    classification: str | None
    scope: list[str] | None
    failures: Count | None


class PolicyActivity(_Strict):
    active: Count
    on_resource: Count
    started_last_hour: Count
    share_active: Count
    share_started_last_hour: Count


class PolicyClock(_Strict):
    epoch: Count
    utc: str
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    minute_of_day: Annotated[int, Field(ge=0, lt=1440)]


class PolicyInput(_Strict):
    """The policy's input. `make golden` writes policies/schemas/input.json from this class."""

    phase: Phase
    event: PolicyEvent
    text: PolicyText
    facts: PolicyFacts | None
    activity: PolicyActivity
    clock: PolicyClock


_DECISION = TypeAdapter(Decision)


def prepared(event: SREEvent, notification: normalize.NormalizedText) -> PolicyText:
    """Returns the text of the event and of its notification, as the policy reads it in triage and review.

    The policy has read each alert of a storm before. So a storm's text that is too long for the limits counts
    as cut, and not as unread."""
    text = normalize.read(event.raw_payload) + notification
    storm = event.source == STORM
    return PolicyText(
        words=list(text.words),
        sentences=[list(sentence) for sentence in text.sentences],
        names=[list(name) for name in text.names],
        signals=list(text.signals),
        truncated=event.truncated or (storm and text.truncated),
        unread=text.truncated and not storm,
        labels=enrolment.label_readings(event.raw_payload),
        annotations=enrolment.annotation_readings(event.raw_payload),
    )


def question(
    event: SREEvent, text: PolicyText, activity: Activity, epoch_seconds: float, facts: Facts | None = None
) -> Json:
    """Returns the policy's input for one event. `text` is the result of `prepared`. The phase is triage
    without `facts`, and review with them."""
    return PolicyInput(
        phase="triage" if facts is None else "review",
        event=PolicyEvent(
            identity=event.identity,
            alertname=event.alertname,
            severity=event.severity,
            severity_known=event.severity_known,
            cluster=event.cluster,
            namespace=event.namespace,
            namespaces=list(event.namespaces),
            resource_type=event.resource_type,
            resource_id=event.resource_id,
        ),
        text=text,
        facts=_facts(facts) if facts is not None and facts.items else None,
        activity=PolicyActivity(**asdict(activity)),
        clock=_clock(epoch_seconds),
    ).model_dump()


def decide(event: SREEvent, answer: object) -> Decision:
    """Validates the policy's answer about the event, and returns it as a Decision. Raises Unavailable if the
    answer is no valid decision."""
    try:
        decision = _DECISION.validate_json(to_json(answer))
    except (ValidationError, TypeError, ValueError):
        raise Unavailable(
            "no_decision", "the policy's answer is not a decision: check that its bundle is complete"
        ) from None
    if flaw := _flaw(event, decision):
        raise Unavailable("bad_decision", f"the policy's decision is invalid: {flaw}")
    return decision


def confirm(triage: Decision, review: Decision) -> Decision:
    """Returns the decision of the review. Raises Unavailable if the policy has changed since triage, or if
    the review's level is below the triage's."""
    if review.policy_revision != triage.policy_revision:
        raise Unavailable(
            "policy_changed",
            "the policy changed between triage and review: wait for the next delivery",
        )
    if Level[review.effective] < Level[triage.effective]:
        raise Unavailable(
            "bad_decision", "the policy's level in review is below its level in triage: check your own rules"
        )
    return review


def _flaw(event: SREEvent, decision: Decision) -> str:
    """Returns what is wrong with the decision, or an empty string."""
    blocked = decision.mode == "blocked" and decision.grant is None
    granted = decision.grant is not None and decision.mode == decision.grant.mode != "blocked"
    highest = max([Level[decision.initial], *(Level[reason.level] for reason in decision.reasons)])
    codes = [text for reason in decision.reasons for text in (reason.code, reason.rule)]
    codes += [denial.code for denial in decision.denials]
    codes += [decision.grant.tier, decision.grant.template] if decision.grant else []
    checks = {
        "it has no revision: build the bundle with `sre-dispatch bundle`": REVISION.fullmatch(
            decision.policy_revision
        ),
        "initial is not the level that the alert asks for": decision.initial == event.severity,
        "effective is below initial": Level[decision.effective] >= Level[decision.initial],
        "effective is not the highest of its reasons": decision.effective == highest.name,
        "a code or a name has unexpected characters": all(CODE.fullmatch(code) for code in codes),
        "it allows a Job without a grant, at CRITICAL, or in spite of a denial": not decision.allowed
        or (granted and decision.effective != "CRITICAL" and not decision.denials),
        "it refuses a Job, but it is neither blocked at CRITICAL nor denied": decision.allowed
        or (blocked and (decision.effective == "CRITICAL" or bool(decision.denials))),
    }
    return next((flaw for flaw, passed in checks.items() if not passed), "")


def _facts(facts: Facts) -> PolicyFacts:
    risk = asdict(facts.risk)
    scope = risk.pop("scope")
    return PolicyFacts(complete=facts.complete, scope=None if scope is None else list(scope), **risk)


def _clock(epoch_seconds: float) -> PolicyClock:
    now = datetime.fromtimestamp(epoch_seconds, UTC)
    return PolicyClock.model_validate(
        {
            "epoch": int(epoch_seconds),
            "utc": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "weekday": now.strftime("%A").lower(),  # English, because this program never calls setlocale
            "minute_of_day": now.hour * 60 + now.minute,
        }
    )
