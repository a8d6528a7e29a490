"""CloudEvents with flaws in their attributes, in their form or in their data."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from function.dispatch.receive import OWN_TYPES, READERS, STRUCTURED
from tests.harness import edge
from tests.harness.arrivals import ATTRIBUTES, Arrival, Telling
from tests.harness.examples import fuzzed
from tests.harness.fakes import NOW, delivery_json
from tests.harness.mutations import MARK, ODD_TEXTS, bodies, each_flaw, flawed, spoiled
from tests.harness.serving import asking_app, check

WEBHOOK = Arrival([Telling("Claimzq7x0")], False, False, False, 0, "plain").webhook(NOW)
DATA = [WEBHOOK, WEBHOOK["alerts"][0], delivery_json("grafana-webhook")]
TYPES = (*READERS, *OWN_TYPES, f"type.{MARK}")
values = st.sampled_from(
    (*TYPES, "1.0", "0.3", "2026-03-29T03:10:00Z", "2026-13-41", "%zz", "%ff%00", " ", "\u00e9", *ODD_TEXTS)
)
"""Values of an attribute, of which some are the right ones for another."""
names = st.sampled_from((*ATTRIBUTES, "time", "data_base64", "datacontenttype", "dataschema", MARK))


@st.composite
def attributes(draw: st.DrawFn) -> dict[str, str]:
    """The attributes, of which a few are odd, missing or added."""
    found = {**ATTRIBUTES, "type": draw(st.sampled_from(TYPES))}
    for name in draw(st.sets(names, max_size=2)):
        if draw(st.booleans()):
            found.pop(name, None)
        else:
            found[name] = draw(values)
    return found


@given(attributes(), st.booleans(), bodies(DATA))
@fuzzed(100)
def test_an_event_in_headers_gets_a_reply_of_the_contract(
    told: dict[str, str], is_encoded: bool, body: bytes
) -> None:
    headers = {f"ce-{name}": value for name, value in told.items()}
    sent = {name: quote(text, errors="replace") if is_encoded else text for name, text in headers.items()}
    headers = {name: text.encode("utf-8", "replace").decode("latin-1") for name, text in sent.items()}
    check(edge.post(asking_app(), body, edge.JSON | headers), 200, 202, 204, 400, 413, 415)


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """A structured event with its data as JSON or in base64."""
    event: dict[str, Any] = dict(draw(attributes()))
    if draw(st.booleans()):
        event["data"] = draw(st.sampled_from(DATA))
    else:
        event["data_base64"] = base64.b64encode(draw(bodies(DATA))).decode()
    whole = draw(flawed(st.just(event), most=2))
    return draw(spoiled(json.dumps(whole).encode()))


def test_any_part_of_an_event_may_be_anything() -> None:
    in_base64 = {"data_base64": base64.b64encode(json.dumps(WEBHOOK).encode()).decode()}
    small = {"data": {"version": "4", "alerts": []}, "time": "2026-03-29T03:10:00Z"}
    for event in (*each_flaw([ATTRIBUTES | in_base64], TYPES), *each_flaw([ATTRIBUTES | small], TYPES)):
        body = json.dumps(event[0] if event else None).encode()
        check(edge.post(asking_app(), body, {"content-type": STRUCTURED}, "/"), 202, 204, 400, 415)


@given(events(), st.sampled_from(("", "; charset=utf-8", f"; {MARK}", "-batch")))
@fuzzed(100)
def test_an_event_in_the_body_gets_a_reply_of_the_contract(body: bytes, more: str) -> None:
    headers = {"content-type": STRUCTURED + more}
    check(edge.post(asking_app(), body, headers, f"/{MARK}"), 202, 204, 400, 413, 415)
