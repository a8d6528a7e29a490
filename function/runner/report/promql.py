"""Finds the comparisons in a PromQL syntax tree, and prints a tree as an expression. The tree comes from
Prometheus' own parser.

A tree of an unexpected shape raises one of http.SHAPE_ERRORS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from function.shared.prometheus import quoted

OPPOSITE = {">": "<=", "<": ">=", ">=": "<", "<=": ">", "==": "!=", "!=": "=="}
NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
"""Names that need no quotes: https://prometheus.io/docs/concepts/data_model/"""

Node = Mapping[str, Any]
"""A node of the tree, as /api/v1/parse_query returns it."""


def conditions(node: Node) -> list[Node]:
    """Returns the comparisons and absent() calls of an expression. If the expression has a result, at least
    one of these conditions is true. The list is empty if no such comparison is known. The right sides of
    `and` and `unless` are left out, because they only remove results."""
    if node["type"] == "parenExpr":
        return conditions(node["expr"])
    if is_absent(node):
        return [node]
    op = node.get("op") if node["type"] == "binaryExpr" else None
    if op in ("and", "unless"):
        return conditions(node["lhs"])
    if op == "or":
        left, right = conditions(node["lhs"]), conditions(node["rhs"])
        return [*left, *right] if left and right else []
    if op in OPPOSITE and not node["bool"]:
        return conditions(measured(node)) or [node]
    return []


def is_absent(node: Node) -> bool:
    """Returns whether the node is absent() of a plain selector. For other arguments, the series that exists
    again is unknown."""
    if node["type"] != "call" or node["func"]["name"] != "absent":
        return False
    return bool(node["args"][0]["type"] == "vectorSelector")


def opposite(comparison: Node) -> Node:
    """Returns a comparison that is 1 for each series on the good side. For NaN neither `>` nor `<=` is
    true."""
    return {**comparison, "op": OPPOSITE[comparison["op"]], "bool": True}


def measured(node: Node) -> Node:
    """Returns the side of a comparison that is not a number. If neither side is a number, returns the left
    side."""
    side: Node = node["rhs"] if _is_number(node["lhs"]) else node["lhs"]
    return side


def _is_number(node: Node) -> bool:
    match node["type"]:
        case "numberLiteral":
            return True
        case "parenExpr" | "unaryExpr":
            return _is_number(node["expr"])
        case "binaryExpr":
            return _is_number(node["lhs"]) and _is_number(node["rhs"])
        case "call":
            return bool(node["func"]["returnType"] == "scalar")
    return False


def selectors(node: object) -> Iterator[Node]:
    """Yields every selector in the tree."""
    if isinstance(node, dict):
        if node.get("type") in ("vectorSelector", "matrixSelector"):
            yield node
        for child in node.values():
            yield from selectors(child)
    elif isinstance(node, list):
        for child in node:
            yield from selectors(child)


def now(selector: Node) -> Node:
    """Returns the selector of the same series at the present time."""
    return {**selector, "type": "vectorSelector", "offset": 0, "timestamp": None, "startOrEnd": None}


def promql(node: Node) -> str:
    """Returns the expression for a syntax tree. It ignores unknown fields. So the caller has to let
    Prometheus parse the expression, and has to compare both trees. Raises KeyError for a node of an unknown
    type."""
    return _PRINTERS[node["type"]](node)


def _label(name: str) -> str:
    return name if NAME.fullmatch(name) else quoted(name)


def _label_list(names: Sequence[str]) -> str:
    return f"({', '.join(map(_label, names))})"


def _selector(node: Node) -> str:
    name = node["name"]
    implied = {"name": "__name__", "type": "=", "value": name} if name else None
    matchers = [
        f"{_label(each['name'])}{each['type']}{quoted(each['value'])}"
        for each in node["matchers"]
        if each != implied
    ]
    braces = f"{{{','.join(matchers)}}}" if matchers or not name else ""
    span = f"[{node['range']:d}ms]" if node["type"] == "matrixSelector" else ""
    return f"{name}{braces}{span}{_when(node)}"


def _subquery(node: Node) -> str:
    step = f"{node['step']:d}ms" if node["step"] else ""
    return f"{promql(node['expr'])}[{node['range']:d}ms:{step}]{_when(node)}"


def _when(node: Node) -> str:
    at = f" @ {node['timestamp'] / 1000:.3f}" if node["timestamp"] is not None else ""
    at = f" @ {node['startOrEnd']}()" if node["startOrEnd"] else at
    return f"{at} offset {node['offset']:d}ms" if node["offset"] else at


def _aggregation(node: Node) -> str:
    word = "without" if node["without"] else "by"
    grouping = f" {word} {_label_list(node['grouping'])} " if node["grouping"] or node["without"] else ""
    param = f"{promql(node['param'])}, " if node["param"] else ""
    return f"{node['op']}{grouping}({param}{promql(node['expr'])})"


def _binary(node: Node) -> str:
    matching = node["matching"] or {"on": False, "labels": [], "card": "", "include": []}
    group = {"many-to-one": "group_left", "one-to-many": "group_right"}.get(matching["card"])
    words = [promql(node["lhs"]), node["op"]]
    if node["bool"]:
        words.append("bool")
    if matching["on"] or matching["labels"] or group:
        words.append(f"{'on' if matching['on'] else 'ignoring'} {_label_list(matching['labels'])}")
    if group:
        words.append(f"{group} {_label_list(matching['include'])}")
    return " ".join([*words, promql(node["rhs"])])


_PRINTERS: Mapping[str, Callable[[Node], str]] = {
    "aggregation": _aggregation,
    "binaryExpr": _binary,
    "call": lambda node: f"{node['func']['name']}({', '.join(map(promql, node['args']))})",
    "matrixSelector": _selector,
    "numberLiteral": lambda node: str(node["val"]),
    "parenExpr": lambda node: f"({promql(node['expr'])})",
    "stringLiteral": lambda node: quoted(node["val"]),
    "subquery": _subquery,
    "unaryExpr": lambda node: f"{node['op']}{promql(node['expr'])}",
    "vectorSelector": _selector,
}
