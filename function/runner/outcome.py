"""What the model has to say at the end, what the runner adds, and the message that outlives the pod."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from function.runner.redact import cleaned
from function.shared.facts import RunStatus, Verification
from function.shared.strict_json import STRICT, to_json

MAX_MESSAGE = 4000
"""Bytes of a termination message: the kubelet keeps the last 4096 and cuts the head off what is longer."""

IDENTITY = re.compile(r"[0-9a-f]{64}")
"""Of a problem, as function/subject.py makes it; a try-out has none."""
MAX_TEXT = 4000
MAX_ITEM = 1000
"""Characters of a text that stands alone, and of one in a list."""
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Texts = Annotated[tuple[Annotated[str, Field(max_length=MAX_ITEM)], ...], Field(max_length=30)]

EXIT = {
    "completed": 10,
    "no_outcome": 10,
    "died": 10,
    "preflight": 20,
    "api_error": 30,
    "deadline": 40,
    "signal": 40,
    "refused": 42,
    "killed": 10,
}
"""By how a run ended without an outcome; with one it is 0. A tier says which of them its Job tries again."""


@dataclass(frozen=True)
class AgentOutcome:
    """The structured end of a run, in the model's words: text of somebody who read untrusted data."""

    __pydantic_config__ = STRICT
    status: RunStatus
    summary: Text
    root_cause: Text
    actions: Texts
    """What was changed, or is proposed; empty where nothing was."""
    evidence: Texts
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    follow_up: Text


_OUTCOME = TypeAdapter(AgentOutcome)
ENDS: Mapping[str, tuple[RunStatus, ...]] = {
    "autonomous": ("resolved", "mitigated", "investigated", "failed", "refused"),
    "merge-request": ("proposed", "investigated", "failed", "refused"),
    "investigate": ("investigated", "failed", "refused"),
}
"""By mode: who can change nothing has resolved nothing."""


def schema(mode: str) -> dict[str, Any]:
    """Of an outcome that an agent of this mode can have."""
    told = _OUTCOME.json_schema()
    told["properties"]["status"] = {"enum": [*ENDS[mode]], "type": "string"}
    return told


def read(told: object, known_secrets: Iterable[str] = ()) -> AgentOutcome | None:
    """The outcome, if it is one: every text of it without what looks like a credential, and cut to its limit
    where that made it longer."""
    try:
        valid = _OUTCOME.validate_json(to_json(told))  # its size first: cleaning takes time
    except (ValidationError, TypeError, ValueError):
        return None
    secrets = [*known_secrets]
    texts = {name: _fitting(cleaned(value, secrets)) for name, value in asdict(valid).items()}
    return AgentOutcome(**texts | {"status": valid.status})


def _fitting(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(item[:MAX_ITEM] for item in value)
    return value[:MAX_TEXT] if isinstance(value, str) else value


@dataclass(frozen=True)
class Report:
    """The outcome and what the runner saw of the run. The model has no say in the latter."""

    exit_code: int
    ended: str
    """How: `completed`, or why it was ended or could not begin; a constant."""
    identity: str = ""
    tier: str = ""
    session: str = ""
    model: str = ""
    outcome: AgentOutcome | None = None
    cost_usd: float = 0.0
    turns: int = 0
    seconds: int = 0
    denials: tuple[str, ...] = ()
    """Tools that were asked for and refused, each once."""
    detail: str = ""
    """For the operator; free of the model's words."""
    verification: Verification = "none"
    """Whether the alert cleared, as Prometheus says; `none` where nobody asked."""
    reason: str = ""
    """Why the verification says so; a constant of verification.py."""
    merge_request: str = ""
    """Its address."""
    ticket: str = ""
    """Its address."""
    problems: tuple[str, ...] = ()
    """What could not be reported, and why: sentences for the operator."""

    def cleaned(self, known_secrets: Iterable[str] = ()) -> Report:
        """The same without what looks like a credential."""
        secrets = [*known_secrets]
        told = cleaned(asdict(replace(self, outcome=None)), secrets)
        return _REPORT.validate_python(
            told | {"outcome": self.outcome and read(asdict(self.outcome), secrets)}
        )

    def message(self) -> str:
        """The termination message of a clean report: a JSON object of at most MAX_MESSAGE bytes, its longest
        texts cut first."""
        told_whole = asdict(self)
        for limit in (4000, 1000, 500, 250, 120, 60, 20):
            told = json.dumps(_shortened(told_whole, limit), ensure_ascii=True, separators=(",", ":"))
            if len(told) <= MAX_MESSAGE:
                return told
        return json.dumps({"exit_code": self.exit_code, "ended": self.ended, "detail": "too long to be told"})


_REPORT = TypeAdapter(Report)


def note(report: Report, termination: Path) -> None:
    """Leaves a clean report as the termination message, in the place of one before."""
    with contextlib.suppress(OSError):
        termination.write_text(report.message(), encoding="ascii")


def write_message(report: Report, termination: Path) -> None:
    """Says a clean report as the termination message and as the last line of the log."""
    message = report.message()
    note(report, termination)
    with contextlib.suppress(OSError):
        print(f'{{"report":{message}}}', flush=True)


def _shortened(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= limit else value[: limit - 3] + "..."
    if isinstance(value, dict):
        return {
            key: _shortened(child, limit) for key, child in value.items() if child not in (None, "", (), [])
        }
    if isinstance(value, list | tuple):
        return [_shortened(child, limit) for child in value[: max(1, limit // 100)]]
    return value
