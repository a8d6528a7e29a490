"""Parsed PromQL, as Prometheus answers it."""

from __future__ import annotations

from typing import Any


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
