"""Role `report`: reports the result of the run by merge request, verification, world model and ticket.

The steps are independent. If a step fails, the failure becomes a problem of the report. The later steps and
the termination message name the problem."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from function.runner import handoff, inputs, outcome, signals, tier
from function.runner.git import BASE, Git
from function.runner.git_process import GitProcess
from function.runner.inputs import Given
from function.runner.outcome import EXIT, AgentOutcome, Report
from function.runner.paths import Paths
from function.runner.report import merge_request, record
from function.runner.report.changes import read_changes
from function.runner.report.description import description
from function.runner.report.jira import Jira
from function.runner.report.jira_text import ticket
from function.runner.report.questions import Clock
from function.runner.report.verification import verify
from function.runner.tier import Reporting
from function.shared.errors import Misconfigured, Unavailable, reason
from function.shared.http import connect_outside, token_in
from function.shared.mcp import Options, WorldModelClient
from function.shared.text import cut

T = TypeVar("T")
INCOMPLETE = 50
"""The exit code after a failed step. The podFailurePolicy of the tiers contains the same number."""
OVERTIME_SECONDS = 160.0
"""The time that an agent may take after its time limit, for the wrap-up and the end of its program."""
STEP_SECONDS = 60.0
"""The time limit of a step. Verification has the time limit of the tier in addition."""
AFTER_SIGNAL_SECONDS = 105.0
"""The time that is left after a signal. The tiers' terminationGracePeriodSeconds (120) includes this time."""
PAUSE_SECONDS = 3.0
RESERVE_SECONDS = 30.0
"""The part of AFTER_SIGNAL_SECONDS that is reserved for the steps after the end of the agent."""
MAX_NAME = 100
MAX_DETAIL = 400
REMEDIED = ("resolved", "mitigated")


