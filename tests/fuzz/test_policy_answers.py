"""Answers of OPA with flaws: each is a decision or none, and no flaw widens what an agent may do."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.dispatch.adapters.opa import Opa
from function.dispatch.model import Level
from tests.harness import edge
from tests.harness.examples import fuzzed
from tests.harness.fakes import REVISION, FakeCluster, decided, delivery_bytes, event, refused, served
from tests.harness.mutations import MARK, each_flaw, flawed, spoiled
from tests.harness.serving import asking_app, check

ANSWERS = [
    served(decided(), REVISION),
    served(decided("HIGH"), REVISION),
    served(refused(), REVISION),
    served(refused(effective="HIGH", denials=[{"code": "loop", "retry": False}]), REVISION, "cd" * 32),
]
WORDS = (
    "LOW",
    "MEDIUM",
    "CRITICAL",
    "autonomous",
    "blocked",
    "remediate",
    "sre-agent-remediate",
    REVISION,
    "",
)
"""Texts that are valid at one place of an answer."""


class Stream(httpx.SyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    answer = draw(flawed(st.sampled_from(ANSWERS), words=WORDS))
    return draw(spoiled(json.dumps(answer).encode()))


def saying(content: bytes, status: int) -> Opa:
    def respond(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, stream=Stream(content), headers={"x": MARK})

    transport = httpx.MockTransport(respond)
    return Opa("http://opa", None, lambda url: httpx.Client(base_url=url, transport=transport))


def check_answer(content: bytes, status: int = 200) -> None:
    """The answer is a decision or none, and only a decision that allows an agent has a Job."""
    cluster = FakeCluster()
    reply = edge.post(asking_app(saying(content, status), cluster), delivery_bytes("incident-75"))
    check(reply, 200, 503)
    for job in cluster.created:
        told = json.loads(job["spec"]["template"]["metadata"]["annotations"]["sre-dispatch/decision"])
        assert Level[event().severity] <= Level[told["effective"]] < Level.CRITICAL
        assert (told["allowed"], told["denials"], told["mode"]) == (True, [], told["grant"]["mode"])


@pytest.mark.parametrize("number", range(len(ANSWERS)))
def test_any_part_of_an_answer_may_be_anything(number: int) -> None:
    for answer in each_flaw(ANSWERS[number], WORDS):
        check_answer(json.dumps(answer).encode())


@given(answers(), st.sampled_from((200, 200, 200, 200, 204, 302, 404, 500)))
@fuzzed(100)
def test_any_answer_of_the_policy_is_a_decision_or_none(content: bytes, status: int) -> None:
    check_answer(content, status)
