from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner.outcome import MAX_MESSAGE, SCHEMA, Outcome, Report, read
from tests.runner.model import OUTCOME

TOLD = Outcome(**{**OUTCOME, "actions": (), "evidence": tuple(OUTCOME["evidence"])})  # type: ignore[arg-type]


def test_an_outcome_is_read_as_it_was_given() -> None:
    assert read(OUTCOME) == TOLD


@pytest.mark.parametrize(
    "told",
    [
        None,
        "resolved",
        [],
        {},
        {**OUTCOME, "status": "perfect"},
        {**OUTCOME, "confidence": 1.1},
        {**OUTCOME, "confidence": "high"},
        {**OUTCOME, "actions": "none"},
        {**OUTCOME, "summary": "x" * 4001},
        {**OUTCOME, "evidence": ["x"] * 31},
        {**OUTCOME, "verified": True},
    ],
    ids=lambda told: str(told)[:40],
)
def test_anything_else_is_none(told: Any) -> None:
    assert read(told) is None


def test_the_schema_closes_the_set_of_fields() -> None:
    assert SCHEMA["additionalProperties"] is False and set(SCHEMA["required"]) == set(OUTCOME)


def test_a_message_leaves_out_what_is_empty() -> None:
    assert json.loads(Report(20, "preflight", detail="server x is not connected").message()) == {
        "exit_code": 20,
        "ended": "preflight",
        "cost_usd": 0.0,
        "turns": 0,
        "seconds": 0,
        "detail": "server x is not connected",
        "verification": "none",
    }


texts = st.text(max_size=4000)


@given(
    texts, texts, st.lists(st.text(max_size=1000), max_size=30), st.lists(st.text(max_size=300), max_size=20)
)
def test_a_message_always_fits_and_always_says_how_it_ended(
    summary: str, follow_up: str, evidence: list[str], denials: list[str]
) -> None:
    told = replace(TOLD, summary=summary, follow_up=follow_up, evidence=tuple(evidence))
    message = Report(0, "completed", outcome=told, denials=tuple(denials)).message()
    assert len(message.encode()) <= MAX_MESSAGE and message.isascii()
    read_back = json.loads(message)
    assert (read_back["exit_code"], read_back["ended"]) == (0, "completed")


def test_a_secret_is_cut_out_before_the_message_is_cut_to_size() -> None:
    secret = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"
    told = replace(TOLD, summary="x" * 3980 + " " + secret, evidence=(secret,) * 30)
    assert "ghp_" not in Report(0, "completed", outcome=told, detail=f"key {secret}").cleaned().message()
