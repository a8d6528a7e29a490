from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.dispatch.audit import MAX_AGENT, Refusal, Sampler, alert_line, refusal_line
from function.dispatch.model import Outcome, Result
from tests.harness.fakes import NOW, event

KNOWN = Refusal("not_json", 400, 17, "Alertmanager/0.31.1", is_sender_known=True)
STRANGER = Refusal("unauthorized", 401, None, "curl/8.5.0", is_sender_known=False)
MINUTE = NOW.timestamp()


def lines(*refusals: Refusal, at: float = MINUTE) -> list[Any]:
    sampler = Sampler()
    found = [sampler.line(refusal, at) for refusal in refusals]
    return [json.loads(line) for line in found if line]


def ended(outcome: Outcome) -> Any:
    return json.loads(alert_line(Result(event(), outcome, "a_code"), MINUTE))


@pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.DEFERRED])
def test_the_line_of_a_final_outcome_holds_the_raw_alert(outcome: Outcome) -> None:
    assert ended(outcome)["raw"] == event().raw_payload


def test_a_deferred_alert_comes_again_so_its_line_has_no_text_of_it() -> None:
    line = ended(Outcome.DEFERRED)
    assert "raw" not in line
    assert (line["audit"]["identity"], line["audit"]["code"]) == (event().identity, "a_code")


def test_a_line_has_the_code_the_status_the_size_and_the_senders_program() -> None:
    assert json.loads(refusal_line(KNOWN, MINUTE)) == {
        "audit": {"outcome": "refused", "code": "not_json"},
        "time": "2026-03-29T03:10:00+00:00",
        "request": {"status": 400, "bytes": 17, "agent": "Alertmanager/0.31.1"},
    }


@given(st.text(max_size=3 * MAX_AGENT))
def test_whatever_the_sender_calls_itself_is_the_start_of_a_text_in_one_line_of_ascii(agent: str) -> None:
    line = refusal_line(Refusal("method", 405, None, agent, is_sender_known=True), MINUTE)
    assert line.isascii() and line.isprintable()
    assert json.loads(line)["request"]["agent"] == agent[:MAX_AGENT]


def test_each_refusal_of_a_known_sender_has_a_line() -> None:
    assert len(lines(*[KNOWN] * 100)) == 100


def test_of_strangers_the_1st_2nd_4th_and_8th_refusal_of_a_minute_have_a_line_with_this_number() -> None:
    found = lines(*[STRANGER] * 15)
    assert [line["request"]["number_in_minute"] for line in found] == [1, 2, 4, 8]


def test_the_next_minute_begins_again() -> None:
    sampler = Sampler()
    found = [sampler.line(STRANGER, MINUTE + second) for second in (0, 1, 59, 60, 61)]
    numbers = [json.loads(line)["request"]["number_in_minute"] if line else None for line in found]
    assert numbers == [1, 2, None, 1, 2]


def test_one_code_leaves_no_line_of_another_out() -> None:
    other = Refusal("not_found", 404, None, "", is_sender_known=False)
    assert [line["audit"]["code"] for line in lines(STRANGER, STRANGER, STRANGER, other)] == [
        "unauthorized",
        "unauthorized",
        "not_found",
    ]


@given(
    st.lists(
        st.tuples(st.sampled_from(["unauthorized", "not_found", "method"]), st.integers(0, 3)), max_size=99
    )
)
def test_few_lines_of_a_minute_tell_of_most_strangers(sent: list[tuple[str, int]]) -> None:
    sampler, total = Sampler(), Counter(sorted(sent, key=lambda each: each[1]))
    told: dict[tuple[str, int], list[int]] = {}
    for code, minute in sorted(sent, key=lambda each: each[1]):
        line = sampler.line(Refusal(code, 401, None, "", is_sender_known=False), MINUTE + 60 * minute)
        if line:
            number = json.loads(line)["request"]["number_in_minute"]
            told.setdefault((code, minute), []).append(number)
    assert told.keys() == total.keys()
    for each, numbers in told.items():
        assert len(numbers) <= total[each].bit_length() and total[each] < 2 * numbers[-1] <= 2 * total[each]
