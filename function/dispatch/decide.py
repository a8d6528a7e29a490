"""SREEvent and facts -> the policy's input -> a Decision.

Only a well-formed decision is one. Whatever else comes back (nothing, an odd shape, another revision, a
level below what was asked) is Unavailable: no Job, and the event is tried again.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from function.dispatch import normalize
from function.dispatch.model import Activity, Decision, Facts, Level, Phase
from function.shared.errors import Unavailable
from function.shared.event import AskedLevel, SREEvent
from function.shared.strict_json import Json, to_json

CODE = re.compile(r"[a-z][a-z0-9_.-]{0,63}", re.ASCII)
REVISION = re.compile(r"[0-9a-f]{64}", re.ASCII)

Count = Annotated[int, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PolicyEvent(_Strict):
    identity: str
    """For the decision log, which names no alert otherwise."""
    alertname: str
    severity: AskedLevel
    cluster: str
    namespace: str
    namespace_label: str
    resource_type: str
    resource_id: str


class PolicyText(_Strict):
    words: list[str]
    sentences: list[list[str]]
    names: list[list[str]]
    signals: list[str]
    truncated: bool


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


class PolicyClock(_Strict):
    epoch: Count
    utc: str
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    minute_of_day: Annotated[int, Field(ge=0, lt=1440)]


class PolicyInput(_Strict):
    """The policy's input; policies/schemas/input.json is made from this class by `make golden`."""

    phase: Phase
    event: PolicyEvent
    text: PolicyText
    facts: PolicyFacts | None
    activity: PolicyActivity
    clock: PolicyClock


_DECISION = TypeAdapter(Decision)


def prepared(event: SREEvent, notification: normalize.NormalizedText) -> PolicyText:
    """The text of the event and of the notification that brought it, as both looks match it."""
    text = normalize.read(event.raw_payload) + notification
    return PolicyText(
        words=list(text.words),
        sentences=[list(sentence) for sentence in text.sentences],
        names=[list(name) for name in text.names],
        signals=list(text.signals),
        truncated=event.truncated or text.truncated,
    )


def question(
    event: SREEvent, text: PolicyText, activity: Activity, epoch_seconds: float, facts: Facts | None = None
) -> Json:
    """The input document of one look at the event and its `prepared` text: triage without `facts`, review
    with them."""
    return PolicyInput(
        phase="triage" if facts is None else "review",
        event=PolicyEvent(
            identity=event.identity,
            alertname=event.alertname,
            severity=event.severity,
            cluster=event.cluster,
            namespace=event.namespace,
            namespace_label=event.namespace_label,
            resource_type=event.resource_type,
            resource_id=event.resource_id,
        ),
        text=text,
        facts=_facts(facts) if facts is not None and facts.items else None,
        activity=PolicyActivity(**asdict(activity)),
        clock=_clock(epoch_seconds),
    ).model_dump()


def decide(event: SREEvent, answer: object) -> Decision:
    """The policy's answer to what `question` made of the event, as a decision. Raises Unavailable."""
    try:
        decision = _DECISION.validate_json(to_json(answer))
    except (ValidationError, TypeError, ValueError):
        raise Unavailable(
            "no_decision", "the policy's answer is not a decision; is its bundle complete?"
        ) from None
    if flaw := _flaw(event, decision):
        raise Unavailable("bad_decision", f"the policy's decision is refused: {flaw}")
    return decision


def confirm(triage: Decision, review: Decision) -> Decision:
    """The review, if it stands on the same policy as the triage and is no milder. Raises Unavailable."""
    if review.policy_revision != triage.policy_revision:
        raise Unavailable("policy_changed", "the policy changed between the two looks")
    if Level[review.effective] < Level[triage.effective]:
        raise Unavailable("bad_decision", "the policy's review is milder than its triage")
    return review


def _flaw(event: SREEvent, decision: Decision) -> str:
    """What is wrong with the decision, or nothing."""
    blocked = decision.mode == "blocked" and decision.grant is None
    granted = decision.grant is not None and decision.mode == decision.grant.mode != "blocked"
    highest = max([Level[decision.initial], *(Level[reason.level] for reason in decision.reasons)])
    codes = [text for reason in decision.reasons for text in (reason.code, reason.rule)]
    codes += [denial.code for denial in decision.denials]
    codes += [decision.grant.tier, decision.grant.template] if decision.grant else []
    checks = {
        "it has no revision: build the bundle with one": REVISION.fullmatch(decision.policy_revision),
        "initial is not what the event asks for": decision.initial == event.severity,
        "effective is below initial": Level[decision.effective] >= Level[decision.initial],
        "effective is not the highest of its reasons": decision.effective == highest.name,
        "a code or a name is no plain constant": all(CODE.fullmatch(code) for code in codes),
        "allowed without grant, at CRITICAL, or in spite of a denial": not decision.allowed
        or (granted and decision.effective != "CRITICAL" and not decision.denials),
        "not allowed, yet neither blocked at CRITICAL nor denied": decision.allowed
        or (blocked and (decision.effective == "CRITICAL" or bool(decision.denials))),
    }
    return next((flaw for flaw, passed in checks.items() if not passed), "")


def _facts(facts: Facts) -> PolicyFacts:
    told = asdict(facts.risk)
    scope = told.pop("scope")
    return PolicyFacts(complete=facts.complete, scope=None if scope is None else list(scope), **told)


def _clock(epoch_seconds: float) -> PolicyClock:
    now = datetime.fromtimestamp(epoch_seconds, UTC)
    return PolicyClock.model_validate(
        {
            "epoch": int(epoch_seconds),
            "utc": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "weekday": now.strftime("%A").lower(),  # the C locale's: nothing here calls setlocale
            "minute_of_day": now.hour * 60 + now.minute,
        }
    )
