from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner.agent.budget import FUSE, STOP, WARN
from function.runner.agent.process import ENDED, UNREADABLE, Claude, Event
from function.runner.agent.session import ODD, RECONNECTS, SIGNAL, WRAP_UP, Ending, Session
from function.runner.outcome import EXIT
from function.runner.tier import Server, Tier
from tests.harness.default_model import MODEL

TIER = Tier("investigate", MODEL, {"world": Server("http://x", ("look",))}, seconds=30)
CONNECTED = {"name": "world", "status": "connected", "tools": [{"name": "look"}, {"name": "other"}]}
OUTCOME = {"status": "investigated"}
SILENT: Event = {}
"""Stands for the time that passes in silence until whoever waits gives up."""


def result(**told: Any) -> Event:
    return {"type": "result", "terminal_reason": "completed", **told}


GOOD = result(structured_output=OUTCOME, num_turns=3)


class Scripted:
    """Answers control requests as a program with these servers would, and otherwise says the script."""

    def __init__(
        self,
        *script: Event,
        costs: Sequence[float] = (),
        servers: Any = [CONNECTED],  # noqa: B006  nobody changes it
        deaf_to: str = "",
        back_after: int = 99,
        odd: Mapping[str, Callable[[str], Event]] = MappingProxyType({}),
    ) -> None:
        self._script, self._servers, self._deaf_to, self._odd = deque(script), servers, deaf_to, odd
        self._reconnects_left, self._costs = back_after, deque(costs)
        self._replies: deque[Event] = deque()
        self.heard: list[str] = []
        self.denied: list[str] = []

    def send(self, message: Event) -> None:
        if message["type"] == "user":
            self.heard.append(message["message"]["content"])
            return
        self.heard.append(message["request"]["subtype"])
        if message["request"]["subtype"] == "mcp_reconnect":
            assert message["request"]["serverName"] == "world"
            self._reconnects_left -= 1
            self._servers = self._servers if self._reconnects_left else [CONNECTED]
        if message["request"]["subtype"] == "apply_flag_settings":
            self.denied = message["request"]["settings"]["permissions"]["deny"]
        response = {"request_id": message["request_id"], "response": {"mcpServers": self._servers}}
        if message["request"]["subtype"] == "get_usage":
            cost = self._costs.popleft() if self._costs else 0.0
            response["response"] = {"session": {"total_cost_usd": cost}}
        if message["request"]["subtype"] in self._odd:
            self._replies.append(self._odd[message["request"]["subtype"]](message["request_id"]))
        elif message["request"]["subtype"] != self._deaf_to:
            self._replies.append({"type": "control_response", "response": response})

    def next(self, seconds: float) -> Event | None:
        if self._replies:
            return self._replies.popleft()
        event = self._script.popleft() if self._script else ENDED
        return None if event is SILENT else event


def held(claude: Scripted, tier: Tier = TIER) -> Ending:
    at_once: list[float] = []
    session = Session(cast("Claude", claude), tier, lambda told: told == OUTCOME, pause=at_once.append)
    return session.hold("the prompt")


def test_servers_come_first_then_the_prompt_and_its_outcome() -> None:
    claude = Scripted({"type": "system"}, {"type": "assistant"}, GOOD)
    ending = held(claude)
    assert (ending.why, ending.outcome, ending.result["num_turns"]) == ("completed", OUTCOME, 3)
    assert claude.heard == ["initialize", "mcp_status", "apply_flag_settings", "the prompt"]
    assert claude.denied == ["mcp__world__other"]


def test_where_the_tier_lists_every_tool_nothing_is_hidden() -> None:
    claude = Scripted(GOOD, servers=[{**CONNECTED, "tools": [{"name": "look"}]}])
    held(claude)
    assert claude.heard == ["initialize", "mcp_status", "the prompt"]


def test_a_tool_with_an_odd_name_hides_no_other() -> None:
    tools = [{"name": name} for name in ("look", "b(", "a,b", "", "c d", "ok.1")]
    claude = Scripted(GOOD, servers=[{**CONNECTED, "tools": tools}])
    held(claude)
    assert claude.denied == ["mcp__world__ok.1"]


def test_a_program_that_does_not_hide_tools_is_asked_nothing() -> None:
    claude = Scripted(SILENT, deaf_to="apply_flag_settings")
    why = "no response in time to apply_flag_settings while servers connected"
    assert held(claude) == Ending("preflight", why)


