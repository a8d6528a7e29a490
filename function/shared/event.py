"""The event that an alert becomes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from function.shared.strict_json import Json

LevelName = Literal["LOW", "MEDIUM", "HIGH", "CRITICAL"]
AskedLevel = Literal["LOW", "MEDIUM", "HIGH"]
"""The levels that an alert can request. Only the policy can set CRITICAL."""
STORM = "storm"
"""The source of an event that represents many alerts (see dispatch/storm.py). An alert cannot set this
source."""


def job_name(identity: str) -> str:
    """Returns the name of the problem's Job: 44 characters, of at most 63. The name depends only on the
    identity, so two Jobs for one problem cannot exist."""
    return f"sre-{identity[:40]}"


@dataclass(frozen=True)
class Subject:
    """The resource that an alert is about. All fields are empty if the alert's labels name no resource."""

    resource_type: str = ""
    namespace: str = ""
    resource_id: str = ""


@dataclass(frozen=True)
class SREEvent:
    """One alert, or a storm of alerts. The text in the event is untrusted."""

    source: str
    """The source of the event: `grafana` for one alert, or STORM."""
    status: Literal["firing", "resolved"]
    identity: str
    """A SHA-256 in hex. It is equal for every delivery of the same problem (see dispatch/identity.py)."""
    severity: AskedLevel
    """The level that the severity label requests. The policy may raise the level. Nothing lowers it."""
    severity_known: bool
    """Whether the severity label has a word that labels.yaml knows. In a storm, alerts with such a word go
    first."""
    alertname: str
    resource_type: str
    namespace: str
    resource_id: str
    cluster: str
    description: str
    starts_at: datetime
    fingerprint: str
    group_key: str
    namespaces: tuple[str, ...]
    """Every namespace that the labels name: the subject's, and those of the scrape target and of others. The
    policy's guards look at each of them."""
    charged_to: str
    """The namespace whose share of the budgets the alert uses."""
    identity_labels: Mapping[str, str]
    """The labels that are part of the identity, apart from the subject's. Long texts are cut."""
    raw_payload: Json
    """The full alert. A text over the limits of dispatch/translate.py is cut and ends with a mark."""
    truncated: bool
    """Whether raw_payload, or the notification with the alert, was cut."""

    @property
    def job(self) -> str:
        return job_name(self.identity)

    @property
    def resource(self) -> str:
        """Returns 16 hex digits that identify the resource on a Job. For an event without a resource, the
        digits identify the problem."""
        if not self.resource_id:
            return self.identity[:16]
        return digest(self.cluster, self.resource_type, self.namespace, self.resource_id)[:16]


def rule_expression(url: object, max_fields: int | None = None) -> str:
    """Returns the expression of an alert's rule, which Prometheus puts into the alert's generatorURL. It is
    empty if `url` has none, is no URL, or has more than `max_fields` parameters."""
    try:
        query = parse_qs(urlsplit(url).query, max_num_fields=max_fields) if isinstance(url, str) else {}
    except ValueError:
        return ""
    return query.get("g0.expr", [""])[0].strip()


def digest(*parts: str) -> str:
    """Returns the SHA-256 in hex over the length-prefixed parts. With the prefixes, ("a", "bc") and ("ab",
    "c") have different digests."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return hashlib.sha256(b"".join([len(data).to_bytes(8, "big") + data for data in encoded])).hexdigest()
