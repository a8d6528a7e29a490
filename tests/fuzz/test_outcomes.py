"""Outcomes and reports with flaws: each is read whole or not at all, and what people get keeps its size."""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner import handoff, inputs, outcome
from function.runner.outcome import EXIT, MAX_ITEM, MAX_MESSAGE, MAX_TEXT, Report
from function.runner.paths import Paths
from function.runner.report.description import MAX_TITLE, description
from function.runner.report.jira_text import MAX_SUMMARY, ticket
from function.runner.report.jira_text import MAX_TEXT as MAX_TICKET
from function.runner.report.report import Deadline, reported
from function.shared.errors import Misconfigured
from tests.harness.credentials import SHAPES, WORD
from tests.harness.examples import fuzzed
from tests.harness.fakes import decided, event
from tests.harness.model import OUTCOME
from tests.harness.mutations import bodies, each_flaw, flawed
from tests.harness.reporting import pod

TEXTS = (
    *SHAPES.values(),
    f"{{quote}} [~admin] {WORD}|http://x",
    "h1. x\n----\n",
    "x" * MAX_TEXT,
    "resolved",
    "refused",
)
FULL: dict[str, Any] = OUTCOME | {"actions": ["grew it", f"token: {WORD}"], "evidence": [*SHAPES.values()]}
TOLD = outcome.read(FULL)
REPORT = asdict(Report(0, "completed", identity="ab" * 32, tier="propose", outcome=TOLD, denials=("Bash",)))
EVENT = json.loads(json.dumps(asdict(event()), default=str))
PATHS = [f"SRE_DISPATCH_AGENT_{name}" for name in ("INPUTS", "TIER", "HANDOFF", "TERMINATION_LOG")]
outcomes = flawed(st.sampled_from([FULL, OUTCOME]), words=TEXTS)
events = flawed(st.sampled_from([EVENT, {}]), words=TEXTS)


def check_outcome(value: Any, about: Any) -> None:
    """The outcome is read whole or not at all, and people can be told of it."""
    told = outcome.read(value, [WORD])
    if told is not None:
        assert max(map(len, (told.summary, told.root_cause, told.follow_up))) <= MAX_TEXT
        assert max(map(len, (*told.actions, *told.evidence, ""))) <= MAX_ITEM
    check(Report(0, "completed", outcome=told), about if isinstance(about, dict) else {})


def test_any_part_of_an_outcome_and_of_its_event_may_be_anything() -> None:
    short = FULL | {"evidence": FULL["evidence"][:2]}
    for value in each_flaw(short, TEXTS):
        check_outcome(value, EVENT)
    for about in each_flaw(EVENT):
        check_outcome(OUTCOME, about)


@given(outcomes, events)
@fuzzed(50)
def test_any_outcome_is_read_or_none_and_can_be_told(value: Any, about: Any) -> None:
    check_outcome(value, about)


def strict(message: str) -> Any:
    """The JSON as strict readers read it."""

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    return json.loads(message, parse_constant=refuse)


def check(report: Report, about: dict[str, Any]) -> None:
    """Termination message, ticket and merge request keep their size and have no secret."""
    clean = report.cleaned([WORD])
    message = clean.message()
    assert len(message) <= MAX_MESSAGE and message.isascii() and strict(message)["ended"] in EXIT
    text = ticket(report, about, [WORD])
    assert len(text.summary) <= MAX_SUMMARY and len(text.text) <= MAX_TICKET
    assert WORD not in message + text.summary + text.text
    if clean.outcome is not None:
        title, _ = description(clean, about)
        assert len(title) <= MAX_TITLE and "\n" not in title


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a pod whose agent has ended."""
    made = tmp_path_factory.mktemp("pod")
    pod(made)
    (made / handoff.LOCK).touch()
    return made


def check_report(folder: Path, content: bytes) -> None:
    """The report container takes it, or says that there is none."""
    (folder / handoff.REPORT).write_bytes(content)
    environment = dict.fromkeys(PATHS, str(folder))
    report = reported(Paths.read(environment), environment, Deadline(3600))
    assert report.ended in EXIT and report.problems == ()
    check(report, EVENT)


def test_any_part_of_a_report_may_be_anything(folder: Path) -> None:
    short = REPORT | {"outcome": OUTCOME | {"actions": ["grew it"]}}
    for report in each_flaw(short):
        check_report(folder, json.dumps(report, default=str).encode())


@given(bodies([REPORT], words=(*TEXTS, math.nan, math.inf)))
@fuzzed(50)
def test_any_report_of_an_agent_is_read_or_replaced(folder: Path, content: bytes) -> None:
    check_report(folder, content)


@given(bodies([EVENT, {}]), bodies([decided(), {}]))
@fuzzed(50)
def test_any_input_of_a_job_is_read_or_refused(folder: Path, about: bytes, decision: bytes) -> None:
    for name, content in (("prompt", b"# Look"), ("event", about), ("decision", decision)):
        (folder / name).write_bytes(content)
    with contextlib.suppress(Misconfigured):
        found = inputs.load(folder)
        assert isinstance(found.event, dict) and isinstance(found.decision, dict)
