from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner.agent import stream
from function.runner.agent.stream import MAX_DENIALS, MAX_NAME, McpServer, Totals

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=200),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.just("tool_name") | st.text(max_size=9), inner)
    ),
    max_leaves=8,
)


def test_a_list_of_servers_is_read_with_the_tools_as_a_tier_names_them() -> None:
    told = {"name": "world", "status": "connected", "tools": [{"name": "mcp__world__look"}, {"name": "more"}]}
    assert stream.servers({"mcpServers": [told, {"name": "late", "status": "pending"}]}) == {
        "world": McpServer("connected", frozenset({"look", "more"})),
        "late": McpServer("pending", frozenset()),
    }
    assert stream.servers({}) == {}


def test_the_totals_are_those_of_the_result() -> None:
    result = {"session_id": "s", "total_cost_usd": 0.12, "num_turns": 3}
    denials = [{"tool_name": "Bash"}, {"tool_name": "Bash"}, {"tool_name": "Web"}]
    told = stream.totals({**result, "permission_denials": denials})
    assert told == Totals("s", 0.12, 3, ("Bash", "Web"), ())
    assert stream.totals({}) == Totals("", 0.0, 0, (), ())


def test_the_models_are_those_that_wrote_something_the_first_one_the_most() -> None:
    used = {"a": {"outputTokens": 20}, "b": {"outputTokens": 300}, "gone": {"outputTokens": 0}, "odd": 7}
    assert stream.totals({"modelUsage": used}).models == ("b", "a")


@given(
    st.dictionaries(
        st.sampled_from(("session_id", "total_cost_usd", "num_turns", "permission_denials")), json_values
    )
)
def test_totals_of_any_shape_stay_within_their_limits(result: Any) -> None:
    found = stream.totals(result)
    assert len(found.session) <= MAX_NAME and len(found.denials) <= MAX_DENIALS
    assert abs(found.cost_usd) <= stream.MAX_NUMBER and abs(found.turns) <= stream.MAX_NUMBER
    assert all(0 < len(name) <= MAX_NAME for name in found.denials)


@given(json_values)
def test_servers_of_any_shape_are_read_or_refused_by_name(value: Any) -> None:
    found: Any = {}
    with suppress(stream.Unreadable):
        found = stream.servers({"mcpServers": value})
    assert all(isinstance(name, str) and isinstance(each, McpServer) for name, each in found.items())


@pytest.mark.parametrize("status", [None, "canary", ["canary"], True, 7, 10**9])
def test_a_status_that_is_none_is_not_told(status: Any) -> None:
    assert stream.api_status({"api_error_status": status}) == "unknown"
    assert stream.api_status({"api_error_status": 529}) == "529"
