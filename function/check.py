"""Is this installation usable? Each answer as a row that a person can read."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from function import bundle, translate, wiring
from function.enrich import enrich
from function.errors import DispatchError, Misconfigured
from function.model import SREEvent
from function.settings import Settings


@dataclass(frozen=True)
class Row:
    """One thing that was looked at."""

    name: str
    passed: bool
    detail: str = ""


def check(environment: Mapping[str, str]) -> list[Row]:
    """The settings in `environment`, and the policy that they choose, by questions whose answer is known."""
    try:
        settings = Settings.read(environment)
        policy = wiring.policy(settings)
        questions = _questions(settings.policies / bundle.SELFTEST)
        expected = bundle.read(settings.policies).revision
    except Misconfigured as error:
        return [Row("settings", passed=False, detail=str(error))]
    engine = f"OPA at {settings.opa_url}" if settings.policy == "opa" else "embedded engine"
    rows = [Row("settings", passed=True, detail=engine)]
    found: set[str] = set()
    for question in questions:
        try:
            answer = policy.ask(question["input"])
        except DispatchError as error:
            rows.append(Row(f"policy: {question['title']}", passed=False, detail=str(error)))
            continue
        rows.append(_compared(question, answer))
        found |= _revision(answer)
    return [*rows, *_same(found, expected), *_context(settings)]


def _context(settings: Settings) -> Iterator[Row]:
    """Whether the source of context answers as it must, about a thing that is surely there: our namespace."""
    name = "context: " + {"ffo": settings.ffo_url, "file": str(settings.context_file)}.get(
        settings.context, ""
    )
    try:
        source = wiring.world(settings, time.time)
        if source is None:
            yield Row("context", passed=True, detail="none is configured: no alert can become LOW")
            return
        found = enrich(_about(settings), source.context)
    except DispatchError as error:
        yield Row(name, passed=False, detail=str(error))
        return
    harmless = {"not_found", "unknown_kind"}  # of a world model that keeps no namespaces
    answered = harmless.issuperset(found.gaps)
    gaps = f"gaps: {', '.join(found.gaps)}" if found.gaps else "no gap"
    yield Row(name, passed=answered, detail=f"{len(found.items)} facts, {gaps}")


def _about(settings: Settings) -> SREEvent:
    """An event about the function's own namespace."""
    alert = {"status": "firing", "labels": {"alertname": "check"}, "startsAt": "2026-01-01T00:00:00Z"}
    delivery = translate.alert(alert, cluster=settings.cluster)
    (event,) = (event for event in delivery.alerts if isinstance(event, SREEvent))
    return replace(event, resource_type="k8s_namespace", resource_id=settings.own_namespace)


def as_text(rows: list[Row]) -> str:
    width = max(len(row.name) for row in rows)
    return "".join(
        f"{'ok  ' if row.passed else 'FAIL'}  {row.name:{width}}  {row.detail}".rstrip() + "\n"
        for row in rows
    )


def _questions(path: Path) -> list[dict[str, Any]]:
    """Each with the part of the answer that it must have."""
    try:
        questions: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Misconfigured(f"{path} cannot be read: set SRE_DISPATCH_POLICIES") from None
    return questions


def _compared(question: Mapping[str, Any], answer: object) -> Row:
    given = answer if isinstance(answer, dict) else {}
    wrong = [
        f"{key} is {json.dumps(given.get(key))}, wanted {json.dumps(value)}"
        for key, value in question["answer"].items()
        if given.get(key) != value
    ]
    told = given.get("effective"), given.get("mode")
    detail = "; ".join(wrong) or " ".join(filter(None, told))
    return Row(f"policy: {question['title']}", passed=not wrong, detail=detail)


def _revision(answer: object) -> set[str]:
    revision = answer.get("policy_revision") if isinstance(answer, dict) else None
    return {revision} if isinstance(revision, str) and revision else set()


def _same(found: set[str], expected: str) -> Iterator[Row]:
    """One revision behind all answers. Another than that of the files here may be meant, and is told."""
    if len(found) != 1:
        detail = "no answer had one" if not found else "it changed while it was asked"
        yield Row("policy: revision", passed=False, detail=detail)
        return
    (revision,) = found
    note = "" if revision == expected else f", while SRE_DISPATCH_POLICIES holds {expected[:12]}"
    yield Row("policy: revision", passed=True, detail=revision[:12] + note)
