from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner.outcome import (
    ENDS,
    MAX_MESSAGE,
    AgentOutcome,
    Report,
    named_cause,
    read,
    schema,
    unsolved,
)
from function.shared.facts import MODES, RunStatus
from tests.harness.credentials import NAMED, SHAPES, WORD
from tests.harness.model import OUTCOME

CAUSE: dict[str, str] = OUTCOME["cause"]  # type: ignore[assignment]
TOLD = AgentOutcome(
    **{name: tuple(value) if isinstance(value, list) else value for name, value in OUTCOME.items()}  # type: ignore[arg-type]
)


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
        {**OUTCOME, "cause": "the disk"},
        {**OUTCOME, "cause": {**CAUSE, "class": "magic"}},
        {**OUTCOME, "cause": {**CAUSE, "cluster": "fmc"}},
        {**OUTCOME, "cause": {"kind": "Pod"}},
    ],
    ids=lambda told: str(told)[:40],
)
def test_anything_else_is_none(told: Any) -> None:
    assert read(told) is None


def test_the_schema_closes_the_set_of_fields() -> None:
    told = schema("investigate")
    assert told["additionalProperties"] is False and set(told["required"]) == set(OUTCOME)


def test_who_can_change_nothing_has_resolved_nothing() -> None:
    ends = {mode: set(schema(mode)["properties"]["status"]["enum"]) for mode in ENDS}
    assert {mode for mode, told in ends.items() if told & {"resolved", "mitigated"}} == {"autonomous"}
    assert {mode for mode, told in ends.items() if "proposed" in told} == {"merge-request"}
    assert {mode for mode, told in ends.items() if "failed" in told} == {"autonomous"}
    assert all("inconclusive" in told for told in ends.values())
    assert set(ENDS) == set(MODES) and set.union(*ends.values()) == set(get_args(RunStatus))


def test_every_field_of_the_schema_is_described() -> None:
    assert all(field["description"] for field in schema("investigate")["properties"].values())


def test_a_run_without_an_outcome_has_failed_only_if_it_could_change_something() -> None:
    assert {mode: unsolved(mode) for mode in ("autonomous", "merge-request", "investigate", "unknown")} == {
        "autonomous": "failed",
        "merge-request": "inconclusive",
        "investigate": "inconclusive",
        "unknown": "inconclusive",
    }


def test_a_cause_is_named_with_its_class() -> None:
    assert named_cause(TOLD) == "StatefulSet f3iai/typedb (capacity)"
    node = {"kind": "Node", "namespace": "", "name": "worker-2", "class": "node"}
    assert named_cause(replace(TOLD, cause=node)) == "Node worker-2 (node)"  # type: ignore[arg-type]
    assert named_cause(replace(TOLD, cause=None)) == ""


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


def test_an_outcome_that_a_redaction_makes_too_long_is_cut_and_stays_one() -> None:
    """What takes the place of a short credential is longer than it."""
    item, whole = "x" * 987 + " token=abcdef", "x" * 3987 + " token=abcdef"
    told = read({**OUTCOME, "root_cause": whole, "evidence": [item]})
    assert told is not None
    assert told.root_cause == f"{'x' * 3987} token=[[cut]"
    assert told.evidence == (f"{'x' * 987} token=[[cut]",)
    assert Report(0, "completed", outcome=told).cleaned().cleaned().outcome == told


@pytest.mark.parametrize("secret", ["resolved", "root_cause"])
def test_a_secret_that_is_a_word_of_ours_takes_no_outcome_away(secret: str) -> None:
    told = read({**OUTCOME, "status": "resolved", "summary": f"it is {secret}"}, [secret])
    assert told == replace(TOLD, status="resolved", summary="it is [redacted]")
    assert Report(0, "completed", outcome=told).cleaned([secret]).outcome == told


SHORT = "qQ7wZk"
"""A credential that its redaction is longer than."""
SECRETS = sorted({*SHAPES.values(), *(form.format(word) for form in NAMED for word in (SHORT, WORD))})
words = st.text(max_size=300) | st.sampled_from(
    [
        "",
        "token: ",
        "password=\n",
        "--secret",
        "\\",
        "\\n",
        '"',
        "'",
        "token: '",
        "name: A_TOKEN",
        "[redacted]",
    ]
)


@st.composite
def texts_with_a_secret(draw: st.DrawFn, limit: int) -> str:
    """With the secret anywhere, the end included, and as long as a text may be."""
    before, secret, after = draw(words), draw(st.sampled_from(SECRETS)), draw(words)
    filled = f"{'x' * draw(st.integers(0, limit))}{before}\n"[-limit + len(secret) :] + secret
    return f"{filled}\n{after}"[:limit]


items = st.lists(texts_with_a_secret(1000), max_size=3)


@given(texts_with_a_secret(4000), texts_with_a_secret(4000), texts_with_a_secret(4000), items, items)
def test_a_valid_outcome_stays_one_without_its_secrets(
    summary: str, root_cause: str, follow_up: str, actions: list[str], evidence: list[str]
) -> None:
    texts = {"summary": summary, "root_cause": root_cause, "follow_up": follow_up}
    told = read({**OUTCOME, **texts, "actions": actions, "evidence": evidence})
    assert told is not None
    again = Report(0, "completed", outcome=told).cleaned()
    assert again.outcome is not None
    assert not any(secret in str(again) for secret in (WORD, SHORT, "AKIAIOSFODNN7EXAMPLE"))
    assert all(len(text) <= 4000 for text in (told.summary, told.root_cause, told.follow_up))
    assert all(len(text) <= 1000 for text in (*told.actions, *told.evidence))
    assert (len(told.actions), len(told.evidence)) == (len(actions), len(evidence))
