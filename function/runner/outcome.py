"""Defines the model's outcome, the runner's report, and the termination message."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from function.runner.redact import cleaned
from function.shared.facts import RunStatus, Verification
from function.shared.strict_json import STRICT, to_json
from function.shared.text import cut

MAX_MESSAGE = 4000
"""The maximum size of a termination message. The kubelet keeps only the last 4096 bytes."""

IDENTITY = re.compile(r"[0-9a-f]{64}")
"""The identity of a problem (see function/dispatch/subject.py). A try-out has no identity."""
MAX_TEXT = 4000
MAX_ITEM = 1000
"""The maximum length of a text, and of a text in a list."""
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Texts = Annotated[tuple[Annotated[str, Field(max_length=MAX_ITEM)], ...], Field(max_length=30)]

EXIT = {
    "completed": 10,
    "no_outcome": 10,
    "died": 10,
    "preflight": 20,
    "api_error": 30,
    "deadline": 40,
    "limit": 40,
    "signal": 40,
    "refused": 42,
    "killed": 10,
}
"""The exit code for each way in which a run ends without an outcome. With an outcome the exit code is 0. The
podFailurePolicy of a tier defines the exit codes after which Kubernetes retries the Job."""


Cause = TypedDict(
    "Cause",
    {
        "kind": Annotated[str, Field(max_length=253, description="The Kubernetes kind, such as Deployment.")],
        "namespace": Annotated[str, Field(max_length=253, description="Empty for a kind without namespace.")],
        "name": Annotated[str, Field(max_length=253)],
        "class": Literal[
            "release", "configuration", "capacity", "dependency", "node", "network", "storage", "credentials",
            "external", "alert rule", "unknown",
        ],
    },
)  # fmt: skip
"""The object in which the problem began, and the class of its cause."""
Cause.__pydantic_config__ = STRICT  # type: ignore[attr-defined]


@dataclass(frozen=True)
class AgentOutcome:
    """The structured result of a run. Its texts are untrusted, because the model read untrusted data. The
    model reads the descriptions of the fields."""

    __pydantic_config__ = STRICT
    status: Annotated[RunStatus, Field(description="What the run came to.")]
    summary: Annotated[Text, Field(description="Two or three sentences for the person who is paged.")]
    root_cause: Annotated[
        Text,
        Field(description="The one cause that explains onset, scope and symptom. Empty if inconclusive."),
    ]
    cause: Annotated[
        Cause | None, Field(description="The object in which the problem began. null if inconclusive.")
    ]
    actions: Annotated[
        Texts, Field(description="Each change that you made or propose, with old and new value.")
    ]
    evidence: Annotated[
        Texts, Field(description="Each: tool, object, time, and the value copied from the tool's answer.")
    ]
    ruled_out: Annotated[
        Texts, Field(description="Each other hypothesis, and the observation that speaks against it.")
    ]
    not_checked: Annotated[
        Texts, Field(description="What you could not check or did not check, and why it could matter.")
    ]
    confidence: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description="0.9: you saw the effect follow from the cause. 0.6: the cause fits all you saw. "
            "0.3: the best of several. Below that, the status is inconclusive.",
        ),
    ]
    follow_up: Annotated[
        Text,
        Field(
            description="The next steps for a person. First the step that stops the harm, with its risk and "
            "with how to undo it."
        ),
    ]


_OUTCOME = TypeAdapter(AgentOutcome)
ENDS: Mapping[str, tuple[RunStatus, ...]] = {
    "autonomous": ("resolved", "mitigated", "investigated", "inconclusive", "failed", "refused"),
    "merge-request": ("proposed", "investigated", "inconclusive", "refused"),
    "investigate": ("investigated", "inconclusive", "refused"),
}
"""The possible statuses of each mode. Only an agent that may change the cluster can resolve a problem, or
fail to. A failed run takes LOW away from its resource, so an honest investigator never counts as failed."""


def named_cause(found: AgentOutcome) -> str:
    """Returns the object in which the problem began, as text: "Deployment shop/cart (release)"."""
    if found.cause is None:
        return ""
    where = "/".join(filter(None, (found.cause["namespace"], found.cause["name"])))
    return f"{found.cause['kind']} {where} ({found.cause['class']})"


def unsolved(mode: str) -> RunStatus:
    """Returns the status of a run that ended without an outcome."""
    return "failed" if "failed" in ENDS.get(mode, ()) else "inconclusive"


def schema(mode: str) -> dict[str, Any]:
    """Returns the JSON Schema of an outcome in this mode."""
    whole = _OUTCOME.json_schema()
    whole["properties"]["status"] |= {"enum": [*ENDS[mode]]}
    return whole


def read(value: object, known_secrets: Iterable[str] = ()) -> AgentOutcome | None:
    """Returns the outcome without credentials, or None if `value` is not a valid outcome. Redaction can make
    a text longer, so each text is cut to its limit afterwards."""
    try:
        valid = _OUTCOME.validate_json(to_json(value))  # checks the size, before redaction takes time
    except (ValidationError, TypeError, ValueError, RecursionError):
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
    """The outcome, and the runner's own observations. The model cannot influence the observations."""

    exit_code: int
    ended: str
    """`completed`, or the reason why the run ended or could not start. The reason is a key of EXIT."""
    identity: str = ""
    tier: str = ""
    session: str = ""
    model: str = ""
    """The models that answered, by the program's count, the most used one first. If none answered, it is the
    tier's model."""
    outcome: AgentOutcome | None = None
    cost_usd: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    turns: int = 0
    seconds: int = 0
    denials: tuple[str, ...] = ()
    """The tools that the model called without permission. Each tool is listed once."""
    detail: str = ""
    """Details for the operator. The details contain no text of the model."""
    verification: Verification = "none"
    """Whether the alert cleared, according to Prometheus. `none` means that Prometheus was not queried."""
    reason: str = ""
    """The reason for the result of the verification. The reason is a constant of condition.py."""
    merge_request: str = ""
    """The address."""
    ticket: str = ""
    """The address."""
    problems: tuple[str, ...] = ()
    """The problems of reporting, as sentences for the operator."""

    def cleaned(self, known_secrets: Iterable[str] = ()) -> Report:
        """Returns the report without credentials."""
        secrets = [*known_secrets]
        clean = cleaned(asdict(replace(self, outcome=None)), secrets)
        return _REPORT.validate_python(
            clean | {"outcome": self.outcome and read(asdict(self.outcome), secrets)}
        )

    def message(self) -> str:
        """Returns the termination message: a JSON object of at most MAX_MESSAGE bytes. The longest texts are
        cut first. Clean the report before."""
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
    """Writes a cleaned report as the termination message. It replaces an earlier message."""
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
