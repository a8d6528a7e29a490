"""Webhook JSON, or one alert -> a Delivery of SREEvents.

This module reads version 4 of Alertmanager's webhook, and Grafana's webhook, which has the same fields and
calls itself version 1. It ignores unknown fields: Alertmanager 0.32 added `notification_reason`, and 0.34
`routeLabels`. All other fields must be valid. An alert that cannot be read becomes a dead letter, and the
other alerts are processed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    Field,
    NonNegativeInt,
    ValidationError,
)

from function.dispatch import identity, subject
from function.dispatch.labels import Reading
from function.dispatch.model import DeadLetter, Delivery
from function.shared.errors import PermanentError, Rejected
from function.shared.event import SREEvent
from function.shared.strict_json import MAX_MEMBERS, to_json
from function.shared.text import cut, cut_and_count, left_out

MAX_ALERTS = 20_000
"""The maximum number of alerts in one delivery. 10,000 alerts take 5.2 MB."""
MAX_ENTRIES = 64
"""The maximum number of labels, and of annotations, that are kept of one alert."""
MAX_NAME = 256
MAX_VALUE = 1024
"""The maximum number of characters that are kept of a label's value."""
MAX_SHOWN = 256
"""The maximum number of characters that are shown of a label of the identity. The identity itself is made of
whole labels."""
MAX_TEXT = 4096
"""The maximum number of characters that are kept of an annotation, or of any other field of an alert."""

NUMBERS = (int, float)


def _texts(value: Any) -> Any:
    """Returns a map without nulls and with its numbers as text. Some senders write them. Go writes a nil map
    as null."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        return value
    return {
        name: to_json(text) if isinstance(text, NUMBERS) else text
        for name, text in value.items()
        if text is not None
    }


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("out of range") from None


def _labels(value: Any) -> Any:
    return value if value is None else _texts(value)  # an alert has labels


Texts = Annotated[dict[str, str], BeforeValidator(_texts)]
FEW = Field(max_length=MAX_MEMBERS)
"""strict_json.parse reads at most one member more. An identity must not be made of some of an alert's labels,
so an alert with more of them is a dead letter."""


class _Webhook(BaseModel):
    version: Literal["4", "1"]
    receiver: str = ""
    status: str = ""
    groupKey: str = ""
    groupLabels: Texts = Field(default_factory=dict)
    truncatedAlerts: NonNegativeInt = 0
    notification_reason: str = ""
    alerts: Annotated[list[Any], Field(max_length=MAX_ALERTS)]


class _Alert(BaseModel):
    status: Literal["firing", "resolved"]
    labels: Annotated[dict[str, str], BeforeValidator(_labels), FEW]
    annotations: Annotated[Texts, FEW] = Field(default_factory=dict)
    startsAt: Annotated[AwareDatetime, AfterValidator(_utc)]
    fingerprint: str = ""


def webhook(data: Any, reading: Reading) -> Delivery:
    """Returns the Delivery that Alertmanager or Grafana posted. Raises Rejected (400) if `data` is no such
    webhook."""
    try:
        body = _Webhook.model_validate(data)
    except ValidationError as error:
        where = _where(error)
        raise Rejected(
            400, f"bad_{where}", f"not a webhook of Alertmanager (version 4) or Grafana (version 1): {where}"
        ) from None
    notification, cut = _notification(data)
    around = _Around(body.groupKey, cut, reading)
    alerts = [_translated(alert, around) for alert in body.alerts]
    if body.truncatedAlerts:  # Alertmanager counts these alerts as delivered and does not send them again
        alerts.append(
            DeadLetter(
                "truncated_alerts",
                {"count": body.truncatedAlerts, "group": cut_and_count(body.groupKey, MAX_TEXT)},
            )
        )
    return Delivery(
        receiver=body.receiver[:MAX_NAME],
        status=body.status[:MAX_NAME],
        group_key=body.groupKey,
        group_labels=_entries(body.groupLabels, MAX_VALUE),
        truncated_alerts=body.truncatedAlerts,
        notification_reason=body.notification_reason[:MAX_NAME],
        notification=notification,
        alerts=tuple(alerts),
    )


def alert(data: Any, reading: Reading) -> Delivery:
    """Returns a Delivery of one alert. `data` has the fields of an entry in a webhook's `alerts`."""
    if not isinstance(data, dict) or "labels" not in data:
        raise Rejected(400, "bad_alert", "not an Alertmanager alert: no labels")
    return webhook({"version": "4", "alerts": [data]}, reading)


def either(data: Any, reading: Reading) -> Delivery:
    """Returns the Delivery of a webhook or of one alert. It is for senders that do not say which one they
    send."""
    read = alert if isinstance(data, dict) and "labels" in data and "alerts" not in data else webhook
    return read(data, reading)


