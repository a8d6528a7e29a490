"""Asks the policy questions whose answers are known."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from function.commands.check.rows import Row
from function.shared.errors import Misconfigured


def known_questions(path: Path) -> list[dict[str, Any]]:
    """The questions in the file. Each has the part of the answer that must match. Raises Misconfigured."""
    try:
        questions: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Misconfigured(f"{path} cannot be read: set SRE_DISPATCH_POLICIES") from None
    return questions


def compared(question: Mapping[str, Any], answer: object) -> Row:
    given = answer if isinstance(answer, dict) else {}
    wrong = [
        f"{key} is {json.dumps(given.get(key))}, wanted {json.dumps(value)}"
        for key, value in question["answer"].items()
        if given.get(key) != value
    ]
    result = given.get("effective"), given.get("mode")
    detail = "; ".join(wrong) or " ".join(filter(None, result))
    return Row(f"policy: {question['title']}", passed=not wrong, detail=detail)


def revision_of(answer: object) -> set[str]:
    revision = answer.get("policy_revision") if isinstance(answer, dict) else None
    return {revision} if isinstance(revision, str) and revision else set()


def same_revision(found: set[str], expected: str) -> Iterator[Row]:
    """All answers must come from one revision. A revision other than that of the files here may be intended,
    so it is shown and does not fail."""
    if len(found) != 1:
        detail = "no answer had a revision" if not found else "it changed between two answers"
        yield Row("policy: revision", passed=False, detail=detail)
        return
    (revision,) = found
    note = "" if revision == expected else f"; the files of SRE_DISPATCH_POLICIES have {expected[:12]}"
    yield Row("policy: revision", passed=True, detail=revision[:12] + note)
