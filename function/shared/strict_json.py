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
MAX_MEMBERS = 1024
"""The maximum number of members of an object. translate.py keeps 64 labels and 64 annotations of an alert."""
BRACKET = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|([\[{])', re.DOTALL)
"""A string or an opening bracket. A string without an end reaches to the end of the body. The possessive
repeats keep no positions, so 8 MiB take no memory and no byte is read twice."""


def parse(body: bytes) -> Any:
    """Returns the JSON in the body of a request.

    Raises Rejected with 413 if the body is over MAX_BODY, and with 400 if it is not UTF-8 JSON. It refuses
    NaN, infinities, duplicate keys, lone surrogates, more than 32 levels and more than 200,000 brackets,
    because OPA and the API server read these differently or reject them.

    If an object has more than MAX_MEMBERS members, the result has MAX_MEMBERS + 1 of them. So its reader can
    refuse this one object, and the alerts beside it are read.
    """
    if len(body) > MAX_BODY:
        raise Rejected(413, "too_large", f"the body is over {MAX_BODY} bytes")
    if body.count(b"{") + body.count(b"[") > MAX_BRACKETS and brackets(body) > MAX_BRACKETS:
        raise Rejected(400, "too_many_brackets", f"the body opens more than {MAX_BRACKETS} brackets")
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):  # UnicodeError is a ValueError
        raise Rejected(400, "not_json", "the body is not strict UTF-8 JSON") from None
    if _deeper(value, MAX_DEPTH):
        raise Rejected(400, "too_deep", f"the body nests deeper than {MAX_DEPTH} levels")
    return value


def brackets(body: bytes) -> int:
    """Returns the number of opening brackets outside strings."""
    return sum(found.lastindex is not None for found in BRACKET.finditer(body))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs[: MAX_MEMBERS + 1]:
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
    for _ in range(limit):
        level = [child for parent in level for child in _children(parent) if isinstance(child, dict | list)]
        if not level:
            return False
    return any(level)


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
