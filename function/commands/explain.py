"""A delivery -> what would happen to each of its alerts, and why; for a program or for a person."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from function.dispatch import pipeline, policy_files, translate, wiring
from function.dispatch.model import Decision, Delivery, Level, Outcome, Result
from function.dispatch.policy_files import RuleNote
from function.dispatch.settings import OLD_NAMES, Settings
from function.shared.errors import Rejected
from function.shared.event import SREEvent
from function.shared.strict_json import parse, to_json

LAST_SECOND = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

USED = (
    "SRE_DISPATCH_OPA_TOKEN_FILE",
    "SRE_DISPATCH_CLUSTER",
    "SRE_DISPATCH_AGENTS_NAMESPACE",
    "SRE_DISPATCH_POLICIES",
    "SRE_DISPATCH_ROOT",
    "SRE_DISPATCH_VOLATILE_LABELS",
)
"""The settings that change what would happen; all others are left alone, also where they are wrong."""
LAPTOP = {"SRE_DISPATCH_AUTH": "none", "HOST": "127.0.0.1", "SRE_DISPATCH_POLICY": "embedded"}

Notes = Mapping[tuple[str, str], RuleNote]
RANK = {**{level.name: level.value for level in Level}, "denied": len(Level)}

FIELDS = (
    "identity",
    "alertname",
    "namespace",
    "resource_type",
    "resource_id",
    "severity",
    "description",
    "status",
)


def explain(
    body: bytes, *, at: str | None = None, opa_url: str | None = None, context: str | None = None
) -> dict[str, Any]:
    """The report of `explain --json`, for a webhook or one alert.

    `at` (RFC 3339) sets the clock of policy and context, so that the same input gives the same report;
    `opa_url` asks that OPA server in place of the embedded engine; `context` is the file of a world model,
    without which there is no context. Raises Rejected for what the web edge would refuse.
    """
    source = {"SRE_DISPATCH_CONTEXT": "file", "SRE_DISPATCH_CONTEXT_FILE": context} if context else {}
    wanted = (*USED, *(old for old, new in OLD_NAMES.items() if new in USED))  # an old name is refused
    used = {name: os.environ[name] for name in wanted if name in os.environ}
    settings = Settings.read(used | LAPTOP | source)
    clock = _clock(at)
    delivery = translate.either(parse(body), cluster=settings.cluster, volatile=settings.volatile_labels)
    asked = wiring.opa(opa_url, settings.opa_token_file) if opa_url else None
    with contextlib.closing(asked) if asked else contextlib.nullcontext():
        results = list(pipeline.run(delivery, wiring.offline(settings, asked, clock)))
    notes = policy_files.notes(policy_files.read(settings.policies))
    return {"delivery": _delivery(delivery), "events": [_event(result, notes) for result in results]}


def as_json(report: dict[str, Any]) -> str:
    return json.dumps(report, ensure_ascii=True, indent=2, sort_keys=True) + "\n"


def as_text(report: dict[str, Any]) -> str:
    """The report for a terminal; everything from the alert is escaped."""
    folded = Counter(event["job"] for event in report["events"] if event["outcome"] == Outcome.FOLDED)
    lines = [line for event in report["events"] for line in (*_told(event, folded[event["job"]]), "")]
    return "\n".join(lines or ["the delivery holds no alert", ""])


def _clock(at: str | None) -> Callable[[], float]:
    if at is None:
        return time.time
    try:
        seconds = datetime.fromisoformat(at).timestamp() if RFC_3339.fullmatch(at) else -1.0
    except (ValueError, OverflowError):
        seconds = -1.0
    if not 0 <= seconds < LAST_SECOND:
        raise Rejected(400, "bad_time", "--at is no RFC 3339 time since 1970, such as 2026-03-29T03:10:00Z")
    return lambda: seconds


def _delivery(delivery: Delivery) -> dict[str, Any]:
    told = asdict(delivery)
    del told["notification"]
    return {**told, "alerts": len(delivery.alerts)}


def _event(result: Result, notes: Notes) -> dict[str, Any]:
    alert = result.alert
    told = {name: getattr(alert, name) if isinstance(alert, SREEvent) else None for name in FIELDS}
    return {
        **told,
        "outcome": result.outcome.value,
        "code": result.code or None,
        "detail": result.detail or None,
        "job": result.job or None,
        **result.payload(),
        "why": _why(result.decision, notes) if result.decision else [],
        "otherwise": _otherwise(result.decision) if result.decision else None,
    }


def _why(decision: Decision, notes: Notes) -> list[dict[str, Any]]:
    """What each reason and denial means, and what a person does about it, in the policy's own words."""
    rules = {code: rule for rule, code in notes}  # a denial does not name its rule
    given = [(reason.rule, reason.code, str(reason.level)) for reason in decision.reasons]
    given += [(rules.get(denial.code, ""), denial.code, "denied") for denial in decision.denials]
    unknown = RuleNote("the policy here says nothing of it")
    return [
        {"rule": rule, "code": code, "level": level, **asdict(notes.get((rule, code), unknown))}
        for rule, code, level in given
    ]


