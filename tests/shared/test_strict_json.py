from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.shared.errors import Rejected
from function.shared.strict_json import MAX_BODY, MAX_BRACKETS, MAX_DEPTH, parse, to_json

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_what_is_written_is_read_as_it_was(value: Any) -> None:
    line = to_json(value)
    assert line.isascii() and line.isprintable()
    assert parse(line.encode()) == value


def test_a_time_is_written_as_rfc_3339_and_another_object_is_refused() -> None:
    assert to_json(datetime(2026, 3, 29, tzinfo=UTC)) == '"2026-03-29T00:00:00+00:00"'
    with pytest.raises(TypeError, match="object cannot be written as JSON"):
        to_json(object())


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "not_json"),
        (b"{", 400, "not_json"),
        (b"\xff", 400, "not_json"),
        (b"NaN", 400, "not_json"),
        (b"[Infinity]", 400, "not_json"),
        (b"1e999", 400, "not_json"),
        (b'{"a": 1, "a": 2}', 400, "not_json"),
        (rb'"\ud800"', 400, "not_json"),
        (b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2), 400, "too_deep"),
        (b"[" + b"[]," * MAX_BRACKETS + b"0]", 400, "too_many_brackets"),
        (b'"' + b"x" * MAX_BODY + b'"', 413, "too_large"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_other_parsers_could_read_differently_is_refused(body: bytes, status: int, code: str) -> None:
    with pytest.raises(Rejected) as refusal:
        parse(body)
    assert (refusal.value.status, refusal.value.code) == (status, code)


def test_brackets_within_a_text_do_not_count() -> None:
    assert parse(json.dumps("[" * (MAX_BRACKETS + 1)).encode()) == "[" * (MAX_BRACKETS + 1)


REFUSED_BODIES = {
    "no JSON": b"{",
    "nothing": b"",
    "UTF-16": '{"version": "4"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "broken UTF-8": b'{"a": "\xff"}',
    "NaN": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "a number out of range": b'{"a": 1e999}',
    "an endless integer": b'{"a": ' + b"9" * 5000 + b"}",
    "a key twice": b'{"a": 1, "a": 2}',
    "a key twice in depth": b'{"a": [{"b": 1, "b": 1}]}',
    "a lone surrogate": b'{"a": "\\ud800"}',
    "100 KB of brackets": b"[" * 50_000 + b"]" * 50_000,
    "33 levels": b"[" * 34 + b"]" * 34,
    "300,000 brackets": b"[" + b"[]," * 300_000 + b"[]]",
}


@pytest.mark.parametrize("case", REFUSED_BODIES)
def test_a_body_is_refused_for(case: str) -> None:
    with pytest.raises(Rejected) as refusal:
        parse(REFUSED_BODIES[case])
    assert refusal.value.status == 400
