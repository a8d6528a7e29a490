from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner.agent.budget import Used, nearest
from function.runner.tier import Tier
from tests.harness.default_model import MODEL

TIER = Tier("investigate", MODEL, {}, max_turns=10, max_cost_usd=2, seconds=100)


@pytest.mark.parametrize(
    ("used", "seconds", "limit"),
    [
        (Used(), 50.0, (0.5, "time")),
        (Used(turns=7), 50.0, (0.7, "turns")),
        (Used(turns=7, cost_usd=1.8), 50.0, (0.9, "money")),
    ],
)
def test_the_nearest_limit_is_the_one_that_is_used_most(
    used: Used, seconds: float, limit: tuple[float, str]
) -> None:
    assert nearest(TIER, used, seconds) == limit


def test_a_response_is_a_turn_and_its_calls_are_open_until_their_results() -> None:
    call = {"type": "tool_use", "id": "c", "name": "look"}
    used = Used().after({"type": "assistant", "message": {"id": "m", "content": [call]}})
    assert (used.turns, used.waits_for_tools) == (1, True)
    result = {"type": "user", "message": {"content": [{"type": "tool_result", "tool_use_id": "c"}]}}
    assert not used.after(result).open_calls


def test_a_refused_outcome_stays_open_until_the_next_response() -> None:
    call = {"type": "tool_use", "id": "c", "name": "StructuredOutput"}
    used = Used().after({"type": "assistant", "message": {"id": "m", "content": [call]}})
    used = used.after({"type": "user", "message": {"content": [{"tool_use_id": "c", "is_error": True}]}})
    assert used.open_calls and not used.waits_for_tools
    assert not used.after({"type": "assistant", "message": {"id": "n", "content": []}}).open_calls


def test_the_cost_never_falls() -> None:
    def told(cost: Any) -> dict[str, Any]:
        session = {"session": {"total_cost_usd": cost}}
        return {"type": "control_response", "response": {"response": session}}

    used = Used()
    for cost in (0.5, 0.2, "7", None, float("nan"), float("inf"), -1):
        used = used.after(told(cost))
    assert used.cost_usd == 0.5


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("id", "name", "content", "message", "response", "session", "total_cost_usd", "tool_use_id")
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(("assistant", "user", "control_response")) | json_values},
            optional={"message": json_values, "response": json_values},
        )
    )
)
def test_events_of_any_shape_are_counted_or_ignored(events: list[dict[str, Any]]) -> None:
    used = Used()
    for event in events:
        used = used.after(event)
    assert 0 <= used.turns <= len(events) and used.cost_usd >= 0
    nearest(TIER, used, 1.0)
