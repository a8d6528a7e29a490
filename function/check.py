"""Is this installation usable? Each answer as a row that a person can read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from function import bundle, wiring
from function.errors import DispatchError, Misconfigured
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
    return [*rows, *_same(found, expected)]


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
