"""A run that spends its budget, with the real runner and the real Claude Code: it is warned, asked for its
outcome, and ends with it. What is asked during the run costs no request to the model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from function.runner.agent.session import WRAP_UP
from tests.harness.components import need
from tests.harness.container import Container
from tests.harness.default_model import MODEL
from tests.harness.model import OUTCOME, call, outcome
from tests.harness.toolbox import Toolbox, toolbox

LOOK = call("mcp__world__look")
RESPONSE_USD = 0.00022
"""What a scripted response costs, by Claude Code's price list."""


@pytest.fixture
def tools() -> Iterator[Toolbox]:
    with toolbox(look="nothing new") as tools:
        yield tools


def looking(folder: Path, tools: Toolbox, **limits: Any) -> Container:
    need("claude")
    tier = {
        "mode": "investigate",
        "model": MODEL,
        "servers": {"world": {"url": tools.url, "tools": ["look"]}},
    }
    return Container(folder, {**tier, "seconds": 60, "built_in": ["Read", "Grep"], **limits})


def never_ready(handler: BaseHTTPRequestHandler) -> None:
    """Looks once more, until it is asked for the outcome."""
    last = json.dumps(handler.server.model.requests[-1]["messages"][-1])  # type: ignore[attr-defined]
    handler.give([outcome()] if WRAP_UP in last else [LOOK])  # type: ignore[attr-defined]


def warnings(request: dict[str, Any]) -> int:
    return json.dumps(request["messages"]).count("This run has used")


@pytest.mark.parametrize(
    ("limits", "looks"),
    [
        ({"max_turns": 20}, 18),
        ({"max_turns": 60, "max_cost_usd": RESPONSE_USD * 20}, 18),
    ],
    ids=["turns", "money"],
)
def test_a_run_that_spends_its_budget_ends_with_an_outcome(
    tmp_path: Path, tools: Toolbox, limits: dict[str, Any], looks: int
) -> None:
    run = looking(tmp_path, tools, **limits).run(never_ready)
    assert (run.status, run.message["ended"]) == (0, "limit")
    assert run.message["outcome"]["summary"] == OUTCOME["summary"]
    assert looks <= len(tools.called) <= looks + 2
    assert len(run.model.requests) <= looks + 4  # usage is polled without a request
    assert [warnings(request) for request in run.model.requests[:14]] == [0] * 14
    assert warnings(run.model.requests[-1]) == 1
    assert run.message["cost_usd"] > RESPONSE_USD * (looks - 1)


def test_a_run_below_its_limits_is_not_disturbed(tmp_path: Path, tools: Toolbox) -> None:
    run = looking(tmp_path, tools, max_turns=10).run(*[[LOOK]] * 5, [outcome()])
    assert (run.status, run.message["ended"], len(run.model.requests)) == (0, "completed", 6)
    assert warnings(run.model.requests[-1]) == 0


def test_an_agent_that_heeds_the_warning_ends_by_itself(tmp_path: Path, tools: Toolbox) -> None:
    def heeding(handler: BaseHTTPRequestHandler) -> None:
        warned = warnings(handler.server.model.requests[-1])  # type: ignore[attr-defined]
        handler.give([outcome()] if warned else [LOOK])  # type: ignore[attr-defined]

    run = looking(tmp_path, tools, max_turns=20).run(heeding)
    assert (run.status, run.message["ended"]) == (0, "completed")
    assert 14 <= len(tools.called) < 18


def test_several_calls_at_once_are_one_turn(tmp_path: Path, tools: Toolbox) -> None:
    run = looking(tmp_path, tools, max_turns=10).run(*[[LOOK, LOOK, LOOK]] * 5, [outcome()])
    assert (run.message["ended"], len(tools.called)) == ("completed", 15)


def test_one_response_that_costs_more_than_everything_is_stopped_by_the_fuse(
    tmp_path: Path, tools: Toolbox
) -> None:
    run = looking(tmp_path, tools, max_cost_usd=RESPONSE_USD / 2).run(never_ready)
    assert (run.status, run.message["ended"]) == (40, "limit")
    assert run.message["cost_usd"] > RESPONSE_USD / 2
