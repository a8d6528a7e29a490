"""Output of Claude Code with flaws: the run ends for a reason that is known, and no secret is printed."""

from __future__ import annotations

import contextlib
import io
import json
import queue
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner import outcome
from function.runner.agent import stream
from function.runner.agent.process import ENDED, Claude, Event
from function.runner.agent.session import Ending, Session
from function.runner.agent.transcript import MAX_LINE, Transcript
from function.runner.outcome import EXIT
from function.runner.tier import Server, Tier
from tests.harness.default_model import MODEL
from tests.harness.examples import fuzzed
from tests.harness.model import OUTCOME
from tests.harness.mutations import each_flaw, flawed, spoiled

TOKEN = "a-token-of-the-world-model-0001"
TIER = Tier("investigate", MODEL, {"world": Server("http://x", ("look",))}, seconds=60)
SERVERS = {
    "mcpServers": [
        {"name": "world", "status": "connected", "tools": [{"name": "mcp__world__look"}, {"name": "b"}]}
    ]
}


def response(number: int, told: Any) -> Any:
    return {"type": "control_response", "response": {"request_id": f"r{number}", "response": told}}


RESULT = {
    "type": "result",
    "subtype": "success",
    "terminal_reason": "completed",
    "api_error_status": 529,
    "session_id": "s-1",
    "num_turns": 3,
    "total_cost_usd": 0.25,
    "permission_denials": [{"tool_name": "Bash", "tool_input": {"command": f"echo {TOKEN}"}}],
    "structured_output": OUTCOME,
}
RUN = [
    response(1, {}),
    response(2, SERVERS),
    {"type": "system", "subtype": "init", "tools": ["look"]},
    {"type": "assistant", "message": {"content": [{"type": "text", "text": f"the token is {TOKEN}"}]}},
    {"type": "user", "message": {"content": [{"type": "tool_result", "content": "x" * 100}]}},
    RESULT,
]
"""What the program writes in a good run."""
WORDS = ("control_response", "result", "r1", "r2", "failed", "pending", "connected", "api_error")


@st.composite
def output(draw: st.DrawFn) -> bytes:
    """The lines of a run, of which some have flaws, are missing or come twice."""
    run = draw(flawed(st.just(RUN), words=WORDS))
    lines = (
        [json.dumps(each).encode() for each in run] if isinstance(run, list) else [json.dumps(run).encode()]
    )
    return draw(spoiled(b"\n".join(lines) + b"\n"))


def hold(claude: Claude) -> Ending:
    def is_outcome(told: object) -> bool:
        return outcome.read(told) is not None

    return Session(claude, TIER, is_outcome, pause=lambda _: None).hold("the prompt")


def held(program: Sequence[str], folder: Path) -> tuple[Ending, str]:
    """How the run of a program ends, and its transcript."""
    printed = io.StringIO()
    transcript = Transcript([TOKEN])
    with contextlib.redirect_stdout(printed):
        claude = Claude(program, {}, folder, queue.SimpleQueue[Event](), transcript.write)
        try:
            ending = hold(claude)
        finally:
            claude.close()
    return ending, printed.getvalue()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("claude") / "output"


def check(ending: Ending) -> None:
    assert ending.why in EXIT and len(ending.detail) < 400
    assert ending.outcome is None or outcome.read(ending.outcome) is not None
    assert ending.why != "completed" or ending.outcome is not None
    stream.totals(ending.result)


class Played:
    """A program that has written these events already."""

    def __init__(self, run: object) -> None:
        events = run if isinstance(run, list) else [run]
        self._events = iter([event for event in events if isinstance(event, dict)])

    def send(self, message: Event) -> None:
        """It hears nothing."""

    def next(self, seconds: float) -> Event:
        return next(self._events, ENDED)


def written(run: object) -> bytes:
    return b"\n".join(json.dumps(each).encode() for each in (run if isinstance(run, list) else [run])) + b"\n"


def test_any_part_of_the_output_may_be_anything() -> None:
    for run in each_flaw(RUN, WORDS):
        check(hold(cast("Claude", Played(run))))


@given(output())
@fuzzed(50)
def test_any_output_of_the_program_ends_the_run_for_a_known_reason(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    ending, transcript = held(("/bin/cat", str(file)), file.parent)
    check(ending)
    lines = transcript.splitlines()
    assert TOKEN not in transcript and all(json.loads(line) is not ... for line in lines)
    assert transcript.isascii() and all(len(line) < 8 * MAX_LINE for line in lines)
