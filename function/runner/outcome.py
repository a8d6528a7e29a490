"""The model's outcome, the runner's report, and the termination message."""

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
from function.shared.text import cut

MAX_MESSAGE = 4000
"""Bytes of a termination message. The kubelet keeps only the last 4096."""

IDENTITY = re.compile(r"[0-9a-f]{64}")
"""Of a problem (see function/dispatch/subject.py). A try-out has none."""
MAX_TEXT = 4000
MAX_ITEM = 1000
"""Characters of a single text, and of a text in a list."""
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
"""Exit codes by the end of a run without an outcome; with an outcome it is 0. The podFailurePolicy of a tier
says after which of them the Job is tried again."""


@dataclass(frozen=True)
class AgentOutcome:
    """The structured result of a run. Its texts are untrusted: the model read untrusted data."""

    __pydantic_config__ = STRICT
    status: RunStatus
    summary: Text
    root_cause: Text
    actions: Texts
    """What was changed or is proposed."""
    evidence: Texts
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    follow_up: Text


_OUTCOME = TypeAdapter(AgentOutcome)
ENDS: Mapping[str, tuple[RunStatus, ...]] = {
    "autonomous": ("resolved", "mitigated", "investigated", "failed", "refused"),
    "merge-request": ("proposed", "investigated", "failed", "refused"),
    "investigate": ("investigated", "failed", "refused"),
}
"""The possible statuses of each mode. An agent that cannot change anything cannot resolve anything."""


def schema(mode: str) -> dict[str, Any]:
    """The JSON Schema of an outcome in this mode."""
    whole = _OUTCOME.json_schema()
    whole["properties"]["status"] = {"enum": [*ENDS[mode]], "type": "string"}
    return whole


def read(value: object, known_secrets: Iterable[str] = ()) -> AgentOutcome | None:
    """The outcome without credentials; None if `value` is not a valid outcome. Redaction can make a text
    longer, so each is cut to its limit afterwards."""
    try:
        valid = _OUTCOME.validate_json(to_json(value))  # checks the size, before redaction takes time
    except (ValidationError, TypeError, ValueError):
        return None
    secrets = [*known_secrets]
    texts = {name: _fitting(cleaned(text, secrets)) for name, text in asdict(valid).items()}
    return AgentOutcome(**texts | {"status": valid.status})


def _fitting(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(cut(item, MAX_ITEM) for item in value)
    return cut(value, MAX_TEXT) if isinstance(value, str) else value


@dataclass(frozen=True)
class Report:
    """The outcome, and what the runner observed. The model cannot influence the latter."""

    exit_code: int
    ended: str
    """`completed`, or why the run was ended or could not start: a key of EXIT."""
    identity: str = ""
    tier: str = ""
    session: str = ""
    model: str = ""
    outcome: AgentOutcome | None = None
    cost_usd: float = 0.0
    turns: int = 0
    seconds: int = 0
    denials: tuple[str, ...] = ()
    """Tools that the model called and was refused, each once."""
    detail: str = ""
    """For the operator. It contains no text of the model."""
    verification: Verification = "none"
    """Whether the alert cleared, by Prometheus; `none` if it was not asked."""
    reason: str = ""
    """The reason of the verification: a constant of condition.py."""
    merge_request: str = ""
    """The address."""
    ticket: str = ""
    """The address."""
    problems: tuple[str, ...] = ()
    """What could not be reported, and why. Sentences for the operator."""

    def cleaned(self, known_secrets: Iterable[str] = ()) -> Report:
        """The report without credentials."""
        secrets = [*known_secrets]
        clean = cleaned(asdict(replace(self, outcome=None)), secrets)
        return _REPORT.validate_python(
            clean | {"outcome": self.outcome and read(asdict(self.outcome), secrets)}
        )

    def message(self) -> str:
        """The termination message: a JSON object of at most MAX_MESSAGE bytes. The longest texts are cut
        first. Call it on a cleaned report."""
        whole = asdict(self)
        for limit in (4000, 1000, 500, 250, 120, 60, 20):
            message = json.dumps(_shortened(whole, limit), ensure_ascii=True, separators=(",", ":"))
            if len(message) <= MAX_MESSAGE:
                return message
        return json.dumps(
            {"exit_code": self.exit_code, "ended": self.ended, "detail": "the report is too long"}
        )


_REPORT = TypeAdapter(Report)


def note(report: Report, termination: Path) -> None:
    """Writes a cleaned report as the termination message; replaces an earlier one."""
    with contextlib.suppress(OSError):
        termination.write_text(report.message(), encoding="ascii")


def write_message(report: Report, termination: Path) -> None:
    """Writes a cleaned report as the termination message and as the last line of the log."""
    message = report.message()
    note(report, termination)
    with contextlib.suppress(OSError):
        print(f'{{"report":{message}}}', flush=True)


def _shortened(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return cut(value, limit)
    if isinstance(value, dict):
        return {
            key: _shortened(child, limit) for key, child in value.items() if child not in (None, "", (), [])
        }
    if isinstance(value, list | tuple):
        return [_shortened(child, limit) for child in value[: max(1, limit // 100)]]
    return value
