from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.shared.errors import Rejected
from function.shared.strict_json import (
    BRACKET,
    MAX_BODY,
    MAX_BRACKETS,
    MAX_DEPTH,
    MAX_MEMBERS,
    brackets,
    parse,
    to_json,
)

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


def counted(body: bytes) -> int:
    """The opening brackets outside strings, found byte by byte."""
    count, inside, escaped = 0, False, False
    for byte in body:
        if inside:
            inside = escaped or byte != ord('"')
            escaped = not escaped and byte == ord("\\")
        elif byte == ord('"'):
            inside = True
        else:
            count += byte in b"[{"
    return count


@given(st.lists(st.sampled_from([b'"', b"\\", b"[", b"{", b"x", b"\n", b'\\"', b"\xff"])).map(b"".join))
def test_brackets_are_counted_as_a_reader_of_single_bytes_counts_them(body: bytes) -> None:
    assert brackets(body) == counted(body)


@given(st.lists(st.sampled_from([b'\\"', b"\\\\", b"[", b"x", b"\n"])).map(b"".join))
def test_a_string_without_an_end_is_read_once_and_to_the_end(rest: bytes) -> None:
    assert BRACKET.fullmatch(b'"' + rest)


BOMBS = {
    "a string of quotes without an end": b'"' + b'\\"' * 1_000_000,
    "a string of two million letters": b'"' + b"x" * 2_000_000 + b'"',
    "a million strings": b'"",' * 700_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_the_count_takes_no_memory(bomb: str) -> None:
    body = b"[" * 3 + BOMBS[bomb]
    tracemalloc.start()
    try:
        assert brackets(body) == 3
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024
    finally:
        tracemalloc.stop()


def test_an_object_of_too_many_members_is_read_as_far_as_shows_that() -> None:
    many = {f"k{number}": number for number in range(MAX_MEMBERS + 100)}
    few = dict(list(many.items())[:MAX_MEMBERS])
    read = parse(to_json([many, few]).encode())
    assert len(read[0]) == MAX_MEMBERS + 1 and read[1] == few


@pytest.mark.parametrize("inner", ["[]", "{}", "0", '{"a":0}'])
def test_levels_are_counted_with_what_is_in_the_last_one(inner: str) -> None:
    levels = MAX_DEPTH if inner in ("[]", "{}") else MAX_DEPTH - (inner != "0")
    parse(f"{'[' * levels}{inner}{']' * levels}".encode())
    with pytest.raises(Rejected, match="levels"):
        parse(f"{'[' * (levels + 1)}{inner}{']' * (levels + 1)}".encode())


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
