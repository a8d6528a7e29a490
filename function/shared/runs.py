"""The record of a run. The tool `record_outcome` accepts such a record, and the memory stores it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from function.shared.fact_fields import Name
from function.shared.facts import RunStatus, Verification
from function.shared.strict_json import STRICT
from function.shared.text import MAX_TEXT

MAX_RUN_TEXT = 1000
"""The maximum length of a text in a record."""
RFC_3339 = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$"


def _time(text: str) -> str:
    """Raises ValueError for a time before 1970."""
    if datetime.fromisoformat(text) < datetime(1970, 1, 1, tzinfo=UTC):
        raise ValueError("the time is before 1970")
    return text


FINDINGS = ("summary", "cause", "evidence", "ruled_out", "not_checked", "follow_up")
"""The fields that a world model of another maker may not have. They are sent only to a tool that has them."""
Stated = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
RunText = Annotated[str, Field(max_length=MAX_RUN_TEXT)]


@dataclass(frozen=True)
class Run:
    """The actions of an agent or a person after an alert, and the result.

    The texts are untrusted: they come from a model that read untrusted data.
    """

    __pydantic_config__ = STRICT
    session: Stated
    """The key of the run. A second record with the same key changes nothing."""
    at: Annotated[str, Field(pattern=RFC_3339), AfterValidator(_time)]
    """The end of the run, as an RFC 3339 time."""
    resource_type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$|^$", max_length=80)]
    """A type from function/dispatch/labels.yaml, such as k8s_pvc."""
    resource_id: Name
    alertname: Stated
    status: RunStatus
    action: RunText
    verification: Verification
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    """The agent's confidence in the root cause, from 0 to 1."""
    root_cause: RunText = ""
    summary: RunText = ""
    cause: RunText = ""
    """The object in which the problem began, and the class of its cause."""
    evidence: RunText = ""
    ruled_out: RunText = ""
    not_checked: RunText = ""
    follow_up: RunText = ""
    namespace: Name = ""
    cluster: Name = ""
    identity: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
