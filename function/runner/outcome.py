"""What the model has to say at the end, what the runner adds, and the message that outlives the pod."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from function.facts import RunStatus, Verification
from function.model import STRICT, to_json
from function.runner.secrets import cleaned

MAX_MESSAGE = 4000
"""Bytes of a termination message: the kubelet keeps the last 4096 and cuts the head off what is longer."""

Text = Annotated[str, Field(max_length=4000)]
Texts = Annotated[tuple[Annotated[str, Field(max_length=1000)], ...], Field(max_length=30)]


@dataclass(frozen=True)
class Outcome:
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


_OUTCOME = TypeAdapter(Outcome)
SCHEMA: dict[str, Any] = _OUTCOME.json_schema()


def read(told: object, known_secrets: Iterable[str] = ()) -> Outcome | None:
    """The outcome, if it is one: every text of it without what looks like a credential."""
    try:
        known = _OUTCOME.validate_json(to_json(told))  # its size first: cleaning takes time
        return _OUTCOME.validate_json(to_json(cleaned(asdict(known), known_secrets)))
    except (ValidationError, TypeError, ValueError):
        return None


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
    outcome: Outcome | None = None
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
        """The same without what looks like a credential; without an outcome that then is none any more."""
        told = cleaned(asdict(self), known_secrets)
        return _REPORT.validate_python(told | {"outcome": self.outcome and read(told["outcome"])})

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


def tell(report: Report, termination: Path) -> None:
    """Says a clean report as the termination message and as the last line of the log."""
    message = report.message()
    with contextlib.suppress(OSError):
        termination.write_text(message, encoding="ascii")
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
