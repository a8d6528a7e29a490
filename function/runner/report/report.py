"""The last container: what came of the run -> merge request, verification, world model, ticket.

Each step is on its own: one that fails is told as a problem, by the steps after it and in the termination
message, and takes nothing from the others.
"""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from function.runner import handoff, inputs, outcome, signals, tier
from function.runner.git import BASE, Git
from function.runner.inputs import Given
from function.runner.outcome import EXIT, AgentOutcome, Report
from function.runner.paths import Paths
from function.runner.report import merge_request
from function.runner.report.changes import read_changes
from function.runner.report.description import description
from function.runner.report.jira import Jira
from function.runner.report.jira_text import ticket
from function.runner.report.verification import Clock, verify
from function.runner.tier import Reporting
from function.shared.errors import Misconfigured, Unavailable, reason
from function.shared.http import connect_outside, token_in
from function.shared.mcp import Options, WorldModelClient
from function.shared.runs import MAX_RUN_TEXT, Run
from function.shared.text import cut

T = TypeVar("T")
INCOMPLETE = 50
"""Exit status where something could not be reported. The tiers' podFailurePolicy names it."""
OVERTIME_SECONDS = 160.0
"""The most that an agent takes beyond its own seconds: its last words, and its program's end."""
STEP_SECONDS = 60.0
"""For each step, besides what verification waits for."""
AFTER_SIGNAL_SECONDS = 105.0
"""Of the 120 that a pod has after the signal, in the tiers' files."""
PAUSE_SECONDS = 3.0
RESERVE_SECONDS = 30.0
"""Of those, for the steps that follow the agent's end."""
MAX_NAMED = 100
REMEDIED = ("resolved", "mitigated")


class Deadline:
    """How much time is left. A signal leaves AFTER_SIGNAL_SECONDS."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._hurried: queue.SimpleQueue[None] = queue.SimpleQueue()  # what else could hang in a handler

    def left(self) -> float:
        return self._until - time.monotonic()

    def hurry(self) -> None:
        self._until = min(self._until, time.monotonic() + AFTER_SIGNAL_SECONDS)
        self._hurried.put(None)

    def sleep(self, seconds: float) -> None:
        """Raises Unavailable where a signal takes the patience."""
        with contextlib.suppress(queue.Empty):
            self._hurried.get(timeout=max(0.0, seconds))
            self._hurried.put(None)
            raise Unavailable("stopped", "the pod was told to end")


@dataclass(frozen=True)
class Case:
    """What a step works with."""

    event: Mapping[str, Any]
    mode: str
    reporting: Reporting
    paths: Paths
    environment: Mapping[str, str]
    deadline: Deadline
    ended_at: float
    """When the agent had ended, in seconds since the epoch."""


def main(environment: Mapping[str, str]) -> int:
    """Waits for the agent's end, reports it everywhere, tells it as the agent does, and returns 0, or
    INCOMPLETE where something could not be reported."""
    deadline = Deadline(4 * 3600.0)  # the pod's own is far below
    signals.on_terminate(deadline.hurry)
    paths = Paths.read(environment)
    report = reported(paths, environment, deadline).cleaned()
    outcome.write_message(report, paths.termination_log)
    return INCOMPLETE if report.problems else 0


def reported(paths: Paths, environment: Mapping[str, str], deadline: Deadline) -> Report:
    """Whatever cannot be read is a problem, which is reported by what can."""
    problems: list[str] = []
    allowed = _read(lambda: tier.read(paths.tier), problems)
    reporting = _read(lambda: tier.read_reporting(paths.tier), problems) or Reporting()
    job = _read(lambda: inputs.load(paths.inputs), problems) or Given("", {}, {})
    report = _taken(paths, allowed.seconds if allowed else 0, deadline)
    named = str((job.decision.get("grant") or {}).get("tier", ""))
    report = replace(
        report, identity=str(job.event.get("identity", "")), tier=named, problems=tuple(problems)
    )
    outcome.note(report, paths.termination_log)
    if not job.event:  # a try-out is nobody's incident
        return report
    mode = allowed.mode if allowed else ""
    case = Case(job.event, mode, reporting, paths, environment, deadline, time.time())
    report = _without_false_claim(_attempted(propose, report, case))
    for step in (watch, remember, document):
        report = _attempted(step, report, case)
    return report


def _read(read: Callable[[], T], problems: list[str]) -> T | None:
    try:
        return read()
    except Misconfigured as error:
        problems.append(str(error))
        return None


def _taken(paths: Paths, seconds: float, deadline: Deadline) -> Report:
    """The agent's report, or ours of its death. Of what the report itself finds out it has no say."""
    until = time.monotonic() + seconds + OVERTIME_SECONDS
    try:
        told = handoff.wait_for_report(
            paths.handoff, lambda: min(until - time.monotonic(), deadline.left() - RESERVE_SECONDS)
        )
    except Unavailable as error:
        return Report(EXIT["killed"], "killed", detail=str(error))
    return replace(
        told,
        ended=told.ended if told.ended in EXIT else "killed",
        session=cut(told.session, MAX_NAMED),
        model=cut(told.model, MAX_NAMED),
        detail=cut(told.detail, 4 * MAX_NAMED),
        verification="none",
        reason="",
        merge_request="",
        ticket="",
    ).cleaned()


