from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from function import wire
from function.errors import Unavailable

OVER = Unavailable("over", "too much")


def response(*chunks: bytes) -> httpx.Response:
    return httpx.Response(200, stream=Chunks(chunks))


class Chunks(httpx.SyncByteStream):
    def __init__(self, chunks: tuple[bytes, ...]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks


def later() -> float:
    return time.monotonic() + 60


def test_a_body_is_read_to_its_end() -> None:
    assert wire.body(response(b"a", b"b"), 2, later(), OVER) == b"ab"


def test_a_body_over_its_size_or_its_time_is_refused() -> None:
    with pytest.raises(Unavailable, match="too much"):
        wire.body(response(b"a", b"bc"), 2, later(), OVER)
    with pytest.raises(Unavailable, match="too much"):
        wire.body(response(b"a"), 2, time.monotonic() - 1, OVER)


def test_a_body_that_is_whole_is_not_waited_for() -> None:
    def endless() -> Iterator[bytes]:
        yield b"whole"
        raise AssertionError("asked for more")

    told = httpx.Response(200, stream=Chunks(()))
    told.stream = type("Endless", (httpx.SyncByteStream,), {"__iter__": lambda _: endless()})()
    assert wire.body(told, 99, later(), OVER, lambda body: body == b"whole") == b"whole"


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(Unavailable, match="too much"):
        wire.parsed(data, OVER)
    assert wire.parsed(b'{"a": 1}', OVER) == {"a": 1}


def test_a_token_is_read_anew_each_time(tmp_path: Path) -> None:
    read = wire.token_in(tmp_path / "token", "TOKEN_FILE", "no_token")
    for token in ("the-first-of-two-tokens", "the-second-of-two-tokens"):
        (tmp_path / "token").write_text(f"{token}\n")
        assert read() == token


@pytest.mark.parametrize(
    "text", ["", "short", "with a blank in it, and long", "t\u00f6ken-with-more-than-ascii"]
)
def test_what_is_no_token_is_refused_by_its_setting_and_never_shown(tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text, encoding="utf-8")
    with pytest.raises(Unavailable, match="TOKEN_FILE") as refused:
        wire.token_in(tmp_path / "token", "TOKEN_FILE", "no_token")()
    assert refused.value.code == "no_token" and (
        not text or text not in str(refused.value).replace("short or", "")
    )


def test_a_client_follows_no_redirect_and_no_proxy_of_the_environment() -> None:
    with wire.connect("http://127.0.0.1:1", 1.0, 0.5) as client:
        assert (client.follow_redirects, client.trust_env) == (False, False)
        assert (client.timeout.read, client.timeout.connect) == (1.0, 0.5)
