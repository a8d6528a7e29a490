"""The record of a run for the world model. Later runs and the policy use it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from function.runner.outcome import AgentOutcome, Report, named_cause, unsolved
from function.shared.runs import MAX_RUN_TEXT, Run
from function.shared.text import cut


def run(report: Report, event: Mapping[str, Any], mode: str, pod: str, ended_at: float) -> Run:
    """Returns the record. The session is the name of the pod, because the agent cannot change that name.
    `ended_at` is the end of the agent, in seconds since the epoch."""
    found = report.outcome
    about = ("resource_type", "resource_id", "alertname", "namespace", "cluster", "identity")
    texts: dict[str, Any] = {name: cut(event.get(name, "")) for name in about}
    return Run(
        session=cut(pod or report.session or "unknown"),
        at=datetime.fromtimestamp(ended_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **texts,
        status=found.status if found else unsolved(mode),
        action=cut("; ".join(found.actions) if found and found.actions else "changed nothing", MAX_RUN_TEXT),
        verification=report.verification,
        confidence=found.confidence if found else 0.0,
        **(_findings(found) if found else {}),
    )


def _findings(found: AgentOutcome) -> dict[str, str]:
    """Returns what the agent found, as texts for the memory."""
    texts = {
        "summary": found.summary,
        "root_cause": found.root_cause,
        "cause": named_cause(found),
        "evidence": "; ".join(found.evidence),
        "ruled_out": "; ".join(found.ruled_out),
        "not_checked": "; ".join(found.not_checked),
        "follow_up": found.follow_up,
    }
    return {name: cut(text, MAX_RUN_TEXT) for name, text in texts.items()}
