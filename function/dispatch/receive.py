"""The body of a request -> a Delivery. The body is a webhook, or a CloudEvent that contains one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from function.dispatch import translate
from function.dispatch.labels import Reading
from function.dispatch.model import NOTICE_TYPE, RECEIPT_TYPE, Delivery
from function.shared.errors import Rejected
from function.shared.strict_json import parse

BODY_SECONDS = 4.0
REPLY_SECONDS = 12.0
"""The time limits for the body, and for the whole from the headers to the reply: token review, body, work.
Alertmanager waits for 14 s, and it waits for the start of the first pod too."""
Headers = Mapping[str, str]
"""The headers of a request, by their names in lower case."""
STRUCTURED = "application/cloudevents+json"
READERS = {
    "sre-dispatch.alertmanager.v4": translate.webhook,
    "sre-dispatch.alert.v1": translate.alert,
    "boson.fn": translate.either,  # the default type of `func invoke`
}
OWN_TYPES = frozenset({RECEIPT_TYPE, NOTICE_TYPE})


def is_event(headers: Headers) -> bool:
    """Returns whether the request is a CloudEvent."""
    return "ce-specversion" in headers or _media_type(headers).startswith("application/cloudevents")


def check_media_type(headers: Headers) -> None:
    """Raises Rejected if the body cannot be read."""
    if _media_type(headers) not in ("application/json", STRUCTURED):
        raise Rejected(415, "media_type", f"only application/json and {STRUCTURED} are accepted")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Rejected(415, "content_encoding", "the body must not be compressed or encoded")


def declared(headers: Headers) -> int | None:
    """Returns the length of the body according to the sender, or None."""
    length = headers.get("content-length", "")
    return int(length[:15]) if length.isascii() and length.isdigit() else None


def delivery(headers: Headers, body: bytes, reading: Reading) -> Delivery | None:
    """Returns the delivery, or None if the body is a CloudEvent that we sent ourselves. Raises Rejected."""
    if not is_event(headers):
        return translate.webhook(parse(body), reading)
    attributes, data = _cloudevent(headers, body)
    if attributes["type"] in OWN_TYPES:
        return None
    if attributes["type"] not in READERS:
        raise Rejected(415, "event_type", f"the accepted types are {', '.join(READERS)}")
    return READERS[attributes["type"]](data, reading)


def _media_type(headers: Headers) -> str:
    return headers.get("content-type", "").split(";")[0].strip().lower()


def _cloudevent(headers: Headers, body: bytes) -> tuple[Mapping[str, Any], Any]:
    """Returns attributes and data of a CloudEvent 1.0, binary or structured. Raises Rejected.

    The SDK's reader is not used: it accepts duplicate keys and NaN, returns broken JSON as bytes, and does
    not decode header values.
    """
    if _media_type(headers) == STRUCTURED:
        attributes = parse(body)
        if not isinstance(attributes, dict):
            raise Rejected(400, "bad_event", "a structured CloudEvent must be a JSON object")
        data = _structured_data(attributes)
    else:
        attributes = {
            name.removeprefix("ce-"): unquote(value)
            for name, value in headers.items()
            if name.startswith("ce-")
        }
        data = parse(body)
    wanted = [attributes.get(name) for name in ("id", "source", "type")]
    if attributes.get("specversion") != "1.0" or not all(isinstance(each, str) and each for each in wanted):
        raise Rejected(400, "bad_event", "a CloudEvent 1.0 must have specversion, id, source and type")
    if "time" in attributes and not _is_time(attributes["time"]):
        raise Rejected(400, "bad_event", "the CloudEvent's time must be an RFC 3339 time")
    return attributes, data


def _structured_data(event: Mapping[str, Any]) -> Any:
    if "data_base64" not in event:
        return event.get("data")
    try:
        return parse(base64.b64decode(event["data_base64"], validate=True))
    except (binascii.Error, TypeError, ValueError):
        raise Rejected(400, "bad_event", "data_base64 must be base64") from None


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