def _otherwise(decision: Decision) -> dict[str, Any]:
    """The next lower level, and the codes of all that would have to be gone for it; none where the alert
    itself asks for the level."""
    levels = {Level[reason.level] for reason in decision.reasons} | {Level[decision.initial]}
    lower = [level for level in levels if Level[decision.initial] <= level < Level[decision.effective]]
    above = [reason.code for reason in decision.reasons if lower and Level[reason.level] > max(lower)]
    return {"level": max(lower).name if lower else None, "without": sorted(set(above))}


def _told(event: dict[str, Any], sharing: int) -> list[str]:
    """The lines on one event; `sharing` is how many alerts are folded into its Job."""
    where = "/".join(part for part in (event["namespace"], event["resource_id"]) if part)
    about = (
        f"{_plain(event['resource_type'])} {_plain(where)}" if event["resource_id"] else "no resource named"
    )
    if sharing and event["outcome"] != Outcome.FOLDED:
        about = f"storm of {sharing} alerts that share one Job"
    elif not event["alertname"]:
        about = "what Alertmanager left out, or an alert that cannot be read"
    lines = ["  ".join(filter(None, (_plain(event["alertname"] or ""), about)))]
    if event["decision"]:
        lines += _decided(event)
        lines += _changes(event)
        gaps = f" ({', '.join(event['context']['gaps'])})" if event["context"]["gaps"] else ""
        lines.append(f"  context   {event['context']['status']}{gaps}")
    if event["prompt"]:
        lines.append("  prompt    {template}, {bytes} bytes, sha256 {sha256:.12}".format(**event["prompt"]))
    end = " ".join(_plain(part) for part in (event["outcome"], event["code"], event["job"]) if part)
    detail = [f"            {_plain(event['detail'])}"] if event["detail"] else []
    return [*lines, f"  outcome   {end}", *detail]


def _decided(event: dict[str, Any]) -> list[str]:
    decision = event["decision"]
    tier = f", tier {decision['grant']['tier']}" if decision["grant"] else ""
    head = (
        f"  decision  {decision['initial']} asked, {decision['effective']} decided: {decision['mode']}{tier}"
    )
    ordered = sorted(event["why"], key=lambda why: -RANK[why["level"]])
    told = "    {level:<8}  {code}: {title} (rule {rule})"
    return [head, *(told.format(**why) for why in ordered)]


def _changes(event: dict[str, Any]) -> list[str]:
    """What a person can do so that the decision is another one."""
    otherwise, denied = event["otherwise"], event["decision"]["denials"]
    wanted = {denial["code"] for denial in denied} or set(otherwise["without"])
    if denied:
        head = "a Job, if it were not denied"
    elif otherwise["level"]:
        head = f"{otherwise['level']}, were it not for"
    else:
        head = "nothing lower: the alert itself asks for this level"
    todo = {
        f"{why['code']}: {why['change']}" for why in event["why"] if why["code"] in wanted and why["change"]
    }
    return [f"  otherwise {head}", *(f"              {line}" for line in sorted(todo))]


def _plain(text: str) -> str:
    return to_json(text)[1:-1]
