from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from function.dispatch import receive
from function.shared.errors import Rejected
from function.shared.strict_json import to_json
from tests.harness.fakes import delivery, delivery_bytes, delivery_json
from tests.harness.reading import reading

JSON = {"content-type": "application/json"}
STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}
ATTRIBUTES = {"specversion": "1.0", "id": "1", "source": "/am", "type": "sre-dispatch.alertmanager.v4"}
BINARY = JSON | {f"ce-{name}": value for name, value in ATTRIBUTES.items()}


def read(headers: dict[str, str], body: Any) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return receive.delivery(headers, content, reading("fmc"))


def test_a_webhook_is_the_same_delivery_plain_and_as_a_cloudevent_of_any_form() -> None:
    body = delivery_json("incident-75")
    in_base64 = {"data_base64": base64.b64encode(delivery_bytes("incident-75")).decode()}
    for headers, content in (
        (JSON, body),
        (BINARY, body),
        (BINARY | {"ce-type": "boson.fn"}, body),
        (STRUCTURED, ATTRIBUTES | {"data": body}),
        (STRUCTURED, ATTRIBUTES | in_base64),
    ):
        assert read(headers, content) == delivery("incident-75")


@pytest.mark.parametrize("own", ["sre-dispatch.receipt.v1", "sre-dispatch.notice.v1"])
def test_an_event_of_our_own_is_no_delivery(own: str) -> None:
    assert read(BINARY | {"ce-type": own}, {}) is None


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "media_type"),
        ({"content-type": "text/plain"}, "media_type"),
        (JSON | {"content-encoding": "gzip"}, "content_encoding"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_by_its_headers(headers: dict[str, str], code: str) -> None:
    with pytest.raises(Rejected) as refusal:
        receive.check_media_type(headers)
    assert (refusal.value.status, refusal.value.code) == (415, code)
    receive.check_media_type(JSON)
    receive.check_media_type(STRUCTURED | {"content-encoding": "identity"})


@pytest.mark.parametrize(
    ("length", "count"), [("", None), ("17", 17), ("-1", None), ("\u0661", None), ("9" * 5000, 10**15 - 1)]
)
def test_the_declared_length_is_a_number_or_none(length: str, count: int | None) -> None:
    assert receive.declared({"content-length": length}) == count


@pytest.mark.parametrize(
    "broken", [{"id": ""}, {"specversion": "0.3"}, {"time": "nope"}, {"data_base64": "!"}]
)
def test_a_broken_event_is_refused(broken: dict[str, str]) -> None:
    with pytest.raises(Rejected) as refusal:
        read(STRUCTURED, to_json(ATTRIBUTES | {"data": delivery_json("incident-75")} | broken).encode())
    assert refusal.value.status == 400
