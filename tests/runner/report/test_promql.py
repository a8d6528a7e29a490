from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner.report.promql import (
    OPPOSITE,
    conditions,
    is_absent,
    measured,
    now,
    opposite,
    promql,
    quoted,
    selectors,
)


def selector(name: str, kind: str = "vectorSelector", **more: Any) -> dict[str, Any]:
    matchers = [{"name": "__name__", "type": "=", "value": name}]
    at = {"offset": 0, "timestamp": None, "startOrEnd": None}
    return {"type": kind, "name": name, "matchers": matchers, **at, **more}


def binary(left: Any, op: str, right: Any, **more: Any) -> dict[str, Any]:
    return {
        "type": "binaryExpr",
        "lhs": left,
        "op": op,
        "rhs": right,
        "bool": False,
        "matching": None,
        **more,
    }


ONE = {"type": "numberLiteral", "val": "1"}
OVER = binary(selector("a"), ">", ONE)
ABSENT = {"type": "call", "func": {"name": "absent", "returnType": "vector"}, "args": [selector("a")]}
SCALAR = {"type": "call", "func": {"name": "scalar", "returnType": "scalar"}, "args": [selector("b")]}
PAST = selector("a", "matrixSelector", range=60_000) | {"offset": 5000, "startOrEnd": "end"}
RATE = {"type": "call", "func": {"name": "rate", "returnType": "vector"}, "args": [PAST]}


def within(node: Any) -> dict[str, Any]:
    return {"type": "parenExpr", "expr": node}


def matched(card: str, on: bool, labels: list[str], include: list[str]) -> dict[str, Any]:
    return {"card": card, "on": on, "labels": labels, "include": include}


def aggregation(op: str, **more: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"op": op, "expr": selector("a"), "param": None, "grouping": [], "without": False}
    return {"type": "aggregation", **told, **more}


# What it compares


@pytest.mark.parametrize(
    ("tree", "found"),
    [
        (OVER, [OVER]),
        (ABSENT, [ABSENT]),
        (within(OVER), [OVER]),
        (binary(OVER, "and", binary(selector("b"), ">", ONE)), [OVER]),
        (binary(OVER, "unless", ABSENT), [OVER]),
        (binary(OVER, "or", ABSENT), [OVER, ABSENT]),
        (binary(within(OVER), "<", ONE), [OVER]),
        (binary(OVER, "or", selector("b")), []),
        (binary(OVER, "+", ONE), []),
        ({**OVER, "bool": True}, []),
        ({**ABSENT, "args": [within(OVER)]}, []),
        (selector("a"), []),
        (RATE, []),
        ({"type": "anything"}, []),
    ],
)
def test_the_conditions_are_those_of_which_one_holds(tree: Any, found: list[Any]) -> None:
    assert conditions(tree) == found


def test_absent_counts_for_a_bare_selector_alone() -> None:
    assert is_absent(ABSENT)
    assert not is_absent({**ABSENT, "args": [RATE]}) and not is_absent(RATE) and not is_absent(OVER)


@pytest.mark.parametrize("op", OPPOSITE)
def test_the_opposite_of_the_opposite_is_the_same(op: str) -> None:
    other = opposite(binary(selector("a"), op, ONE))
    assert other["bool"] and other["op"] != op and opposite(other)["op"] == op


@pytest.mark.parametrize(
    "number",
    [
        ONE,
        within(ONE),
        {"type": "unaryExpr", "op": "-", "expr": ONE},
        binary(ONE, "*", within(ONE)),
        SCALAR,
    ],
)
def test_what_is_measured_is_the_side_that_is_no_number(number: Any) -> None:
    assert measured(binary(selector("a"), ">", number)) == selector("a")
    assert measured(binary(number, "<", selector("a"))) == selector("a")
    assert measured(binary(selector("a"), "<", binary(selector("b"), "*", number))) == selector("a")


def test_every_selector_is_found_wherever_it_stands() -> None:
    tree = binary(RATE, ">", binary(SCALAR, "+", aggregation("quantile", param=SCALAR)))
    assert sorted(node["name"] for node in selectors(tree)) == ["a", "a", "b", "b"]


def test_at_present_a_selector_has_neither_range_nor_offset() -> None:
    past = {**PAST, "timestamp": 7}
    assert promql(now(past)) == "a"


# Its text


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (OVER, "a > 1"),
        (opposite(OVER), "a <= bool 1"),
        (within(ABSENT), "(absent(a))"),
        (RATE, "rate(a[60000ms] @ end() offset 5000ms)"),
        (selector("a") | {"timestamp": 1500, "offset": -60_000}, "a @ 1.500 offset -60000ms"),
        (
            selector("a") | {"matchers": [{"name": "b", "type": "=~", "value": 'x"'}]},
            'a{b=~"x\\""}',
        ),
        (
            selector("") | {"matchers": [{"name": "not plain", "type": "!=", "value": "ä"}]},
            '{"not plain"!="ä"}',
        ),
        (
            {**selector("x"), "type": "subquery", "expr": selector("a"), "range": 60_000, "step": 0},
            "a[60000ms:]",
        ),
        (
            {**selector("x"), "type": "subquery", "expr": selector("a"), "range": 60_000, "step": 5000},
            "a[60000ms:5000ms]",
        ),
        (aggregation("sum"), "sum(a)"),
        (aggregation("sum", grouping=["b", "c d"]), 'sum by (b, "c d") (a)'),
        (aggregation("topk", param=ONE, without=True), "topk without () (1, a)"),
        (
            binary(
                selector("a"), "*", selector("b"), matching=matched("many-to-one", True, ["c"], ["d", "e"])
            ),
            "a * on (c) group_left (d, e) b",
        ),
        (
            binary(selector("a"), "and", selector("b"), matching=matched("many-to-many", True, [], [])),
            "a and on () b",
        ),
        (
            binary(selector("a"), "/", selector("b"), matching=matched("one-to-many", False, ["c"], [])),
            "a / ignoring (c) group_right () b",
        ),
        (
            binary(selector("a"), "/", selector("b"), matching=matched("one-to-one", False, [], [])),
            "a / b",
        ),
        ({"type": "unaryExpr", "op": "-", "expr": selector("a")}, "-a"),
        ({"type": "stringLiteral", "val": "a\nb"}, '"a\\nb"'),
    ],
)
def test_a_tree_becomes_the_text_that_it_came_from(tree: Any, text: str) -> None:
    assert promql(tree) == text


def test_a_node_of_another_type_has_no_text() -> None:
    with pytest.raises(KeyError):
        promql({"type": "anything"})


@given(st.text(st.characters(codec="utf-8")))
def test_a_quoted_text_is_one_string_and_read_back_the_same(text: str) -> None:
    told = quoted(text)
    assert quoted(f"{text}\U0001f525").endswith('\U0001f525"')  # two escapes would be no character
    assert json.loads(told) == text and "\n" not in told
    assert '"' not in told[1:-1].replace("\\\\", "").replace('\\"', "")
