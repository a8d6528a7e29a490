"""The event that an alert becomes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from function.shared.strict_json import Json

LevelName = Literal["LOW", "MEDIUM", "HIGH", "CRITICAL"]
AskedLevel = Literal["LOW", "MEDIUM", "HIGH"]
"""The levels that an alert can ask for. Only the policy can set CRITICAL."""
STORM = "storm"
"""The source of an event that stands for many alerts (see dispatch/storm.py). No text of an alert can set
it."""


def job_name(identity: str) -> str:
    """The name of the problem's Job, 44 of 63 characters. It depends on the identity alone, which makes the
    Job a lock."""
    return f"sre-{identity[:40]}"


@dataclass(frozen=True)
class Subject:
    """What an alert is about. All fields are empty if its labels name nothing."""

    resource_type: str = ""
    namespace: str = ""
    resource_id: str = ""


@dataclass(frozen=True)
class SREEvent:
    """One alert, or a storm of alerts. The text in it is untrusted."""

    source: str
    """`grafana` for one alert, or STORM."""
    status: Literal["firing", "resolved"]
    identity: str
    """SHA-256 in hex, equal for every delivery of the same problem (see dispatch/subject.py)."""
    severity: AskedLevel
    """What the severity label asks for. The policy may raise it; nothing lowers it."""
    alertname: str
    resource_type: str
    namespace: str
    resource_id: str
    cluster: str
    description: str
    starts_at: datetime
    fingerprint: str
    group_key: str
    namespace_label: str
    """The label `namespace`, even if the subject is in no namespace: the policy protects both."""
    raw_payload: Json
    """The full alert. Texts over the limits of dispatch/translate.py are cut and marked."""
    truncated: bool
    """Whether raw_payload or the notification that brought it was cut."""

    @property
    def job(self) -> str:
        return job_name(self.identity)

    @property
    def resource(self) -> str:
        """16 hex digits that name the resource on a Job; those of the identity if there is no resource."""
        if not self.resource_id:
            return self.identity[:16]
        return digest(self.cluster, self.resource_type, self.namespace, self.resource_id)[:16]


def digest(*parts: str) -> str:
    """SHA-256 in hex over length-prefixed parts, so that ("a", "bc") and ("ab", "c") differ."""
    joined = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        joined.update(len(data).to_bytes(8, "big") + data)
    return joined.hexdigest()
