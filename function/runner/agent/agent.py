"""One run: what the Job was given -> Claude Code -> outcome, transcript, termination message, exit status."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeGuard

from function.runner import handoff, inputs, outcome, signals, tier
from function.runner.agent import claude_args
from function.runner.agent.process import GRACE_SECONDS, Claude, Event
from function.runner.agent.session import SIGNAL, Ending, Session
from function.runner.agent.transcript import Transcript
from function.runner.inputs import Given
from function.runner.outcome import EXIT, AgentOutcome, Report
from function.runner.paths import Paths
from function.runner.tier import Tier
from function.shared.errors import Misconfigured, Unavailable, location

HURRIED_SECONDS = 1.0
"""Of grace for a program that is told to end while the pod is."""
MAX_COMPLAINT = 200
MAX_DENIALS = 20
MAX_NUMBER = 1e12


def main(environment: Mapping[str, str]) -> int:
    """Runs to the end, hands the report over, tells it as the last line of the log and as the termination
    message, and returns the exit status."""
    began = time.monotonic()
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()  # the one kind that a signal handler may put to
    signals.on_terminate(lambda: events.put(SIGNAL))
    paths = Paths.read(environment)
    transcript = Transcript([environment[name] for name in claude_args.CREDENTIALS if environment.get(name)])
    with handoff.held(paths.handoff):
        told = attempted(Desk(paths, environment, transcript, events))
        report = replace(told, seconds=round(time.monotonic() - began)).cleaned(transcript.secrets)
        try:
            handoff.write_report(paths.handoff, report)
        except OSError as error:
            report = replace(report, problems=(f"the report could not be handed over: {error.strerror}",))
    outcome.write_message(report, paths.termination_log)
    return report.exit_code


@dataclass(frozen=True)
class Desk:
    """What a run works with."""

    paths: Paths
    environment: Mapping[str, str]
    transcript: Transcript
    events: queue.SimpleQueue[Event]


def attempted(desk: Desk) -> Report:
    """What came of it, whatever went wrong."""
    try:
        allowed = tier.read(desk.paths.tier)
        job = inputs.read(desk.paths.inputs, allowed)
        obstacle = handoff.obstacle(desk.paths.handoff)
        return Report(EXIT["refused"], "refused", detail=obstacle) if obstacle else run(job, allowed, desk)
    except (Misconfigured, Unavailable) as error:
        return Report(EXIT["refused"], "refused", detail=str(error))
    except Exception as error:  # noqa: BLE001  whatever it is, the Job has to be told
        return Report(EXIT["died"], "died", detail=location(error))


def run(job: Given, allowed: Tier, desk: Desk) -> Report:
    """The conversation, and what came of it."""
    transcript = desk.transcript
    with TemporaryDirectory(prefix="agent-") as folder:
        servers = Path(folder) / "mcp.json"
        servers.touch(mode=0o600)
        servers.write_text(json.dumps(claude_args.mcp_config(allowed, transcript.token)), encoding="utf-8")
        line = claude_args.argv(desk.paths.program, allowed, servers)
        environment = claude_args.environment(desk.environment)
        claude = Claude(line, environment, desk.paths.work, desk.events, transcript.write)
        ending = Ending("died")
        try:
            ending = Session(claude, allowed, lambda told: _outcome(told, allowed, desk) is not None).hold(
                job.prompt
            )
        finally:
            claude.close(HURRIED_SECONDS if ending.why == "signal" else GRACE_SECONDS)
    if ending.why == "died" and (complaint := claude.complaint().strip()):
        ending = replace(ending, detail=f"{ending.detail}; it said: {complaint[-MAX_COMPLAINT:]}")
    return _report(ending, job, allowed, desk)


def _outcome(told: object, allowed: Tier, desk: Desk) -> AgentOutcome | None:
    """The outcome, if it is one that an agent of this tier can have."""
    found = outcome.read(told, desk.transcript.secrets)
    return found if found and found.status in outcome.ENDS[allowed.mode] else None


def _report(ending: Ending, job: Given, allowed: Tier, desk: Desk) -> Report:
    result = ending.result
    told = _outcome(ending.outcome, allowed, desk) if ending.outcome is not None else None
    refused = result.get("permission_denials")
    denials = (
        [each.get("tool_name") for each in refused if isinstance(each, dict)] if _is_list(refused) else []
    )
    return Report(
        exit_code=0 if told else EXIT[ending.why],
        ended=ending.why,
        identity=str(job.event.get("identity", "")),
        tier=str((job.decision.get("grant") or {}).get("tier", "")),
        session=str(result.get("session_id", "")),
        model=allowed.model,
        outcome=told,
        cost_usd=_number(result.get("total_cost_usd")),
        turns=int(_number(result.get("num_turns"))),
        denials=tuple(dict.fromkeys(str(name) for name in denials))[:MAX_DENIALS],
        detail=ending.detail,
    )


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _number(value: object) -> float:
    return round(float(value), 4) if isinstance(value, int | float) and abs(value) < MAX_NUMBER else 0.0
