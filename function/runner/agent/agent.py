"""Role `agent`: runs Claude Code with the Job's inputs, and writes the report."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from function.runner import handoff, inputs, outcome, signals, tier
from function.runner.agent import claude_args, stream
from function.runner.agent.briefing import briefing
from function.runner.agent.process import GRACE_SECONDS, Claude, Event
from function.runner.agent.session import SIGNAL, Ending, Session
from function.runner.agent.transcript import Transcript
from function.runner.inputs import Given
from function.runner.outcome import EXIT, AgentOutcome, Report
from function.runner.paths import Paths
from function.runner.tier import Tier
from function.shared.errors import Misconfigured, Unavailable, location

HURRIED_SECONDS = 1.0
"""The grace period of Claude Code while the pod is being terminated."""
MAX_STDERR = 200


@dataclass(frozen=True)
class Container:
    """The resources that the container provides for a run."""

    paths: Paths
    environment: Mapping[str, str]
    transcript: Transcript
    events: queue.SimpleQueue[Event]
    """The events of Claude Code, and signals."""


def main(environment: Mapping[str, str]) -> int:
    """Runs the agent and passes the report to the role `report`. Writes the report as the last line of the
    log and as the termination message. Returns the exit code."""
    began = time.monotonic()
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()  # only this queue is safe in a signal handler
    signals.on_terminate(lambda: events.put(SIGNAL))
    paths = Paths.read(environment)
    transcript = Transcript([environment[name] for name in claude_args.CREDENTIALS if environment.get(name)])
    with handoff.held(paths.handoff):
        report = report_of_run(Container(paths, environment, transcript, events))
        report = replace(report, seconds=round(time.monotonic() - began)).cleaned(transcript.secrets)
        try:
            handoff.write_report(paths.handoff, report)
        except OSError as error:
            report = replace(report, problems=(f"the report could not be handed over: {error.strerror}",))
    outcome.write_message(report, paths.termination_log)
    return report.exit_code


def report_of_run(container: Container) -> Report:
    """Returns the report of the run, even if the run could not start or failed."""
    try:
        allowed = tier.read(container.paths.tier)
        job = inputs.read(container.paths.inputs, allowed)
        if obstacle := handoff.obstacle(container.paths.handoff):
            return Report(EXIT["refused"], "refused", detail=obstacle)
        told = briefing(container.paths.tier, allowed, job.event, time.time())
        return run(replace(job, prompt=told + job.prompt), allowed, container)
    except (Misconfigured, Unavailable) as error:
        return Report(EXIT["refused"], "refused", detail=str(error))
    except Exception as error:  # noqa: BLE001  the Job needs a report of any error
        return Report(EXIT["died"], "died", detail=location(error))


def run(job: Given, allowed: Tier, container: Container) -> Report:
    """Holds one conversation with Claude Code and returns the report."""
    transcript = container.transcript
    with TemporaryDirectory(prefix="agent-") as folder:
        servers = Path(folder) / "mcp.json"
        servers.touch(mode=0o600)
        servers.write_text(json.dumps(claude_args.mcp_config(allowed, transcript.token)), encoding="utf-8")
        command = claude_args.argv(container.paths.program, allowed, servers, job.system_prompt)
        environment = claude_args.environment(container.environment)
        claude = Claude(command, environment, container.paths.work, container.events, transcript.write)
        ending = Ending("died")
        try:
            session = Session(
                claude, allowed, lambda value: _outcome(value, allowed, transcript.secrets) is not None
            )
            ending = session.hold(job.prompt)
            ending = replace(ending, cost_usd=session.used.cost_usd)
        finally:
            claude.close(HURRIED_SECONDS if ending.why == "signal" else GRACE_SECONDS)
    if ending.why == "died" and (stderr := claude.stderr().strip()):
        ending = replace(ending, detail=f"{ending.detail}; stderr: {stderr[-MAX_STDERR:]}")
    return _report(ending, job, allowed, transcript.secrets)


def _outcome(value: object, allowed: Tier, secrets: Sequence[str]) -> AgentOutcome | None:
    """Returns the outcome, or None if it is invalid for an agent of this tier."""
    found = outcome.read(value, secrets)
    return found if found and found.status in outcome.ENDS[allowed.mode] else None


def _report(ending: Ending, job: Given, allowed: Tier, secrets: Sequence[str]) -> Report:
    found = _outcome(ending.outcome, allowed, secrets) if ending.outcome is not None else None
    totals = stream.totals(ending.result)
    return Report(
        exit_code=0 if found else EXIT[ending.why],
        ended=ending.why,
        identity=str(job.event.get("identity", "")),
        tier=str((job.decision.get("grant") or {}).get("tier", "")),
        session=totals.session,
        model=", ".join(totals.models) or allowed.model,
        outcome=found,
        cost_usd=max(totals.cost_usd, ending.cost_usd),
        turns=totals.turns,
        denials=totals.denials,
        detail=ending.detail,
    )
