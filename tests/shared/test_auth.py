from __future__ import annotations

import base64
from pathlib import Path

import pytest

from function.shared.auth import (
    MAX_JWT_BYTES,
    MIN_BYTES,
    Unauthorized,
    accepted,
    bearer,
    credential,
    is_jwt,
    is_one_of,
)
from function.shared.errors import Unavailable

LONG = "x" * MIN_BYTES


def test_tokens_are_read_from_their_files_without_the_newline(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(f"{LONG}a\n")
    (tmp_path / "b").write_bytes(b"\xff" * MIN_BYTES)
    assert accepted((tmp_path / "a", tmp_path / "b"), "TOKENS") == [f"{LONG}a".encode(), b"\xff" * MIN_BYTES]


def test_tokens_are_read_anew_each_time(tmp_path: Path) -> None:
    for token in (f"{LONG}first", f"{LONG}second"):
        (tmp_path / "a").write_text(token)
        assert accepted([tmp_path / "a"], "TOKENS") == [token.encode()]


def test_one_file_that_is_wrong_is_enough_to_accept_no_token(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(LONG)
    (tmp_path / "b").write_text("short")
    for files in ((tmp_path / "a", tmp_path / "b"), (tmp_path / "none", tmp_path / "a")):
        with pytest.raises(Unavailable) as refused:
            accepted(files, "TOKENS")
        assert refused.value.code == "no_tokens"


@pytest.mark.parametrize("text", ["", "canary", " " * 40, "canary" + " " * 40, "x" * (MIN_BYTES - 1)])
def test_a_short_token_is_refused_by_file_and_never_shown(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").write_text(text)
    with pytest.raises(Unavailable, match="openssl") as refused:
        accepted((tmp_path / "a",), "TOKENS")
    assert str(tmp_path / "a") in str(refused.value) and "canary" not in str(refused.value)


def test_a_missing_file_is_refused_by_its_setting(tmp_path: Path) -> None:
    for file in (tmp_path / "none", tmp_path):
        with pytest.raises(Unavailable, match=f"{file} \\(see TOKENS\\) cannot be read"):
            accepted((file,), "TOKENS")


def test_a_credential_is_one_of_the_tokens_or_it_is_not() -> None:
    assert is_one_of(b"b", [b"a", b"b"])
    assert not is_one_of(b"c", [b"a", b"b"]) and not is_one_of(b"", []) and not is_one_of(b"", [b"a"])
    assert not is_one_of(b"aa", [b"a"]) and not is_one_of(b"a", [b"aa"]) and not is_one_of(b"A", [b"a"])
    assert is_one_of(b"\xff\0", [b"\xff\0"]) and not is_one_of(b"\xff", [b"\xff\0"])


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    ("header", "given"),
    [
        ("Bearer token", b"token"),
        ("bearer  token ", b"token"),
        ("BEARER to ken", b"to ken"),
        (basic("x:token"), b"token"),
        (basic("x:to:ken"), b"to:ken"),
        (basic(":token"), b"token"),
        (basic("token"), b""),
        (basic("x:t\u00f6ken"), "t\u00f6ken".encode()),
        ("Bearer t\u00f6ken", b"t\xf6ken"),
    ],
)
def test_a_credential_is_a_bearer_token_or_a_password(header: str, given: bytes) -> None:
    assert credential([header]) == given


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["Bearer a", "Bearer b"],
        ["Bearer a", "Bearer a"],
        ["Bearer a", ""],
        ["Bearer"],
        ["Bearer "],
        ["Bearer\ta"],
        ["Bearera"],
        ["Digest x"],
        ["a"],
        ["Basic %"],
        ["Basic eDp0b2tlbg"],
        ["Basic eDp0 b2tlbg=="],
        ["Basic \u00f6"],
        [""],
    ],
)
def test_anything_else_is_no_credential(headers: list[str]) -> None:
    with pytest.raises(Unauthorized):
        credential(headers)


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        (["Bearer a.b.c"], b"a.b.c"),
        (["bEARER  a.b.c "], b"a.b.c"),
        ([basic("x:a.b.c")], b""),
        (["a.b.c"], b""),
        (["Bearer a.b.c", "Bearer a.b.c"], b""),
        ([], b""),
    ],
)
def test_only_one_bearer_is_a_bearer(headers: list[str], token: bytes) -> None:
    assert bearer(headers) == token


@pytest.mark.parametrize("token", [b"a.b.c", b"eyJ-_.eyJ0.x9", b"a." + b"b" * (MAX_JWT_BYTES - 4) + b".c"])
def test_three_parts_in_base64url_are_a_jwt(token: bytes) -> None:
    assert is_jwt(token)


@pytest.mark.parametrize(
    "token",
    [
        *(b"", b"a", b"a.b", b"a.b.", b".b.c", b"a..c", b"a.b.c.d", b"a.b.c\n", b" a.b.c", b"a.b c.d"),
        *(b"a.b.c=", b"a+.b.c", b"a/.b.c", b"a.b.\xff", "a.b.\u00e9".encode(), b"a.b.\0"),
        b"a." + b"b" * (MAX_JWT_BYTES - 3) + b".c",
    ],
)
def test_anything_else_is_no_jwt(token: bytes) -> None:
    assert not is_jwt(token)