def test_models_that_the_api_does_not_know_are_named() -> None:
    unknown = result(terminal_reason="api_error", api_error_status=404)
    tier = replace(TIER, model="claude-a", fallback_models=("claude-b",))
    for script in ((unknown,), (result(), unknown)):
        ending = held(Scripted(*script), tier)
        assert ending.why == "api_error" and "does not know claude-a, claude-b" in ending.detail


@pytest.mark.parametrize(
    ("servers", "detail"),
    [
        ([], "server world is not connected"),
        ([{"name": "world", "status": "failed"}], "server world is not connected"),
        ([{**CONNECTED, "tools": []}], "server world lacks look"),
        ([{"name": "world", "status": "connected"}], "server world lacks look"),
        (
            [CONNECTED, {"name": "cloned", "status": "connected"}],
            "servers that the tier does not name: cloned",
        ),
    ],
)
def test_without_exactly_its_servers_the_model_is_not_asked(servers: Any, detail: str) -> None:
    claude = Scripted(GOOD, servers=servers)
    assert held(claude) == Ending("preflight", detail)
    assert "the prompt" not in claude.heard


def test_a_server_that_is_just_restarted_is_waited_for() -> None:
    claude = Scripted(GOOD, servers=[{"name": "world", "status": "failed"}], back_after=3)
    assert held(claude).why == "completed"
    assert claude.heard.count("mcp_reconnect") == 3


def test_a_server_that_stays_away_is_asked_for_so_often_and_no_more() -> None:
    claude = Scripted(GOOD, servers=[{"name": "world", "status": "failed"}])
    assert held(claude) == Ending("preflight", "server world is not connected")
    assert claude.heard.count("mcp_reconnect") == RECONNECTS


def test_a_server_whose_connecting_hangs_is_named() -> None:
    claude = Scripted(SILENT, servers=[{"name": "world", "status": "failed"}], deaf_to="mcp_reconnect")
    why = "no response in time to mcp_reconnect world while servers connected"
    assert held(claude) == Ending("preflight", why)


def test_a_program_that_answers_nothing_is_a_failed_preflight() -> None:
    assert held(Scripted(SILENT, deaf_to="initialize")).why == "preflight"


def test_a_program_that_ends_before_its_servers_are_there_has_died() -> None:
    assert held(Scripted(deaf_to="initialize")) == Ending("died", "the program ended while servers connected")


def test_an_event_that_cannot_be_read_before_the_prompt_is_a_failed_preflight() -> None:
    ending = held(Scripted(UNREADABLE, ENDED, deaf_to="initialize"))
    assert ending.why == "preflight" and ODD in ending.detail
    assert EXIT[ending.why] == 20


def test_an_event_that_cannot_be_read_after_the_prompt_ends_the_run() -> None:
    ending = held(Scripted({"type": "assistant"}, UNREADABLE, ENDED))
    assert ending.why == "died" and ODD in ending.detail


def answered(value: Any) -> Callable[[str], Event]:
    """A response with this value in place of the object."""
    return lambda number: {"type": "control_response", "response": {"request_id": number, "response": value}}


@pytest.mark.parametrize(
    "servers",
    [
        {"world": CONNECTED},
        "world",
        7,
        [["world", "connected"]],
        ["world"],
        [None],
        [{**CONNECTED, "name": ["world"]}],
        [{**CONNECTED, "name": 7}],
        [{"status": "connected"}],
        [{**CONNECTED, "status": {"is": "connected"}}],
        [{"name": "world"}],
        [CONNECTED, CONNECTED],
        [{**CONNECTED, "tools": {"look": {}}}],
        [{**CONNECTED, "tools": "look"}],
        [{**CONNECTED, "tools": ["look"]}],
        [{**CONNECTED, "tools": [{"name": 7}]}],
        [{**CONNECTED, "tools": [{"name": ["look"]}]}],
    ],
)
def test_a_list_of_servers_of_an_odd_shape_is_refused_before_the_model_is_asked(servers: Any) -> None:
    claude = Scripted(GOOD, servers=servers)
    ending = held(claude)
    assert ending.why == "preflight" and ending.detail.startswith(ODD)
    assert "the prompt" not in claude.heard


