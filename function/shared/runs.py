"""The record of a run: what `record_outcome` takes and the memory keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from function.shared.facts import Name, RunStatus, Verification
from function.shared.strict_json import STRICT
from function.shared.text import MAX_TEXT

MAX_RUN_TEXT = 1000
"""Characters of one text in the record of a run."""
RFC_3339 = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$"


def _time(text: str) -> str:
    """Raises ValueError where the text is no time since 1970."""
    if datetime.fromisoformat(text) < datetime(1970, 1, 1, tzinfo=UTC):
        raise ValueError("no time since 1970")
    return text


Stated = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
RunText = Annotated[str, Field(max_length=MAX_RUN_TEXT)]


@dataclass(frozen=True)
class Run:
    """What an agent, or a person, did about an alert and what came of it: what `record_outcome` takes.

    The text in it was written by a model that had read untrusted data, and is untrusted itself.
    """

    __pydantic_config__ = STRICT
    session: Stated
    """Names the run; recording the same one again changes nothing."""
    at: Annotated[str, Field(pattern=RFC_3339), AfterValidator(_time)]
    """When it ended, RFC 3339."""
    resource_type: Annotated[str, Field(pattern=r"^(unknown_)?(k8s_[a-z]+|ceph|host|instance)$|^$")]
    """As function/subject.py names them, such as k8s_pvc."""
    resource_id: Name
    alertname: Stated
    status: RunStatus
    action: RunText
    verification: Verification
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    """Of the root cause, 0 to 1."""
    root_cause: RunText = ""
    namespace: Name = ""
    cluster: Name = ""
    identity: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