def _attempted(step: Callable[[Report, Case], Report], report: Report, case: Case) -> Report:
    try:
        return step(report, case)
    except Exception as error:  # noqa: BLE001  the other steps must still be taken
        return replace(report, problems=(*report.problems, f"{step.__name__}: {reason(error)}"))


def propose(report: Report, case: Case) -> Report:
    """One merge request of what the agent changed, where it says that it proposes."""
    told = report.outcome
    if case.mode != "merge-request" or told is None:
        return report
    address, problem = _proposed(report, told, case)
    problems = (*report.problems, f"propose: {problem}") if problem else report.problems
    return replace(report, merge_request=address, problems=problems)


def _without_false_claim(report: Report) -> Report:
    """Nothing is proposed where there is no merge request, whatever the agent says."""
    told = report.outcome
    if told is None or told.status != "proposed" or report.merge_request:
        return report
    return replace(report, outcome=replace(told, status="failed"))


def _proposed(report: Report, told: AgentOutcome, case: Case) -> tuple[str, str]:
    """Where the merge request is, empty where there is none to make; and what is wrong about it."""
    repository = tier.repository_of(case.event, case.reporting.repositories)
    if repository is None:
        raise Misconfigured("no repository is known for this resource")
    git = Git(
        case.paths.git,
        case.reporting.git_file,
        case.environment,
        left=lambda: case.deadline.left() - RESERVE_SECONDS,
    )
    changes = read_changes(git, BASE, case.paths.work, repository.path)
    if told.status != "proposed":
        if changes.files:
            raise Unavailable("left", f"the agent changed {len(changes.files)} files, and proposes nothing")
        return "", ""
    if not changes.files:
        raise Unavailable("unchanged", "the agent says that it proposes something, and changed no file")
    about = merge_request.About(report.identity, *description(report, case.event))
    made = merge_request.propose(git, repository, BASE, changes, about)
    return made.url or f"{made.branch} in {repository.url}", made.problem


def watch(report: Report, case: Case) -> Report:
    """Whether the alert cleared, where the agent says that it did something about it."""
    told, prometheus = report.outcome, case.reporting.prometheus
    if prometheus is None or told is None or told.status not in REMEDIED:
        return report
    until = time.monotonic() + min(case.deadline.left(), prometheus.seconds + STEP_SECONDS)
    try:
        verdict = verify(case.event, prometheus, case.ended_at, until, Clock(sleep=case.deadline.sleep))
    except Unavailable:  # told to end: there is no verdict yet, and the other steps need the time
        return replace(report, verification="inconclusive", reason="stopped")
    return replace(report, verification=verdict.state, reason=verdict.reason)


def remember(report: Report, case: Case) -> Report:
    """The run in the world model's memory."""
    world = case.reporting.world_model
    if world is None:
        return report
    seconds = min(case.deadline.left() - RESERVE_SECONDS, STEP_SECONDS)
    until = time.monotonic() + max(0.0, seconds)
    ffo = WorldModelClient(
        world.url,
        token_in(Path(world.token_file), "token_file", "world_token"),
        Options(seconds=10.0, outcome_tool=world.tool),
    )
    run, asked = _run(report, case), False
    while True:
        try:
            is_new = ffo.record(run)
            break
        except Unavailable:
            asked = True  # and it may have been recorded
            if time.monotonic() + PAUSE_SECONDS > until:
                raise
            case.deadline.sleep(PAUSE_SECONDS)
    if not is_new and not asked:
        raise Misconfigured("the world model has a run of this pod already")
    return report


def _run(report: Report, case: Case) -> Run:
    """The run as the world model keeps it. Its session is the pod's own name: the agent has no say in it."""
    told, event = report.outcome, case.event
    return Run(
        session=cut(case.environment.get("HOSTNAME") or report.session or "unknown"),
        at=datetime.fromtimestamp(case.ended_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **{name: cut(event.get(name, "")) for name in ("resource_type", "resource_id", "alertname")},
        **{name: cut(event.get(name, "")) for name in ("namespace", "cluster", "identity")},
        status=told.status if told else "failed",
        action=cut("; ".join(told.actions) if told and told.actions else "changed nothing", MAX_RUN_TEXT),
        verification=report.verification,
        confidence=told.confidence if told else 0.0,
        root_cause=cut(told.root_cause if told else "", MAX_RUN_TEXT),
    )


def document(report: Report, case: Case) -> Report:
    """The ticket, which tells all of it, problems included."""
    jira = case.reporting.jira
    if jira is None:
        return report
    until = time.monotonic() + min(case.deadline.left(), STEP_SECONDS)

    def read_token() -> str:
        try:
            return Path(jira.token_file).read_text(encoding="ascii").strip()
        except (OSError, UnicodeError):
            raise Unavailable("jira_token", f"{jira.token_file} cannot be read") from None

    told = Jira(jira, read_token, connect_outside).post_ticket(
        report.identity, ticket(report, case.event), until
    )
    return replace(report, ticket=told.url)