@pytest.mark.parametrize("request_", ["initialize", "mcp_status"])
@pytest.mark.parametrize(
    "odd",
    [
        answered([]),
        answered("yes"),
        answered(7),
        lambda number: {"type": "control_response", "response": [number]},
        lambda number: {"type": "control_response", "response": {"request_id": 1}},
        lambda number: {"type": "control_response"},
    ],
)
def test_a_response_of_an_odd_shape_is_refused_before_the_model_is_asked(
    request_: str, odd: Callable[[str], Event]
) -> None:
    claude = Scripted(GOOD, odd={request_: odd})
    ending = held(claude)
    assert ending.why == "preflight" and ending.detail.startswith(ODD)
    assert "the prompt" not in claude.heard


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("name", "status", "tools", "response", "request_id")), inner)
    ),
    max_leaves=8,
)
events = st.fixed_dictionaries(
    {"type": st.sampled_from(("result", "control_response", "assistant")) | json_values},
    optional={
        name: json_values
        for name in ("response", "terminal_reason", "structured_output", "api_error_status", "session_id")
    },
)


@given(
    st.lists(events | st.sampled_from([SILENT, SIGNAL, UNREADABLE, GOOD]), max_size=4),
    json_values | st.just([CONNECTED]),
    st.dictionaries(st.sampled_from(("initialize", "mcp_status", "interrupt")), json_values, max_size=1),
)
def test_whatever_the_program_says_the_end_has_a_name(
    script: list[Event], servers: Any, odd: dict[str, Any]
) -> None:
    claude = Scripted(*script, servers=servers, odd={name: answered(told) for name, told in odd.items()})
    ending = held(claude)
    assert ending.why == "completed" or ending.why in EXIT
    if "the prompt" not in claude.heard:
        assert ending.why in ("preflight", "signal") or ending.detail.startswith("the program ended")


def test_a_signal_while_servers_connect_ends_without_a_word() -> None:
    claude = Scripted(SIGNAL, deaf_to="initialize")
    assert held(claude).why == "signal"
    assert claude.heard == ["initialize"]


def test_an_outcome_that_is_none_is_asked_for_once_more() -> None:
    claude = Scripted(result(structured_output={"status": "perfect"}), GOOD)
    assert (held(claude).why, claude.heard[-1]) == ("no_outcome", WRAP_UP)
    again = Scripted(result(), result())
    assert held(again) == Ending("no_outcome", outcome=None, result=result())


def test_its_own_word_that_it_succeeded_is_not_enough() -> None:
    assert held(Scripted(result(subtype="success", is_error=False), ENDED)).outcome is None


def test_an_error_of_the_api_is_told_by_its_status_also_in_the_wrap_up() -> None:
    down = result(terminal_reason="api_error", api_error_status=529)
    assert (held(Scripted(down)).why, held(Scripted(down)).detail) == ("api_error", "status 529")
    assert held(Scripted(result(), down)).why == "api_error"


@pytest.mark.parametrize(("event", "why"), [(SIGNAL, "signal"), (SILENT, "deadline")])
def test_when_its_time_is_up_the_word_is_taken_and_the_outcome_asked_for(event: Event, why: str) -> None:
    claude = Scripted({"type": "assistant"}, event, result(terminal_reason="aborted_streaming"), GOOD)
    ending = held(claude)
    assert (ending.why, ending.outcome) == (why, OUTCOME)
    assert claude.heard[-2:] == ["interrupt", WRAP_UP]


def turn(number: int, tool: str = "mcp__world__look") -> tuple[Event, Event]:
    """A response that calls a tool, and the tool's result."""
    call = {"type": "tool_use", "id": f"call-{number}", "name": tool, "input": {}}
    answer = {"type": "tool_result", "tool_use_id": f"call-{number}", "content": "x"}
    return (
        {"type": "assistant", "message": {"id": f"msg-{number}", "content": [call]}},
        {"type": "user", "message": {"content": [answer]}},
    )


def turns(count: int) -> list[Event]:
    return [event for number in range(count) for event in turn(number)]


ABORTED = result(terminal_reason="aborted_streaming")


def test_after_each_response_the_cost_is_asked_for_which_asks_no_model() -> None:
    claude = Scripted(*turns(3), GOOD, costs=[0.1, 0.2, 0.3])
    session = Session(cast("Claude", claude), TIER, lambda told: told == OUTCOME)
    assert session.hold("the prompt").why == "completed"
    assert claude.heard.count("get_usage") == 3 and session.used.cost_usd == 0.3


