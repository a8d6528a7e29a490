from __future__ import annotations

import pytest

from function.dispatch.decode import decodings
from function.dispatch.normalize import read
from function.dispatch.room import Room

ENCODED = {
    "base64": "a3ViZWN0bCBkZWxldGUgcHZjIHg=",
    "base64 in a path": "https://x/s/a3ViZWN0bCBkZWxldGUgcHZjIHg",
    "base64 twice": "YTNWaVpXTjBiQ0JrWld4bGRHVWdjSFpqSUhnPQ==",
    "base64 of UTF-16": "ZABlAGwAZQB0AGUAIABwAHYAYwAgAHgA",
    "hexadecimal": "6b756265 64656c65746520707663207878",
    "percent codes": "%64elete%20pvc",
    "percent codes twice": "%2564elete%2520pvc",
    "HTML entities": "&#100;elete &#x70;vc",
    "escapes of JSON": r"\u0064elete \x70vc",
    "octal": r"\144elete pvc",
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_what_is_encoded_is_read_and_is_a_signal(encoding: str) -> None:
    text = read(ENCODED[encoding])
    assert any(" delete pvc " in line for line in text.words), text.words
    assert text.signals == ("encoded_text",)


def test_no_more_is_decoded_than_there_is_room_for() -> None:
    room = Room(1000)
    found = list(decodings("/".join(["YTNWaVpXTjBiQ0JrWld4bGRHVWdjSFpqSUhnPQ"] * 1000), set(), room))
    assert sum(map(len, found)) == 1000 and room.is_short


@pytest.mark.parametrize("encoding", ENCODED)
def test_with_room_enough_nothing_is_left_out(encoding: str) -> None:
    room = Room(1000)
    assert len(list(decodings(ENCODED[encoding], set(), room))) > 1
    assert not room.is_short
