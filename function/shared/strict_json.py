"""Reads JSON strictly, and writes JSON as one line of ASCII."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from function.shared.errors import Rejected

Json = Mapping[str, Any]
"""A JSON object, as `json.loads` returns it."""
STRICT: Any = {"extra": "forbid", "strict": True}
"""The configuration of pydantic. It refuses unknown keys and converts no value."""


def to_json(value: object) -> str:
    """Returns one line of ASCII JSON with sorted keys. A text in the value can neither begin a new line nor
    hide a character."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


MAX_BODY = 8 * 1024 * 1024
"""The maximum size in bytes. A group of 10,000 alerts has 5.2 MB."""
MAX_BRACKETS = 200_000
"""The maximum number of opening brackets in a body. An alert has three. Parsing 10 MB of brackets would take
300 MiB."""
MAX_DEPTH = 32
STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
"""The pattern of a JSON string. Each byte can match in one way only, so the pattern cannot backtrack."""


def parse(body: bytes) -> Any:
    """Returns the JSON in the body of a request.

    Raises Rejected with 413 if the body is over MAX_BODY, and with 400 if it is not UTF-8 JSON. It refuses
    NaN, infinities, duplicate keys, lone surrogates, more than 32 levels and more than 200,000 brackets,
    because OPA and the API server read these differently or reject them.
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
            raise ValueError("an object has a key twice")
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


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
