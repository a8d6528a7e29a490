"""A delivery -> what would happen to each of its alerts, and why, as JSON or as text."""

from __future__ import annotations

import contextlib
import json
import os
import re
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from function.dispatch import enrolment, identity, pipeline, policy_files, translate, wiring
from function.dispatch.model import Decision, Delivery, Level, Outcome, Result
from function.dispatch.policy_files import PolicyFiles, RuleNote
from function.dispatch.settings import OLD_NAMES, Settings
from function.shared.errors import Rejected
from function.shared.event import SREEvent
from function.shared.gaps import in_words
from function.shared.strict_json import parse, to_json
from function.shared.text import cut

LAST_SECOND = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

USED = (
    "SRE_DISPATCH_OPA_TOKEN_FILE",
    "SRE_DISPATCH_CLUSTER",
    "SRE_DISPATCH_CLUSTER_LABEL",
    "SRE_DISPATCH_AGENTS_NAMESPACE",
    "SRE_DISPATCH_POLICIES",
    "SRE_DISPATCH_ROOT",
    "SRE_DISPATCH_LABELS",
)
"""The settings that influence the result. All other settings are ignored, even if they are invalid."""
LAPTOP = {"SRE_DISPATCH_AUTH": "none", "HOST": "127.0.0.1", "SRE_DISPATCH_POLICY": "embedded"}

MAX_NAME = 64
"""The maximum number of characters that are shown of the name of a label or of an annotation."""

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
    """Returns the report for a webhook or for one alert.

    `at` (RFC 3339) sets the clock of policy and context, so that the same input makes the same report. With
    `opa_url` the policy of this OPA server is used instead of the embedded engine. `context` is a world
    model's file. Without it there is no context. Raises Rejected if the function would refuse the body.
    """
    source = {"SRE_DISPATCH_CONTEXT": "file", "SRE_DISPATCH_CONTEXT_FILE": context} if context else {}
    wanted = (*USED, *(old for old, new in OLD_NAMES.items() if new in USED))  # an old name is refused
    used = {name: os.environ[name] for name in wanted if name in os.environ}
    settings = Settings.read(used | LAPTOP | source)
    clock = _clock(at)
    delivery = translate.either(parse(body), wiring.reading(settings))
    asked = wiring.opa(opa_url, settings.opa_token_file) if opa_url else None
    with contextlib.closing(asked) if asked else contextlib.nullcontext():
        results = list(pipeline.run(delivery, wiring.offline(settings, asked, clock)))
    files = policy_files.read(settings.policies)
    return {"delivery": _delivery(delivery), "events": [_event(result, files) for result in results]}


def as_json(report: dict[str, Any]) -> str:
    return json.dumps(report, ensure_ascii=True, indent=2, sort_keys=True) + "\n"


def as_text(report: dict[str, Any]) -> str:
    """Returns the report for a terminal. All text of an alert is escaped."""
    folded = Counter(event["job"] for event in report["events"] if event["outcome"] == Outcome.FOLDED)
    lines = [line for event in report["events"] for line in (*_lines(event, folded[event["job"]]), "")]
    return "\n".join(lines or ["the delivery has no alerts", ""])


def _clock(at: str | None) -> Callable[[], float]:
    if at is None:
        return time.time
    try:
        seconds = datetime.fromisoformat(at).timestamp() if RFC_3339.fullmatch(at) else -1.0
    except (ValueError, OverflowError):
        seconds = -1.0
    if not 0 <= seconds < LAST_SECOND:
        raise Rejected(
            400, "bad_time", "--at must be an RFC 3339 time since 1970, such as 2026-03-29T03:10:00Z"
        )
    return lambda: seconds


def _delivery(delivery: Delivery) -> dict[str, Any]:
    fields = asdict(delivery)
    del fields["notification"]
    return {**fields, "alerts": len(delivery.alerts)}


def _event(result: Result, files: PolicyFiles) -> dict[str, Any]:
    alert = result.alert
    notes = policy_files.notes(files)
    fields = {name: getattr(alert, name) if isinstance(alert, SREEvent) else None for name in FIELDS}
    return {
        **fields,
        "identity_parts": identity.parts(alert) if isinstance(alert, SREEvent) else {},
        "outcome": result.outcome.value,
        "code": result.code or None,
        "detail": result.detail or None,
        "job": result.job or None,
        **result.payload(),
        "why": _why(result.decision, notes) if result.decision else [],
        "otherwise": _otherwise(result.decision) if result.decision else None,
        "unlisted": _unlisted(result, files),
    }


