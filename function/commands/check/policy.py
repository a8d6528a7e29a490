"""Checks the policy with inputs whose decisions are known."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from function.commands.check.rows import Row
from function.shared.errors import Misconfigured


def known_questions(path: Path) -> list[dict[str, Any]]:
    """Returns the inputs in the file. Each has the part of the decision that must match. Raises
    Misconfigured."""
    try:
        questions: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Misconfigured(
            f"{path} cannot be read: set SRE_DISPATCH_POLICIES to a policy folder or a bundle"
        ) from None
    return questions


def compared(question: Mapping[str, Any], answer: object) -> Row:
    given = answer if isinstance(answer, dict) else {}
    wrong = [
        f"{key} is {json.dumps(given.get(key))}, expected {json.dumps(value)}"
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
    """Yields the row about the policy's revision. All answers must have the same revision. It may differ on
    purpose from the revision of the local files. Then the row shows both and passes."""
    if len(found) != 1:
        detail = (
            "the revision changed between two answers: run the check again"
            if found
            else "no answer had a revision: look at the rows above"
        )
        yield Row("policy: revision", passed=False, detail=detail)
        return
    (revision,) = found
    note = "" if revision == expected else f"; the files of SRE_DISPATCH_POLICIES have {expected[:12]}"
    yield Row("policy: revision", passed=True, detail=revision[:12] + note)
