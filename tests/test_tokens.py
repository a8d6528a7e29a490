from __future__ import annotations

import base64
from pathlib import Path

import pytest

from function.errors import Unavailable
from function.tokens import MIN_BYTES, Unauthorized, accepted, credential, is_one_of

LONG = "x" * MIN_BYTES


def test_tokens_are_read_from_their_files_without_the_newline(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(f"{LONG}a\n")
    (tmp_path / "b").write_bytes(b"\xff" * MIN_BYTES)
    assert accepted((tmp_path / "a", tmp_path / "b"), "TOKENS") == [f"{LONG}a".encode(), b"\xff" * MIN_BYTES]


@pytest.mark.parametrize("text", ["", "canary", " " * 40])
def test_a_short_token_is_refused_by_file_and_never_shown(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").write_text(text)
    with pytest.raises(Unavailable, match="openssl") as refused:
        accepted((tmp_path / "a",), "TOKENS")
    assert str(tmp_path / "a") in str(refused.value) and "canary" not in str(refused.value)


def test_a_missing_file_is_refused_by_its_setting(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="TOKENS"):
        accepted((tmp_path / "none",), "TOKENS")


def test_a_credential_is_one_of_the_tokens_or_it_is_not() -> None:
    assert is_one_of(b"b", [b"a", b"b"])
    assert not is_one_of(b"c", [b"a", b"b"]) and not is_one_of(b"", []) and not is_one_of(b"", [b"a"])


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    ("header", "given"),
    [
        ("Bearer token", b"token"),
        ("bearer  token ", b"token"),
        (basic("x:token"), b"token"),
        (basic("x:to:ken"), b"to:ken"),
        ("Bearer t\u00f6ken", b"t\xf6ken"),
    ],
)
def test_a_credential_is_a_bearer_token_or_a_password(header: str, given: bytes) -> None:
    assert credential([header]) == given


@pytest.mark.parametrize(
    "headers", [[], ["Bearer a", "Bearer b"], ["Bearer"], ["Bearer "], ["Digest x"], ["Basic %"], [""]]
)
def test_anything_else_is_no_credential(headers: list[str]) -> None:
    with pytest.raises(Unauthorized):
        credential(headers)