@pytest.mark.parametrize(
    ("tier", "costs", "limit"),
    [
        (replace(TIER, max_turns=10), [], "turns"),
        (replace(TIER, max_turns=500, max_cost_usd=10), [float(n) for n in range(1, 20)], "money"),
    ],
)
def test_a_limit_is_told_once_and_then_ends_in_an_outcome(tier: Tier, costs: list[float], limit: str) -> None:
    claude = Scripted(*turns(9), ABORTED, GOOD, costs=costs)
    ending = held(claude, tier)
    assert (ending.why, ending.outcome) == ("limit", OUTCOME)
    assert claude.heard[-2:] == ["interrupt", WRAP_UP]
    (warning,) = [words for words in claude.heard if words.startswith("This run has used")]
    assert f"of its {limit}" in warning
    assert claude.heard.index(warning) < claude.heard.index("interrupt")


def test_a_run_that_stays_below_its_limits_hears_nothing() -> None:
    claude = Scripted(*turns(6), GOOD)
    assert held(claude, replace(TIER, max_turns=10)).why == "completed"
    assert not any(words.startswith("This run") for words in claude.heard)


def test_no_tool_is_interrupted_and_no_outcome_either() -> None:
    first, second = turn(8)
    several = {"type": "assistant", "message": {"id": "msg-8", "content": []}}
    more = {"type": "tool_use", "id": "call-more", "name": "mcp__world__look", "input": {}}
    several["message"] = {"id": "msg-8", "content": [more]}
    claude = Scripted(*turns(8), first, several, second, GOOD)
    assert held(claude, replace(TIER, max_turns=10)).why == "completed"
    last = turn(8, "StructuredOutput")
    assert held(Scripted(*turns(8), *last, GOOD), replace(TIER, max_turns=10)).why == "completed"


def test_parts_of_one_response_are_one_turn() -> None:
    parts = [turn(0)[0]] * 20
    claude = Scripted(*parts, turn(0)[1], GOOD)
    assert held(claude, replace(TIER, max_turns=10)).why == "completed"
    assert claude.heard.count("get_usage") == 1


def test_a_program_that_tells_no_cost_is_held_to_its_turns() -> None:
    def odd(number: str) -> Event:
        return {"type": "control_response", "response": {"request_id": number, "subtype": "error"}}

    claude = Scripted(*turns(9), ABORTED, GOOD, odd={"get_usage": odd})
    assert held(claude, replace(TIER, max_turns=10)).why == "limit"


@pytest.mark.parametrize("reason", ["max_turns", "budget_exhausted"])
def test_a_limit_of_the_program_itself_is_a_limit_too(reason: str) -> None:
    ending = held(Scripted(result(terminal_reason=reason), GOOD))
    assert (ending.why, ending.outcome) == ("limit", OUTCOME)


def test_warning_and_outcome_come_before_the_limit_and_the_fuse_after_it() -> None:
    assert 0 < WARN < STOP < 1 < FUSE


def test_a_second_signal_cuts_no_wrap_up_short() -> None:
    claude = Scripted(SIGNAL, SIGNAL, result(), SIGNAL, GOOD)
    assert (held(claude).why, held(Scripted(SIGNAL, SIGNAL, result(), SIGNAL, GOOD)).outcome) == (
        "signal",
        OUTCOME,
    )


def test_a_signal_in_the_wrap_up_of_a_deadline_shortens_it_and_takes_no_word() -> None:
    ending = held(Scripted(SILENT, result(), SIGNAL, GOOD))
    assert (ending.why, ending.outcome) == ("signal", OUTCOME)


def test_an_outcome_that_came_just_before_the_interrupt_is_the_outcome() -> None:
    claude = Scripted(SIGNAL, GOOD)
    assert (held(claude).outcome, WRAP_UP in claude.heard) == (OUTCOME, False)


def test_an_outcome_counts_though_the_api_failed_after_it() -> None:
    told = result(terminal_reason="api_error", structured_output=OUTCOME)
    ending = held(Scripted(result(), told))
    assert (ending.why, ending.outcome) == ("no_outcome", OUTCOME)


def test_a_program_that_ends_in_the_middle_has_died() -> None:
    assert held(Scripted({"type": "assistant"}, ENDED)) == Ending("died", "the program ended")


def test_one_that_ends_while_it_wraps_up_keeps_what_was_known_of_it() -> None:
    before = result(terminal_reason="max_turns", num_turns=60)
    ending = held(Scripted(before, ENDED))
    assert (ending.why, ending.outcome, ending.result) == ("limit", None, before)


def test_a_wrap_up_in_silence_ends() -> None:
    assert held(Scripted(result(), SILENT)).outcome is None
    assert held(Scripted(SIGNAL, SILENT, SILENT)).why == "signal"
