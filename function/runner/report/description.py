"""Writes the title and the description of a merge request.

The headings are fixed. The model's text is in fenced blocks, in which Markdown, mentions, references and
images have no effect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from function.runner.outcome import AgentOutcome, Report, named_cause
from function.shared.text import cut

MAX_TITLE = 120
MAX_TEXT = 1500
"""The maximum length of a text."""
ODD = re.compile(r"[^\w ./:%-]+", re.ASCII)
POINTING = re.compile(r"[^\w .%-]+", re.ASCII)
"""Characters that are removed from a title. Unlike ODD, this pattern includes the characters of addresses and
references, because a forge interprets them."""
FENCES = re.compile(r"~{3,}")


def description(report: Report, event: Mapping[str, Any]) -> tuple[str, str]:
    """Returns the title and the description. The description is Markdown of about 8,000 characters at most.
    The report has to be cleaned and to have an outcome. Any field of the event may be missing."""
    assert report.outcome is not None  # noqa: S101  for mypy
    subject = "/".join(filter(None, (_named(event, "namespace"), _named(event, "resource_id"))))
    summary = POINTING.sub(" ", report.outcome.summary)
    title = cut(f"{_named(event, 'alertname')} {subject}: {' '.join(summary.split())}", MAX_TITLE)
    return title, "\n".join(_lines(report, report.outcome, event, subject))


def _lines(report: Report, outcome: AgentOutcome, event: Mapping[str, Any], subject: str) -> Iterator[str]:
    yield f"Proposed by an agent of sre-dispatch for the alert `{_named(event, 'alertname')}` on `{subject}`."
    yield "The agent changed nothing in the cluster. A person decides whether to merge it."
    for heading, texts in (
        ("What", [outcome.summary, *outcome.actions]),
        ("Why", [outcome.root_cause, named_cause(outcome)]),
        ("Evidence", [*outcome.evidence]),
        ("Ruled out", [*outcome.ruled_out]),
        ("Not checked", [*outcome.not_checked]),
        ("What to do next", [outcome.follow_up]),
    ):
        if any(texts):
            yield f"\n### {heading}\n\n{_fenced([cut(text, MAX_TEXT) for text in texts if text])}"
    session = ODD.sub("", report.session)
    yield f"\nIdentity `{report.identity[:16]}`, session `{session}`, confidence {outcome.confidence:.0%}."


def _fenced(texts: list[str]) -> str:
    inside = cut("\n".join(FENCES.sub("~~", " ".join(text.split())) for text in texts), MAX_TEXT)
    return f"~~~text\n{inside}\n~~~"


def _named(event: Mapping[str, Any], name: str) -> str:
    return ODD.sub("", str(event.get(name, "")))[:253]
