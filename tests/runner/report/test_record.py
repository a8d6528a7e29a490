from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from pydantic import TypeAdapter

from function.runner.outcome import AgentOutcome, Report
from function.runner.report.record import run
from function.shared.runs import Run
from function.shared.strict_json import to_json

EVENT: dict[str, Any] = {"identity": "ab" * 32, "alertname": "Slow", "namespace": "shop"}
FOUND = AgentOutcome("investigated", "s", "r" * 3000, None, (), ("a", "b"), (), (), 0.9, "f")


def recorded(report: Report, pod: str = "pod-1", mode: str = "investigate") -> Run:
    """The record, which the world model's tool accepts."""
    made = run(report, EVENT, mode, pod, 1_800_000_000.0)
    return TypeAdapter(Run).validate_json(to_json(asdict(made)))


def test_a_record_has_what_the_agent_found_within_the_limits() -> None:
    made = recorded(Report(0, "completed", outcome=FOUND))
    assert (made.session, made.at, made.alertname) == ("pod-1", "2027-01-15T08:00:00Z", "Slow")
    assert (made.status, made.action, made.evidence) == ("investigated", "changed nothing", "a; b")
    assert len(made.root_cause) == 1000 and made.root_cause.endswith("[cut]")


@pytest.mark.parametrize(("mode", "status"), [("autonomous", "failed"), ("investigate", "inconclusive")])
def test_a_run_without_an_outcome_is_recorded_with_the_status_of_its_mode(mode: str, status: str) -> None:
    made = recorded(Report(10, "killed"), mode=mode)
    assert (made.status, made.confidence, made.summary) == (status, 0.0, "")


def test_without_a_pod_the_session_of_claude_code_is_the_key() -> None:
    assert recorded(Report(0, "completed", session="s-1"), pod="").session == "s-1"
    assert recorded(Report(0, "completed"), pod="").session == "unknown"
