"""One run: what the Job was given -> Claude Code -> outcome, transcript, termination message, exit status."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeGuard

from function.errors import Misconfigured, Unavailable, place
from function.model import to_json
from function.runner import command, outcome, tier
from function.runner.claude import Claude
from function.runner.outcome import Report
from function.runner.secrets import cleaned, redacted
from function.runner.session import SIGNAL, Ending, Session
from function.runner.tier import Tier
from function.wire import token_in

EXIT = {
    "completed": 10,
    "no_outcome": 10,
    "died": 10,
    "preflight": 20,
    "api_error": 30,
    "deadline": 40,
    "signal": 40,
    "refused": 42,
}
"""By how a run ended without an outcome; with one it is 0. A tier says which of them its Job tries again."""

MAX_TRANSCRIPT = 16 * 1024 * 1024
"""Bytes on standard output; what a node keeps of a container's log is less."""
MAX_TRANSCRIPT_LINE = 64 * 1024
MAX_CLEANED = 256 * 1024
MARGIN = 8 * 1024
"""Longer than any credential."""
ESCAPES = re.compile(r"\\+(?:u[0-9a-fA-F]{4}|.)")
"""Of JSON: the letter of one would run together with the beginning of a credential."""
MAX_PROMPT = 64 * 1024
MAX_DENIALS = 20
MAX_NUMBER = 1e12


@dataclass(frozen=True)
class Given:
    """What the dispatcher gave the Job, from the files of the downward API; a try-out has no event."""

    prompt: str
    event: Mapping[str, Any]
    decision: Mapping[str, Any]


@dataclass(frozen=True)
class Places:
    """Where things are in the container."""

    dispatch: Path
    tier: Path
    program: Path
    work: Path
    termination: Path

    @staticmethod
    def read(environment: Mapping[str, str]) -> Places:
        get = environment.get
        return Places(
            dispatch=Path(get("AGENT_DISPATCH", "/etc/sre-dispatch")),
            tier=Path(get("AGENT_TIER", "/etc/sre-agent/tier.json")),
            program=Path(get("AGENT_PROGRAM", "/usr/local/bin/claude")),
            work=Path(get("AGENT_WORK", "/work")),
            termination=Path(get("AGENT_TERMINATION", "/dev/termination-log")),
        )


def main(environment: Mapping[str, str]) -> int:
    """Runs to the end, tells it on standard output and in the termination message, and returns the exit
    status."""
    began = time.monotonic()
    places = Places.read(environment)
    secrets = [environment[name] for name in command.CREDENTIALS if environment.get(name)]
    try:
        allowed = tier.read(places.tier)
        report = run(read(places.dispatch, allowed), allowed, places, environment, Transcript(secrets))
    except (Misconfigured, Unavailable) as error:
        report = Report(EXIT["refused"], "refused", detail=str(error))
    except Exception as error:  # noqa: BLE001  whatever it is, the Job has to be told
        report = Report(EXIT["died"], "died", detail=place(error))
    message = replace(report, seconds=round(time.monotonic() - began)).message(secrets)
    with contextlib.suppress(OSError):
        places.termination.write_text(message, encoding="ascii")
    with contextlib.suppress(OSError):
        print(to_json({"report": json.loads(message)}), flush=True)
    return report.exit_code


def read(folder: Path, allowed: Tier) -> Given:
    """What the Job was given. Raises Misconfigured where it is not for this tier, or no prompt at all."""
    try:
        prompt, event, decision = (
            (folder / name).read_text(encoding="utf-8") for name in ("prompt", "event", "decision")
        )
        given = Given(prompt, json.loads(event), json.loads(decision))
    except (OSError, ValueError, RecursionError) as error:
        raise Misconfigured(
            f"{folder}: prompt, event or decision cannot be read: {type(error).__name__}"
        ) from None
    if not prompt.strip() or prompt.lstrip().startswith("/") or len(prompt.encode()) > MAX_PROMPT:
        raise Misconfigured("the prompt is empty, over 64 KiB, or begins like a command")
    if not isinstance(given.event, dict) or not isinstance(given.decision, dict):
        raise Misconfigured("event or decision is no JSON object")
    if not isinstance(given.decision.get("grant") or {}, dict):
        raise Misconfigured("the decision's grant is no JSON object")
    if given.decision and given.decision.get("mode") != allowed.mode:
        raise Misconfigured("the decision is for another mode than this tier's")
    return given


def run(
    given: Given, allowed: Tier, places: Places, environment: Mapping[str, str], transcript: Transcript
) -> Report:
    """The conversation, and what came of it."""
    with TemporaryDirectory(prefix="agent-") as folder:
        servers = Path(folder) / "mcp.json"
        servers.touch(mode=0o600)
        servers.write_text(json.dumps(command.mcp_config(allowed, transcript.token)), encoding="utf-8")
        line = command.argv(places.program, allowed, servers)
        claude = Claude(line, command.environment(environment), places.work, transcript.write)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: claude.events.put(SIGNAL))
        try:
            ending = Session(
                claude, allowed, lambda told: outcome.read(told, transcript.secrets) is not None
            ).hold(given.prompt)
        finally:
            claude.close()
    return _report(ending, given, allowed, transcript)


def _report(ending: Ending, given: Given, allowed: Tier, transcript: Transcript) -> Report:
    result = ending.result
    told = outcome.read(ending.outcome, transcript.secrets) if ending.outcome is not None else None
    refused = result.get("permission_denials")
    denials = (
        [each.get("tool_name") for each in refused if isinstance(each, dict)] if _is_list(refused) else []
    )
    return Report(
        exit_code=0 if told else EXIT[ending.why],
        ended=ending.why,
        identity=str(given.event.get("identity", "")),
        tier=str((given.decision.get("grant") or {}).get("tier", "")),
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


class Transcript:
    """Every event on standard output, one line each: redacted, each bounded, and all together."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self.secrets = [*secrets]
        self._left = MAX_TRANSCRIPT

    def token(self, file: str) -> str:
        """The token in the file, which is never written from now on. Raises Unavailable."""
        token = token_in(Path(file), "token_file", "mcp_token")()
        self.secrets.append(token)
        return token

    def write(self, line: bytes) -> None:
        if self._left <= 0:
            return
        told = self._told(line)
        self._left -= len(told)
        if self._left <= 0:
            told = to_json({"cut": "the transcript is over its limit; the run goes on"})
        sys.stdout.write(told + "\n")
        sys.stdout.flush()

    def _told(self, line: bytes) -> str:
        """The line, cleaned. A very long one is cut first, since cleaning takes half a second a megabyte, and
        more is cut off than is shown: a credential that the cut split would not be known for one."""
        if len(line) <= MAX_CLEANED:
            try:
                told = to_json(cleaned(json.loads(line), self.secrets))
            except (ValueError, RecursionError):  # as it is, it could hide a credential from us
                told = to_json({"unreadable": len(line)})
            if len(told) <= MAX_TRANSCRIPT_LINE:
                return told
            return to_json({"cut": len(line), "begins": told[:MAX_TRANSCRIPT_LINE]})
        plain = ESCAPES.sub(" ", line[:MAX_CLEANED].decode("utf-8", "replace"))
        begins = redacted(plain, self.secrets)
        return to_json({"cut": len(line), "begins": begins[: min(MAX_TRANSCRIPT_LINE, len(begins) - MARGIN)]})