def _why(decision: Decision, notes: Notes) -> list[dict[str, Any]]:
    """Returns the meaning of each reason and denial, and what a person can do about it. Both are from the
    policy's documentation."""
    rules = {code: rule for rule, code in notes}  # a denial has no field for its rule
    given = [(reason.rule, reason.code, str(reason.level)) for reason in decision.reasons]
    given += [(rules.get(denial.code, ""), denial.code, "denied") for denial in decision.denials]
    unknown = RuleNote("this policy does not document it")
    return [
        {"rule": rule, "code": code, "level": level, **asdict(notes.get((rule, code), unknown))}
        for rule, code, level in given
    ]


def _unlisted(result: Result, files: PolicyFiles) -> dict[str, list[str]]:
    """Returns the names of the texts that keep an alert from LOW, if it asks for LOW and is enrolled."""
    if not isinstance(result.alert, SREEvent) or not result.decision or result.decision.initial != "LOW":
        return {}
    return enrolment.unlisted(result.alert, files.data["config"])


def _otherwise(decision: Decision) -> dict[str, Any]:
    """Returns the next lower level, and the codes of the reasons that rule it out. The level is None if the
    alert itself asks for the decided level."""
    levels = {Level[reason.level] for reason in decision.reasons} | {Level[decision.initial]}
    lower = [level for level in levels if Level[decision.initial] <= level < Level[decision.effective]]
    above = [reason.code for reason in decision.reasons if lower and Level[reason.level] > max(lower)]
    return {"level": max(lower).name if lower else None, "without": sorted(set(above))}


def _lines(event: dict[str, Any], sharing: int) -> list[str]:
    """Returns the lines about one event. `sharing` is the number of alerts that share its Job."""
    where = "/".join(part for part in (event["namespace"], event["resource_id"]) if part)
    about = (
        f"{_plain(event['resource_type'])} {_plain(where)}" if event["resource_id"] else "no resource named"
    )
    if sharing and event["outcome"] != Outcome.FOLDED:
        about = f"storm of {sharing} alerts that share one Job"
    elif not event["alertname"]:
        about = "an alert that cannot be read, or alerts that Alertmanager left out"
    lines = ["  ".join(filter(None, (_plain(event["alertname"] or ""), about)))]
    if event["identity_parts"]:
        lines += _same_while(event["identity_parts"])
    if event["decision"]:
        lines += _decided(event)
        lines += _changes(event)
        gaps = "; ".join(in_words(event["context"]["gaps"]))
        lines.append(": ".join(filter(None, (f"  context   {event['context']['status']}", gaps))))
    if event["prompt"]:
        lines.append("  prompt    {template}, {bytes} bytes, sha256 {sha256:.12}".format(**event["prompt"]))
    end = " ".join(_plain(part) for part in (event["outcome"], event["code"], event["job"]) if part)
    detail = [f"            {_plain(event['detail'])}"] if event["detail"] else []
    return [*lines, f"  outcome   {end}", *detail]


def _same_while(parts: Mapping[str, str]) -> list[str]:
    """Returns the lines that say which alerts are the same problem."""
    rest = dict(parts)
    where = "/".join(filter(None, (rest.pop("namespace", ""), rest.pop("resource_id", ""))))
    names = [rest.pop("alertname", ""), " ".join(filter(None, (rest.pop("resource_type", ""), where)))]
    told = [*filter(None, names), *(f"{name}={value}" for name, value in rest.items())]
    text = "  problem   the same as long as these stay: " + ", ".join(map(_plain, told))
    return textwrap.wrap(text, 110, subsequent_indent=" " * 12, break_on_hyphens=False)


def _decided(event: dict[str, Any]) -> list[str]:
    decision = event["decision"]
    tier = f", tier {decision['grant']['tier']}" if decision["grant"] else ""
    levels = f"{decision['initial']} requested, {decision['effective']} decided"
    head = f"  decision  {levels}: {decision['mode']}{tier}"
    ordered = sorted(event["why"], key=lambda why: -RANK[why["level"]])
    row = "    {level:<8}  {code}: {title} (rule {rule})"
    return [head, *(row.format(**why) for why in ordered)]


def _changes(event: dict[str, Any]) -> list[str]:
    """Returns the lines that say how a person can change the decision."""
    otherwise, denied = event["otherwise"], event["decision"]["denials"]
    wanted = {denial["code"] for denial in denied} or set(otherwise["without"])
    if denied:
        head = "a Job, without this denial"
    elif otherwise["level"]:
        head = f"{otherwise['level']}, without these reasons"
    else:
        head = "no lower level: the alert itself requests this one"
    todo = {
        f"{why['code']}: {why['change']}" for why in event["why"] if why["code"] in wanted and why["change"]
    }
    listing = [
        f"{part[:-1]} {_plain(cut(name, MAX_NAME))}"
        for part, names in event["unlisted"].items()
        for name in names
    ]
    todo |= {f"to list: {', '.join(listing)}"} if listing and not denied else set()
    return [f"  otherwise {head}", *(f"              {line}" for line in sorted(todo))]


def _plain(text: str) -> str:
    return to_json(text)[1:-1]
