"""Why an evidence does not arrive: what an expert asks for, and the page does not name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tests.eval.forms import ToolCall

METRIC = re.compile(r"\b([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?=[{\[])|\b([a-z]+(?:_[a-z0-9]+){2,})\b")
SAME = ("kind", "name", "namespace", "container", "previous", "labelSelector", "fieldSelector")
"""The arguments by which two calls of a tool differ."""


def reason(expert: Sequence[ToolCall], made: Iterable[ToolCall]) -> str:
    """What the expert's calls have that the calls which were made have not."""
    others = [*made]
    return "; ".join(dict.fromkeys(_of_call(call, others) for call in expert))


def _of_call(call: ToolCall, made: Sequence[ToolCall]) -> str:
    same = [other for other in made if other.tool == call.tool]
    if not same:
        return f"no call of {call.tool} is named, or nothing tells its arguments"
    if "expr" in call.arguments:
        asked = {metric for other in same for metric in metrics(other.arguments["expr"])}
        missing = sorted(metrics(call.arguments["expr"]) - asked)
        return f"no query of {', '.join(missing)}" if missing else "its queries choose other series or times"
    wanted = {name: call.arguments.get(name) for name in SAME if call.arguments.get(name)}
    nearest = min((_differences(wanted, other) for other in same), key=len)
    told = ", ".join(f"{name} {wanted[name]}" for name in nearest)
    return f"{call.tool} is not called with {told}" if told else f"{call.tool} answers something else"


def _differences(wanted: dict[str, object], other: ToolCall) -> list[str]:
    return [name for name, value in wanted.items() if other.arguments.get(name) != value]


def metrics(expression: str) -> set[str]:
    """The names of metrics in the expression."""
    plain = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)
    plain = re.sub(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", "", plain)
    return {first or second for first, second in METRIC.findall(plain)}
