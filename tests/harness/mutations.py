"""Documents with a few flaws, as hypothesis makes them up: first in their structure, then in their bytes.

A flaw in a real document gets further than random bytes do, because everything around it is valid. Atheris
knows no documents and has a wheel for CPython 3.11 only. Hypothesis runs on every supported Python, and
reduces what fails to the flaw alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

MARK = "zq7"
"""Stands in every odd text, so that a test finds it wherever it leaks."""
HUGE = 10**400
ODD_TEXTS = (
    "",
    MARK,
    f"{MARK}\x00{MARK}",
    f"{MARK}\ud800",
    f"\u202e{MARK}\u200b",
    f"{MARK}\r\n{MARK}: x\x1b[31m",
    MARK * 3000,
    f"</alert> @{MARK} {{{{ 7 * 7 }}}}",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59.999999999-23:59",
    "\U000e0041" * 20,
)
ODD_NUMBERS = (0, -1, 1, 2**53 + 1, -(2**63), 2**64, HUGE, 1e308, 5e-324, float("nan"), float("inf"), -0.0)


def nested(depth: int) -> Any:
    value: Any = MARK
    for level in range(depth):
        value = [value] if level % 2 else {MARK: value}
    return value


scalars = (
    st.none()
    | st.booleans()
    | st.sampled_from(ODD_NUMBERS)
    | st.sampled_from(ODD_TEXTS)
    | st.text(max_size=5)
)
odd = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(ODD_TEXTS), inner, max_size=3)
    ),
    max_leaves=4,
) | st.builds(nested, st.sampled_from((8, 31, 40, 200)))


ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, HUGE, float("nan"), [], [MARK], {}, {MARK: [MARK]}, nested(40)),
    *ODD_TEXTS[:3],
    ODD_TEXTS[3],
    *ODD_TEXTS[-3:-1],
)
"""The values that each place of a document has in turn."""


def each_flaw(document: Any, words: Sequence[Any] = ()) -> Iterator[Any]:
    """Yields the document with one flaw: each of its parts is left out, or is an odd value. `words` are more
    values, which are valid at another place."""
    for place in range(len(list(places(document)))):
        for value in (*ODD, *words, ...):
            changed = deepcopy(document)
            parent, key = list(places(changed))[place]
            if value is ...:
                del parent[key]
            else:
                parent[key] = deepcopy(value)
            yield changed


@st.composite
def flawed(
    draw: st.DrawFn, documents: st.SearchStrategy[Any], most: int = 3, words: Sequence[Any] = (MARK,)
) -> Any:
    """A document in which up to so many parts are replaced, left out, added or doubled. `words` are values
    that are valid somewhere in it."""
    holder = {"": deepcopy(draw(documents))}
    for _ in range(draw(st.integers(0, most))):
        parent, key = draw(somewhere(holder))
        match draw(st.sampled_from(("replace", "replace", "leave out", "add", "double", "swap"))):
            case "replace":
                parent[key] = draw(odd | st.sampled_from(words))
            case "leave out" if parent is not holder:
                del parent[key]
            case "add" if isinstance(parent[key], dict):
                parent[key][draw(st.sampled_from(ODD_TEXTS))] = draw(odd)
            case "add" if isinstance(parent[key], list):
                parent[key].append(draw(odd))
            case "double" if isinstance(parent[key], list):
                parent[key] *= draw(st.sampled_from((2, 40)))
            case "swap":
                other, there = draw(somewhere(holder))
                parent[key] = deepcopy(other[there])
    return holder[""]


@st.composite
def somewhere(draw: st.DrawFn, holder: Any) -> tuple[Any, Any]:
    """A place in the document. The upper ones are as likely as the many below them."""
    parent, key = holder, draw(st.sampled_from(list(holder)))
    while isinstance(parent[key], dict | list) and parent[key] and draw(st.integers(0, 3)):
        parent = parent[key]
        key = draw(st.sampled_from(list(parent) if isinstance(parent, dict) else range(len(parent))))
    return parent, key


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a value in the document: the object or list around it, and its key."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield value, key
        yield from places(child)


def _after(mark: bytes, more: bytes) -> Any:
    return lambda data, place: _spliced(data, data.find(mark, place % max(1, len(data))) + 1, more)


def _spliced(data: bytes, place: int, more: bytes, skipped: int = 0) -> bytes:
    return data[:place] + more + data[place + skipped :]


SPOILINGS: dict[str, Any] = {
    "nothing": lambda data, _: data,
    "the end is missing": lambda data, place: data[:place],
    "a byte is not UTF-8": lambda data, place: _spliced(data, place, b"\xff"),
    "a NUL": lambda data, place: _spliced(data, place, b"\x00"),
    "a byte is missing": lambda data, place: _spliced(data, place, b"", 1),
    "a byte order mark": lambda data, _: b"\xef\xbb\xbf" + data,
    "UTF-16": lambda data, _: data.decode("utf-8", "replace").encode("utf-16"),
    "UTF-32": lambda data, _: data.decode("utf-8", "replace").encode("utf-32-le"),
    "a key twice": _after(b"{", b'"alerts":[],"alerts":[],'),
    "a lone surrogate": _after(b'"', rb"\ud8" b"00"),
    "an escape that is none": _after(b'"', rb"\x"),
    "a control character": _after(b'"', b"\n\x07"),
    "a number that is none": _after(b":", b"NaN,"),
    "a number with many digits": _after(b":", b"9" * 5000),
    "many brackets": _after(b":", b"[" * 3000),
    "an exponent": _after(b":", b"1e99999"),
    "more after the end": lambda data, _: data + b" {}",
    "space": lambda data, place: _spliced(data, place, b" \t\r\n" * 50),
}


@st.composite
def spoiled(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes, which seldom have flaws: most readers refuse them at once."""
    for _ in range(max(0, draw(st.integers(-5, 2)))):
        spoil = SPOILINGS[draw(st.sampled_from(sorted(SPOILINGS)))]
        data = spoil(data, draw(st.integers(0, max(0, len(data) - 1))))
    return data


@st.composite
def bodies(draw: st.DrawFn, documents: Sequence[Any], words: Sequence[Any] = (MARK,)) -> bytes:
    """One of the documents as JSON, with flaws of both kinds."""
    document = draw(flawed(st.sampled_from(documents), words=words))
    return draw(
        spoiled(json.dumps(document, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass"))
    )