class Deadline:
    """The deadline of the report. A signal shortens the remaining time to AFTER_SIGNAL_SECONDS."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._hurried: queue.SimpleQueue[None] = queue.SimpleQueue()  # a signal handler must not use a lock

    def left(self) -> float:
        return self._until - time.monotonic()

    def hurry(self) -> None:
        self._until = min(self._until, time.monotonic() + AFTER_SIGNAL_SECONDS)
        self._hurried.put(None)

    def sleep(self, seconds: float) -> None:
        """Waits. Raises Unavailable after a signal."""
        with contextlib.suppress(queue.Empty):
            self._hurried.get(timeout=max(0.0, seconds))
            self._hurried.put(None)
            raise Unavailable("stopped", "the pod is being terminated")


@dataclass(frozen=True)
class StepInputs:
    """The inputs of a step, except the report."""

    event: Mapping[str, Any]
    mode: str
    reporting: Reporting
    paths: Paths
    environment: Mapping[str, str]
    deadline: Deadline
    ended_at: float
    """The end of the agent, in seconds since the epoch."""


def main(environment: Mapping[str, str]) -> int:
    """Waits for the end of the agent, runs the steps and writes the termination message. Returns 0, or
    INCOMPLETE if a step failed."""
    deadline = Deadline(4 * 3600.0)  # the pod has a shorter deadline
    signals.on_terminate(deadline.hurry)
    paths = Paths.read(environment)
    report = reported(paths, environment, deadline).cleaned()
    outcome.write_message(report, paths.termination_log)
    return INCOMPLETE if report.problems else 0


def reported(paths: Paths, environment: Mapping[str, str], deadline: Deadline) -> Report:
    """Runs all steps and returns the report. If a file cannot be read, the report names the problem."""
    problems: list[str] = []
    allowed = _read(lambda: tier.read(paths.tier), problems)
    reporting = _read(lambda: tier.read_reporting(paths.tier), problems) or Reporting()
    job = _read(lambda: inputs.load(paths.inputs), problems) or Given("", {}, {})
    report = _agents_report(paths, allowed.seconds if allowed else 0, deadline)
    identity = str(job.event.get("identity", ""))
    granted_tier = str((job.decision.get("grant") or {}).get("tier", ""))
    report = replace(report, identity=identity, tier=granted_tier, problems=tuple(problems))
    outcome.note(report, paths.termination_log)
    if not job.event:  # a try-out is not reported
        return report
    mode = allowed.mode if allowed else ""
    given = StepInputs(job.event, mode, reporting, paths, environment, deadline, time.time())
    report = _without_false_claim(_attempted("merge request", propose, report, given))
    report = _attempted("verification", verify_alert, report, given)
    report = _attempted("world model", record_run, report, given)
    return _attempted("ticket", post_ticket, report, given)


def _read(read: Callable[[], T], problems: list[str]) -> T | None:
    try:
        return read()
    except Misconfigured as error:
        problems.append(str(error))
        return None


def _agents_report(paths: Paths, seconds: float, deadline: Deadline) -> Report:
    """Returns the agent's report. If the agent was killed, returns a new report. It clears the fields that
    the steps fill, because the agent must not set them."""
    until = time.monotonic() + seconds + OVERTIME_SECONDS
    try:
        written = handoff.wait_for_report(
            paths.handoff, lambda: min(until - time.monotonic(), deadline.left() - RESERVE_SECONDS)
        )
    except Unavailable as error:
        return Report(EXIT["killed"], "killed", detail=str(error))
    return replace(
        written,
        ended=written.ended if written.ended in EXIT else "killed",
        session=cut(written.session, MAX_NAME),
        model=cut(written.model, MAX_NAME),
        detail=cut(written.detail, MAX_DETAIL),
        verification="none",
        reason="",
        merge_request="",
        ticket="",
    ).cleaned()


def _attempted(
    name: str, step: Callable[[Report, StepInputs], Report], report: Report, given: StepInputs
) -> Report:
    try:
        return step(report, given)
    except Exception as error:  # noqa: BLE001  the other steps still have to run
        return replace(report, problems=(*report.problems, f"{name}: {reason(error)}"))


def propose(report: Report, given: StepInputs) -> Report:
    """Opens one merge request with the agent's changes, if the agent's outcome is `proposed`."""
    if given.mode != "merge-request" or report.outcome is None:
        return report
    address, problem = _proposed(report, report.outcome, given)
    problems = (*report.problems, f"merge request: {problem}") if problem else report.problems
    return replace(report, merge_request=address, problems=problems)


def _without_false_claim(report: Report) -> Report:
    """Changes an outcome `proposed` to `investigated` if there is no merge request."""
    found = report.outcome
    if found is None or found.status != "proposed" or report.merge_request:
        return report
    return replace(report, outcome=replace(found, status="investigated"))


def _proposed(report: Report, found: AgentOutcome, given: StepInputs) -> tuple[str, str]:
    """Returns the address of the merge request and a problem with it. The address is empty if no merge
    request is needed. The problem is empty if there is none."""
    repository = tier.repository_of(given.event, given.reporting.repositories)
    if repository is None:
        raise Misconfigured("no repository is known for this resource: add it to the tier's report.json")
    process = GitProcess(
        given.paths.git,
        given.reporting.git_file,
        given.environment,
        left=lambda: given.deadline.left() - RESERVE_SECONDS,
    )
    git = Git(process)
    allowed = given.reporting.proposals
    changes = read_changes(git, BASE, given.paths.work, repository.path, allowed)
    if found.status != "proposed":
        if changes.files:
            raise Unavailable("left", f"the agent changed {len(changes.files)} files but reports no proposal")
        return "", ""
    if not changes.files:
        raise Unavailable("unchanged", "the agent reports a proposal but changed no file")
    _check_cluster(given.event, "merge request")
    about = merge_request.About(report.identity, *description(report, given.event))
    made = merge_request.propose(git, repository, BASE, changes, about)
    return made.url or f"{made.branch} in {repository.url}", made.problem


def _check_cluster(event: Mapping[str, Any], shared: str) -> None:
    """Raises Misconfigured if the event has no cluster. Then its identity would be the same in every cluster
    without a name, and these clusters would share the ticket and the merge request."""
    if not event.get("cluster"):
        raise Misconfigured(
            f"the alert has no cluster, so another cluster without a name could use the same {shared}: set "
            "SRE_DISPATCH_CLUSTER of the function to a name that no other cluster has"
        )


def verify_alert(report: Report, given: StepInputs) -> Report:
    """Verifies whether the alert cleared, if the agent reports `resolved` or `mitigated`."""
    found, prometheus = report.outcome, given.reporting.prometheus
    if prometheus is None or found is None or found.status not in REMEDIED:
        return report
    until = time.monotonic() + min(given.deadline.left(), prometheus.seconds + STEP_SECONDS)
    try:
        verdict = verify(given.event, prometheus, given.ended_at, until, Clock(sleep=given.deadline.sleep))
    except Unavailable:  # after a signal the other steps need the remaining time
        return replace(report, verification="inconclusive", reason="stopped")
    return replace(report, verification=verdict.state, reason=verdict.reason)


def record_run(report: Report, given: StepInputs) -> Report:
    """Records the run in the world model."""
    world = given.reporting.world_model
    if world is None:
        return report
    seconds = min(given.deadline.left() - RESERVE_SECONDS, STEP_SECONDS)
    until = time.monotonic() + max(0.0, seconds)
    client = WorldModelClient(
        world.url,
        token_in(Path(world.token_file), "token_file", "world_token"),
        Options(seconds=10.0, outcome_tool=world.tool),
    )
    pod = given.environment.get("HOSTNAME", "")
    run, tried = record.run(report, given.event, given.mode, pod, given.ended_at), False
    while True:
        try:
            is_new = client.record(run)
            break
        except Unavailable:
            tried = True  # the run may be recorded already
            if time.monotonic() + PAUSE_SECONDS > until:
                raise
            given.deadline.sleep(PAUSE_SECONDS)
    if not is_new and not tried:
        raise Misconfigured("the world model already has a run of this pod")
    return report


def post_ticket(report: Report, given: StepInputs) -> Report:
    """Posts the ticket with the whole report, including its problems."""
    jira = given.reporting.jira
    if jira is None:
        return report
    _check_cluster(given.event, "ticket")
    until = time.monotonic() + min(given.deadline.left(), STEP_SECONDS)

    def read_token() -> str:
        try:
            return Path(jira.token_file).read_text(encoding="ascii").strip()
        except (OSError, UnicodeError):
            raise Unavailable(
                "jira_token", f"{jira.token_file} (see report.jira.token_file) cannot be read"
            ) from None

    posted = Jira(jira, read_token, connect_outside).post_ticket(
        report.identity, ticket(report, given.event), until
    )
    return replace(report, ticket=posted.url)