@dataclass(frozen=True)
class _Around:
    """The values of an alert that come from its delivery."""

    group_key: str
    cut: bool
    reading: Reading


def _translated(data: Any, around: _Around) -> SREEvent | DeadLetter:
    raw, truncated = _capped(data)
    try:
        return _event(data, raw, truncated or around.cut, around)
    except PermanentError as error:
        return DeadLetter(error.code, raw)


def _event(data: Any, raw: dict[str, Any], truncated: bool, around: _Around) -> SREEvent:
    try:
        read = _Alert.model_validate(data)
    except ValidationError as error:
        raise PermanentError(f"bad_{_where(error)}", "the alert cannot be read") from None
    labels = read.labels
    if not labels.get("alertname"):
        raise PermanentError("no_alertname", "the alert has no label alertname")
    rules = around.reading.rules
    series = subject.read(labels, rules)
    named = subject.subject(series, rules)
    about = named.subject
    severity = labels.get("severity", "").strip().lower()
    home, home_label = around.reading.cluster_of(series.given, series.teller)
    kept = identity.labels_of(series, named, home_label, rules)
    return SREEvent(
        source="grafana",
        status=read.status,
        identity=identity.identify(about, labels["alertname"], home, kept),
        severity=rules.severities.get(severity, "HIGH"),
        severity_known=severity in rules.severities,
        alertname=cut_and_count(labels["alertname"], MAX_NAME),
        resource_type=about.resource_type,
        namespace=cut_and_count(about.namespace, MAX_NAME),
        resource_id=cut_and_count(about.resource_id, MAX_VALUE),
        cluster=cut_and_count(home, MAX_NAME),
        description=_description(read, about.namespace),
        starts_at=read.startsAt,
        fingerprint=read.fingerprint[:MAX_NAME],
        group_key=cut_and_count(around.group_key, MAX_TEXT),
        namespaces=tuple(cut_and_count(name, MAX_NAME) for name in subject.namespaces(labels, about, rules)),
        charged_to=cut_and_count(subject.charged_to(labels, about, rules), MAX_NAME),
        identity_labels={cut(name, MAX_SHOWN): cut(value, MAX_SHOWN) for name, value in kept.items()},
        raw_payload=raw,
        truncated=truncated,
    )


def _description(read: _Alert, namespace: str) -> str:
    text = read.annotations.get("summary") or read.annotations.get("description") or read.labels["alertname"]
    prefix = f"[{cut_and_count(namespace, MAX_NAME)}] " if namespace else ""
    return prefix + cut_and_count(text, MAX_TEXT)


def _capped(data: Any) -> tuple[dict[str, Any], bool]:
    """Returns the alert with every part cut to its limit, and whether a part was cut."""
    if not isinstance(data, dict):
        return {"unreadable": _bounded(data)}, False
    limits = {"labels": MAX_VALUE, "annotations": MAX_TEXT}
    maps = {
        key: _entries(data[key], limit) for key, limit in limits.items() if isinstance(data.get(key), dict)
    }
    capped = _entries({key: value for key, value in data.items() if key not in maps}, MAX_TEXT) | maps
    return capped, capped != data


def _notification(data: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Returns the body without its alerts, with every part cut to its limit, and whether a part was cut."""
    rest = {key: value for key, value in data.items() if key != "alerts"}
    maps = {key: _entries(value, MAX_TEXT) for key, value in rest.items() if isinstance(value, dict)}
    capped = _entries({key: value for key, value in rest.items() if key not in maps}, MAX_TEXT) | maps
    return capped, capped != rest


def _entries(texts: Mapping[str, Any], limit: int) -> dict[str, Any]:
    kept = sorted(texts.items())[:MAX_ENTRIES]
    entries = {
        cut_and_count(key, MAX_NAME): cut_and_count(value, limit)
        if type(value) is str
        else _bounded(value, limit)
        for key, value in kept
    }
    if len(texts) > MAX_ENTRIES:
        unit = "entries" if len(texts) <= MAX_MEMBERS else "entries at least"
        entries["..."] = left_out(len(texts) - MAX_ENTRIES, unit)
    return entries


def _bounded(value: Any, limit: int = MAX_TEXT) -> Any:
    if isinstance(value, str):
        return cut_and_count(value, limit)
    if isinstance(value, dict | list) and (size := len(to_json(value))) > limit:
        return left_out(size, "bytes")
    return value


def _where(error: ValidationError) -> str:
    """Returns the name of the invalid top-level field. Deeper parts of the path can be text of the alert."""
    path = error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
    return str(path[0]) if path else "body"
