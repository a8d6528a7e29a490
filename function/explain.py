"""A delivery -> what would happen to each of its alerts, and why; for a program or for a person."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from function import pipeline, translate, wiring
from function.errors import Rejected
from function.model import Delivery, Result, SREEvent, to_json
from function.settings import Settings

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


def explain(body: bytes, *, at: str | None = None, opa_url: str | None = None) -> dict[str, Any]:
    """The report of `explain --json`, for a webhook or one alert.

    `at` (RFC 3339) sets the policy's clock, so that the same input gives the same report; `opa_url` asks
    that OPA server in place of the embedded engine. Raises Rejected for what the web edge would refuse.
    """
    laptop = {"SRE_DISPATCH_AUTH": "none", "HOST": "127.0.0.1", "SRE_DISPATCH_POLICY": "embedded"}
    environment = {name: value for name, value in os.environ.items() if name != "K_SERVICE"}
    settings = Settings.read(environment | laptop)
    clock = _clock(at)
    delivery = translate.either(
        translate.parse(body), cluster=settings.cluster, volatile=settings.volatile_labels
    )
    with contextlib.ExitStack() as stack:
        opa = stack.enter_context(contextlib.closing(wiring.opa(opa_url))) if opa_url else None
        results = list(pipeline.run(delivery, wiring.offline(settings, opa, clock)))
    return {"delivery": _delivery(delivery), "events": [_event(result) for result in results]}


def as_json(report: dict[str, Any]) -> str:
    return json.dumps(report, ensure_ascii=True, indent=2, sort_keys=True) + "\n"


def as_text(report: dict[str, Any]) -> str:
    """The report for a terminal; everything from the alert is escaped."""
    lines = [line for event in report["events"] for line in (*_told(event), "")]
    return "\n".join(lines or ["the delivery holds no alert", ""])


def _clock(at: str | None) -> Callable[[], float]:
    if at is None:
        return time.time
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Rejected(
            400, "bad_time", "--at is no RFC 3339 time with an offset, such as 2026-03-29T03:10:00Z"
        )
    seconds = moment.timestamp()
    return lambda: seconds


def _delivery(delivery: Delivery) -> dict[str, Any]:
    told = asdict(delivery)
    return {**told, "alerts": len(delivery.alerts)}


def _event(result: Result) -> dict[str, Any]:
    alert = result.alert
    told = {name: getattr(alert, name) if isinstance(alert, SREEvent) else None for name in FIELDS}
    facts, prompt = result.facts, result.prompt
    return {
        **told,
        "outcome": result.outcome.value,
        "code": result.code or None,
        "job": result.job or None,
        "decision": asdict(result.decision) if result.decision else None,
        "context": {"status": facts.status, "gaps": list(facts.gaps)}
        if facts
        else {"status": "not fetched", "gaps": []},
        "prompt": prompt
        and {
            "template": prompt.template,
            "sha256": prompt.sha256,
            "bytes": len(prompt.text.encode()),
            "cut": list(prompt.cut),
        },
    }


def _told(event: dict[str, Any]) -> list[str]:
    where = "/".join(part for part in (event["namespace"], event["resource_id"]) if part)
    about = (
        f"{_plain(event['resource_type'])} {_plain(where)}" if event["resource_id"] else "no resource named"
    )
    lines = [f"{_plain(event['alertname'] or 'unreadable alert')}  {about}"]
    if event["decision"]:
        lines += _decided(event["decision"])
        gaps = f" ({', '.join(event['context']['gaps'])})" if event["context"]["gaps"] else ""
        lines.append(f"  context   {event['context']['status']}{gaps}")
    if event["prompt"]:
        lines.append("  prompt    {template}, {bytes} bytes, sha256 {sha256:.12}".format(**event["prompt"]))
    end = " ".join(_plain(part) for part in (event["outcome"], event["code"], event["job"]) if part)
    return [*lines, f"  outcome   {end}"]


def _decided(decision: dict[str, Any]) -> list[str]:
    tier = f", tier {decision['grant']['tier']}" if decision["grant"] else ""
    head = (
        f"  decision  {decision['initial']} asked, {decision['effective']} decided: {decision['mode']}{tier}"
    )
    reasons = [
        f"    {reason['level']:<8}  {reason['code']} (rule {reason['rule']})"
        for reason in decision["reasons"]
    ]
    return [head, *reasons, *(f"    denied    {denial['code']}" for denial in decision["denials"])]


def _plain(text: str) -> str:
    return to_json({"": text})[5:-2]
