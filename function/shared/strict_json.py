"""JSON: read strictly, written so that no text in it can start a line or hide a character."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from function.shared.errors import Rejected

Json = Mapping[str, Any]
"""A JSON object as `json.loads` gives it."""
STRICT: Any = {"extra": "forbid", "strict": True}
"""How decide.py reads the classes marked with it: no unknown key, no coercion."""


def to_json(value: object) -> str:
    """One line of ASCII JSON with sorted keys: no text in it can start a line or hide a character."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form here")


MAX_BODY = 8 * 1024 * 1024
"""Bytes. 10,000 alerts in one group were measured at 5.2 MB."""
MAX_BRACKETS = 200_000
"""Opening brackets in a body: an alert has three, and 10 MB of them would take 300 MiB to parse."""
MAX_DEPTH = 32
STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
"""A JSON string; each byte can match in one way only, so this cannot backtrack."""


def parse(body: bytes) -> Any:
    """The JSON in `body`, read strictly.

    Raises Rejected: 413 beyond MAX_BODY; 400 for anything but UTF-8 JSON, and for NaN and infinities, a key
    twice in one object, lone surrogates, more than 32 levels or 200,000 brackets, which is what other parsers
    of the same text (OPA, the API server) would read differently or not at all.
    """
    if len(body) > MAX_BODY:
        raise Rejected(413, "too_large", f"the body is over {MAX_BODY} bytes")
    if _brackets(body) > MAX_BRACKETS and _brackets(STRING.sub(b"", body)) > MAX_BRACKETS:
        raise Rejected(400, "too_many_brackets", f"the body opens more than {MAX_BRACKETS} brackets")
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):  # UnicodeError is a ValueError
        raise Rejected(400, "not_json", "the body is not strict UTF-8 JSON") from None
    if _deeper(value, MAX_DEPTH):
        raise Rejected(400, "too_deep", f"the body nests deeper than {MAX_DEPTH} levels")
    return value


def _brackets(body: bytes) -> int:
    return body.count(b"{") + body.count(b"[")


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError("a key stands twice in one object")
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number


def _deeper(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return False
    return True
