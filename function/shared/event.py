"""The event that an alert becomes: what every wing knows of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from function.shared.strict_json import Json

LevelName = Literal["LOW", "MEDIUM", "HIGH", "CRITICAL"]
AskedLevel = Literal["LOW", "MEDIUM", "HIGH"]
"""What an alert can ask for; only policy says CRITICAL."""
STORM = "storm"
"""The source of an event that stands for many alerts (see storm.py). No alert has it, whatever it says."""


def job_name(identity: str) -> str:
    """Of the Job that works on the problem: its identity alone, so that the name is the lock (44 of 63
    characters)."""
    return f"sre-{identity[:40]}"


@dataclass(frozen=True)
class Subject:
    """What an alert is about. All empty where its labels name nothing."""

    resource_type: str = ""
    namespace: str = ""
    resource_id: str = ""


@dataclass(frozen=True)
class SREEvent:
    """One alert, or a storm of them, as every later stage sees it. Untrusted text stays in the fields named
    for it."""

    source: str
    """Who made it: translate.py of an alert, or STORM."""
    status: Literal["firing", "resolved"]
    identity: str
    """SHA-256 in hex; the same for every delivery of the same problem (see subject.identify)."""
    severity: AskedLevel
    """What the severity label asks for; policy may raise it, nothing lowers it."""
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
    """The label `namespace`, also where the subject is in none: a namespace is protected in either role."""
    raw_payload: Json
    """The full alert; texts beyond the limits of translate.py are cut, each cut marked in the text."""
    truncated: bool
    """Whether anything was cut from raw_payload, or from the notification that brought it."""

    @property
    def job(self) -> str:
        return job_name(self.identity)

    @property
    def resource(self) -> str:
        """16 hex digits that mark the resource on a Job; the identity's where there is no resource."""
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
