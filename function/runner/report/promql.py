"""PromQL's syntax tree, as Prometheus' own parser gives it -> what it compares, and its text again. Pure.

A tree of another shape raises what reading it comes to: KeyError, TypeError or their like, or
RecursionError.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

OPPOSITE = {">": "<=", "<": ">=", ">=": "<", "<=": ">", "==": "!=", "!=": "=="}
NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
"""Labels that need no quotes: https://prometheus.io/docs/concepts/data_model/"""

Node = Mapping[str, Any]
"""A node of the syntax tree, as /api/v1/parse_query writes it."""


def conditions(node: Node) -> list[Node]:
    """The comparisons, or absent(), of which at least one holds whenever the expression has a result; none
    where that cannot be told. What stands behind `and` and `unless` only narrows the result."""
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
    """Of a bare selector only: of another expression nothing says which series came back."""
    if node["type"] != "call" or node["func"]["name"] != "absent":
        return False
    return bool(node["args"][0]["type"] == "vectorSelector")


def opposite(comparison: Node) -> Node:
    """Gives 1 for each series that is on the good side. Of NaN neither `>` nor `<=` is true."""
    return {**comparison, "op": OPPOSITE[comparison["op"]], "bool": True}


def measured(node: Node) -> Node:
    """The side of a comparison that is no number; the left one of two."""
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
    """Every selector anywhere in the tree."""
    if isinstance(node, dict):
        if node.get("type") in ("vectorSelector", "matrixSelector"):
            yield node
        for child in node.values():
            yield from selectors(child)
    elif isinstance(node, list):
        for child in node:
            yield from selectors(child)


def now(selector: Node) -> Node:
    """The selector of the same series, at present."""
    return {**selector, "type": "vectorSelector", "offset": 0, "timestamp": None, "startOrEnd": None}


def promql(node: Node) -> str:
    """The text of a syntax tree. What it does not know of the language it leaves out, so who sends the text
    has to have it parsed first and compare. Raises KeyError for a node of another type."""
    return _PRINTERS[node["type"]](node)


def quoted(text: str) -> str:
    """A string of PromQL, which escapes as JSON does: https://prometheus.io/docs/prometheus/latest/querying/
    basics/#string-literals. Not in ASCII: the language has no surrogate pairs."""
    return json.dumps(text, ensure_ascii=False)


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
