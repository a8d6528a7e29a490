"""Answers of the world model with flaws: each becomes facts or a gap, and the prompt keeps its size."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.commands.demo import sample
from function.dispatch.enrich import MAX_BYTES, enrich
from function.dispatch.render import MAX_BYTES as MAX_PROMPT
from function.dispatch.render import note_cut, render
from function.shared.event import SREEvent
from function.shared.gaps import GAPS
from function.shared.mcp import Options, WorldModelClient
from function.shared.strict_json import to_json
from tests.harness.examples import fuzzed
from tests.harness.fakes import CONTEXT, NOW, PROMPTS, decision, event
from tests.harness.mutations import each_flaw, flawed, spoiled
from tests.harness.scripted import Request, Scripted, scripted

FACTS = [json.loads(to_json(asdict(sample.context(NOW)))), CONTEXT]
WORDS = ("governance", "replicas", "autonomous", "internal", "memory", "not_found")
"""Texts that are valid at one place of an answer."""
PATIENT = Options(seconds=60)
"""Nothing here is slow, but a busy machine can be."""


@contextmanager
def answering() -> Iterator[tuple[Scripted, list[bytes]]]:
    """A server that gives its last answer for ever."""
    answers: list[bytes] = []

    def answer(request: Request) -> None:
        request.reply(answers[-1] if len(answers) == 1 else answers.pop(0))

    with scripted(answer) as server:
        yield server, answers


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Scripted, list[bytes]]]:
    with answering() as made:
        yield made


@st.composite
def results(draw: st.DrawFn) -> Any:
    """A tool's result, with the facts as structure or as text."""
    facts = draw(flawed(st.sampled_from(FACTS), words=WORDS))
    content = [{"type": "text", "text": json.dumps(facts)}]
    return {"content": content, "structuredContent": facts} if draw(st.booleans()) else {"content": content}


@st.composite
def messages(draw: st.DrawFn, number: int, results: st.SearchStrategy[Any]) -> bytes:
    """A JSON-RPC response, alone or as a server-sent event."""
    whole = {"jsonrpc": "2.0", "id": number, "result": draw(results)}
    body = json.dumps(draw(flawed(st.just(whole), most=1))).encode()
    if draw(st.booleans()):
        body = b"event: message\ndata: " + body + b"\n\n"
    return draw(spoiled(body))


INITIALIZED = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "serverInfo": {"name": "x", "version": "1"},
}


def check(ask: Callable[[SREEvent], object]) -> None:
    """Whatever the answer is, there are facts for the policy and a prompt for the agent."""
    found = enrich(event(), ask)
    text = render(event(), decision(), note_cut(event(), found), PROMPTS).text
    assert len(text.encode()) <= MAX_PROMPT


def check_facts(context: object) -> None:
    """The policy knows that something is missing, and the facts keep their size."""
    found = enrich(event(), lambda _: context)
    assert set(found.gaps) <= {*GAPS, *CODES} and (found.complete or found.gaps)
    assert len(to_json(found.items)) <= MAX_BYTES + 1024


CODES = {
    "other",
    "bad_answer",
    "bad_fact",
    "stale",
    "cut",
    "nothing_known",
    "world_model_answer",
    "world_model_refused",
    "world_model_unreachable",
}


def test_any_part_of_a_context_may_be_anything() -> None:
    for context in each_flaw(FACTS[0]):
        check_facts(context)


def test_any_part_of_a_response_may_be_anything(server: tuple[Scripted, list[bytes]]) -> None:
    running, answers = server
    result = {"content": [{"type": "text", "text": json.dumps(CONTEXT)}]}
    more = {"structuredContent": {"facts": [], "gaps": []}, "isError": False}
    for whole in (result | more, {"error": {"code": -32601, "message": "no such tool"}}):
        message = {"jsonrpc": "2.0", "id": 1} | (whole if "error" in whole else {"result": whole})
        for flawed_message in each_flaw(message):
            answers[:] = [json.dumps(flawed_message).encode()]
            check(WorldModelClient(f"{running.url}/jsonrpc", None, PATIENT).context)


@given(messages(1, results()))
@fuzzed(50)
def test_any_answer_of_bare_json_rpc_becomes_facts_or_gaps(
    server: tuple[Scripted, list[bytes]], body: bytes
) -> None:
    running, answers = server
    answers[:] = [body]
    check(WorldModelClient(f"{running.url}/jsonrpc", None, PATIENT).context)


@given(messages(1, st.just(INITIALIZED)), messages(2, results()))
@fuzzed(30)
def test_any_answer_of_streamable_http_becomes_facts_or_gaps(
    server: tuple[Scripted, list[bytes]], first: bytes, second: bytes
) -> None:
    running, answers = server
    answers[:] = [first, b"", second]
    check(WorldModelClient(f"{running.url}/mcp", None, PATIENT).context)


@given(flawed(st.sampled_from(FACTS), words=WORDS))
@fuzzed(50)
def test_any_context_becomes_facts_or_gaps(context: Any) -> None:
    check_facts(context)
    check(lambda _: context)
