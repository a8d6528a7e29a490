"""The last container: what came of the run -> merge request, verification, world model, ticket.

Each step is on its own: one that fails is told as a problem, by the steps after it and in the termination
message, and takes nothing from the others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from function.adapters.ffo import Ffo, Options
from function.errors import DispatchError, Misconfigured, Unavailable, place
from function.facts import MAX_RUN_TEXT, Run, cut
from function.runner import given, handover, outcome, proposal, signals, tier
from function.runner.agent import EXIT
from function.runner.description import description
from function.runner.git import BASE, Git
from function.runner.given import Given, Places
from function.runner.jira import Jira
from function.runner.outcome import Report
from function.runner.ticket import ticket
from function.runner.tier import Reporting, Tier
from function.runner.verification import Clock, verify
from function.wire import connect_outside, token_in

INCOMPLETE = 50
"""Exit status where something could not be reported. The tiers' podFailurePolicy names it."""
WRAP_UP_SECONDS = 240
"""The most that an agent takes beyond its own seconds: servers that connect, its last words, its end."""
STEP_SECONDS = 60.0
GRACE_SECONDS = 75.0
"""Of the 90 that a pod has after the signal, in the tiers' files."""
REMEDIED = ("resolved", "mitigated")


class Deadline:
    """How much time is left. A signal leaves GRACE_SECONDS."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._hurried = threading.Event()

    def left(self) -> float:
        return self._until - time.monotonic()

    def hurry(self) -> None:
        self._until = min(self._until, time.monotonic() + GRACE_SECONDS)
        self._hurried.set()

    def sleep(self, seconds: float) -> None:
        """Raises Unavailable where a signal takes the patience."""
        if self._hurried.wait(seconds):
            raise Unavailable("stopped", "the pod was told to end while the alert was watched")


@dataclass(frozen=True)
class Case:
    """What a step works with."""

    job: Given
    tier: Tier
    reporting: Reporting
    places: Places
    environment: Mapping[str, str]
    deadline: Deadline
    ended_at: float
    """When the agent had ended, in seconds since the epoch."""

    @property
    def session(self) -> str:
        """The pod's own name stands for a session that never began."""
        return self.environment.get("HOSTNAME", "unknown")


def main(environment: Mapping[str, str]) -> int:
    """Waits for the agent's end, reports it everywhere, tells it as the agent does, and returns 0, or
    INCOMPLETE where something could not be reported."""
    deadline = Deadline(4 * 3600.0)  # the pod's own is far below
    signals.heed(deadline.hurry)
    places = Places.read(environment)
    report = reported(places, environment, deadline)
    outcome.tell(report.cleaned(), places.termination)
    return INCOMPLETE if report.problems else 0


def reported(places: Places, environment: Mapping[str, str], deadline: Deadline) -> Report:
    try:
        allowed, reporting = tier.read(places.tier), tier.read_reporting(places.tier)
        job = given.read(places.dispatch, allowed)
    except Misconfigured as error:
        return Report(EXIT["refused"], "refused", problems=(str(error),))
    report = _taken(places, job, allowed, deadline)
    if not job.event:  # a try-out is nobody's incident
        return report
    case = Case(job, allowed, reporting, places, environment, deadline, time.time())
    for step in (propose, watch, remember, document):
        report = _attempted(step, report, case)
    return report


def _taken(places: Places, job: Given, allowed: Tier, deadline: Deadline) -> Report:
    """The agent's report, or ours of its death. Whose it is the pod itself says."""
    until = time.monotonic() + allowed.seconds + WRAP_UP_SECONDS
    try:
        told = handover.take(
            places.handover, lambda: min(until - time.monotonic(), deadline.left() - STEP_SECONDS / 2)
        )
    except Unavailable as error:
        told = Report(EXIT["killed"], "killed", detail=str(error))
    named = str((job.decision.get("grant") or {}).get("tier", ""))
    return replace(told.cleaned(), identity=str(job.event.get("identity", "")), tier=named)


def _attempted(step: Callable[[Report, Case], Report], report: Report, case: Case) -> Report:
    try:
        return step(report, case)
    except DispatchError as error:
        why = str(error)
    except Exception as error:  # noqa: BLE001  the other steps must still be taken
        why = place(error)
    return replace(report, problems=(*report.problems, f"{step.__name__}: {why}"))


def propose(report: Report, case: Case) -> Report:
    """One merge request of what the agent changed, where it says that it proposes."""
    told = report.outcome
    if case.tier.mode != "merge-request" or told is None or told.status != "proposed":
        return report
    repository = proposal.repository_of(case.job.event, case.reporting.repositories)
    if repository is None:
        raise Misconfigured("no repository is known for this resource")
    git = Git(case.places.git, case.reporting.git_file, case.environment)
    changes = proposal.changes(git, BASE, case.places.work, repository.path)
    if not changes.files:
        raise Unavailable("unchanged", "the agent says that it proposes something, and changed no file")
    about = proposal.About(report.identity, *description(report, case.job.event))
    made = proposal.propose(git, repository, BASE, changes, about)
    return replace(report, merge_request=made.url or f"{made.branch} in {repository.url}")


def watch(report: Report, case: Case) -> Report:
    """Whether the alert cleared, where the agent says that it did something about it."""
    told, prometheus = report.outcome, case.reporting.prometheus
    if prometheus is None or told is None or told.status not in REMEDIED:
        return report
    until = time.monotonic() + min(case.deadline.left(), prometheus.seconds + STEP_SECONDS)
    try:
        verdict = verify(case.job.event, prometheus, case.ended_at, until, Clock(sleep=case.deadline.sleep))
    except Unavailable:  # told to end: there is no verdict yet, and the other steps need the time
        return replace(report, verification="inconclusive", reason="stopped")
    return replace(report, verification=verdict.state, reason=verdict.reason)


def remember(report: Report, case: Case) -> Report:
    """The run in the world model's memory."""
    world = case.reporting.world_model
    if world is None:
        return report
    told, event = report.outcome, case.job.event
    run = Run(
        session=report.session or case.session,
        at=datetime.fromtimestamp(case.ended_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **{name: str(event.get(name, "")) for name in ("resource_type", "resource_id", "alertname")},
        **{name: str(event.get(name, "")) for name in ("namespace", "cluster", "identity")},
        status=told.status if told else "failed",
        action=cut("; ".join(told.actions) if told and told.actions else "changed nothing", MAX_RUN_TEXT),
        verification=report.verification,
        confidence=told.confidence if told else 0.0,
        root_cause=cut(told.root_cause if told else "", MAX_RUN_TEXT),
    )
    options = Options(seconds=min(20.0, case.deadline.left()), outcome_tool=world.tool)
    Ffo(world.url, token_in(Path(world.token_file), "token_file", "world_token"), options).record(run)
    return report


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

    told = Jira(jira, read_token, connect_outside).tell(
        report.identity, ticket(report, case.job.event), until
    )
    return replace(report, ticket=told.url)
