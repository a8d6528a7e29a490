"""What a merge request says: title and description, from a report. Pure.

Title and headings are ours; a model's words stand in fenced blocks, where Markdown, mentions, references and
images mean nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from function.runner.outcome import AgentOutcome, Report
from function.shared.text import cut

MAX_TITLE = 120
MAX_TEXT = 1500
"""Characters of one text; the description of a push option has its limits."""
ODD = re.compile(r"[^\w ./:%-]+", re.ASCII)
POINTING = re.compile(r"[^\w .%-]+", re.ASCII)
"""The same and what an address or a place in a repository needs: a forge acts on those in a title."""
FENCES = re.compile(r"~{3,}")


def description(report: Report, event: Mapping[str, Any]) -> tuple[str, str]:
    """Title and description, the latter Markdown of at most some 8,000 characters. The report is clean and
    has an outcome; any field of the event may be missing."""
    assert report.outcome is not None  # noqa: S101  for mypy: who calls has looked
    subject = "/".join(filter(None, (_named(event, "namespace"), _named(event, "resource_id"))))
    summary = POINTING.sub(" ", report.outcome.summary)
    title = cut(f"{_named(event, 'alertname')} {subject}: {' '.join(summary.split())}", MAX_TITLE)
    return title, "\n".join(_lines(report, report.outcome, event, subject))


def _lines(report: Report, told: AgentOutcome, event: Mapping[str, Any], subject: str) -> Iterator[str]:
    yield f"Proposed by an agent of sre-dispatch for the alert `{_named(event, 'alertname')}` on `{subject}`."
    yield "It has changed nothing in the cluster. A person reads this, and merges it or not."
    for heading, texts in (
        ("What", [told.summary, *told.actions]),
        ("Why", [told.root_cause]),
        ("Evidence", [*told.evidence]),
        ("What to do next", [told.follow_up]),
    ):
        if any(texts):
            yield f"\n### {heading}\n\n{_fenced([cut(text, MAX_TEXT) for text in texts if text])}"
    session = ODD.sub("", report.session)
    yield f"\nIdentity `{report.identity[:16]}`, session `{session}`, confidence {told.confidence:.0%}."


def _fenced(texts: list[str]) -> str:
    inside = cut("\n".join(FENCES.sub("~~", " ".join(text.split())) for text in texts), MAX_TEXT)
    return f"~~~text\n{inside}\n~~~"


def _named(event: Mapping[str, Any], name: str) -> str:
    return ODD.sub("", str(event.get(name, "")))[:253]
