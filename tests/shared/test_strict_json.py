from __future__ import annotations

import pytest

from function.shared.errors import Rejected
from function.shared.strict_json import parse

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
