"""Bodies of webhooks with flaws: the reply is of the contract, and nothing of the request is in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.harness import edge
from tests.harness.arrivals import Arrival, Telling
from tests.harness.examples import fuzzed
from tests.harness.fakes import NOW, delivery_json
from tests.harness.mutations import bodies, each_flaw
from tests.harness.serving import asking_app, check

ARRIVALS = (
    Arrival([Telling("Claimzq7x0"), Telling("Podzq7x3", 3, "resolved")], False, False, False, 0, "plain"),
    Arrival([Telling("Nothingzq7x5", 7)], False, True, True, 1, "plain"),
)
DOCUMENTS = [each.webhook(NOW) for each in ARRIVALS]
DOCUMENTS += [delivery_json("grafana-webhook")]


@pytest.mark.parametrize("number", range(len(DOCUMENTS)))
def test_any_part_of_a_body_may_be_anything(number: int) -> None:
    for body in each_flaw(DOCUMENTS[number]):
        check(edge.post(asking_app(), json.dumps(body).encode()), 200, 400)


@given(bodies(DOCUMENTS))
@fuzzed(100)
def test_any_body_gets_a_reply_of_the_contract(body: bytes) -> None:
    check(edge.post(asking_app(), body), 200, 400, 413)


@given(st.binary(max_size=200))
@fuzzed(50)
def test_any_bytes_are_refused(body: bytes) -> None:
    check(edge.post(asking_app(), body), 400)
