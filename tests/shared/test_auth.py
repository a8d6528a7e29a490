from __future__ import annotations

import asyncio
import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from function.dispatch.adapters.token_reviews import (
    KEPT_ANSWERS,
    KEPT_SECONDS,
    MAX_REVIEWS,
    REVIEWS_AT_ONCE,
    TokenReviewCache,
)
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
SUBJECT = "system:serviceaccount:monitoring:alertmanager"


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
        with pytest.raises(Unavailable, match=f"{file} of TOKENS cannot be read"):
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


@dataclass
class Api:
    """Who knows whose tokens are; keeps what it was asked, and how many questions it had at once."""

    owner: str | None = SUBJECT
    failing: bool = False
    busy: threading.Event = field(default_factory=threading.Event)
    """While it is clear, no answer comes."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    most: int = 0
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.busy.set()
        self._at_once, self._lock = 0, threading.Lock()

    def review(self, token: str, audience: str) -> str | None:
        with self._lock:
            self.asked.append((token, audience))
            self._at_once += 1
            self.most = max(self.most, self._at_once)
        self.busy.wait(20)
        with self._lock:
            self._at_once -= 1
        if self.failing:
            raise Unavailable("kubernetes_unreachable", "away")
        return self.owner

    def reviews(self) -> TokenReviewCache:
        return TokenReviewCache(self.review, "sre-dispatch", SUBJECT, lambda: self.now)

    @contextmanager
    def silent(self) -> Iterator[None]:
        self.busy.clear()
        try:
            yield
        finally:
            self.busy.set()

    async def was_asked(self, times: int) -> None:
        deadline = time.monotonic() + 20
        while len(self.asked) < times:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)


def token(number: int) -> bytes:
    return f"header.claims{number}.signature".encode()


@pytest.mark.parametrize(
    ("owner", "is_accepted"),
    [
        (SUBJECT, True),
        (None, False),
        ("", False),
        (SUBJECT + "x", False),
        (SUBJECT[:-1], False),
        (SUBJECT.upper(), False),
        ("system:serviceaccount:f3iai:alertmanager", False),
    ],
)
def test_only_the_subjects_token_is_accepted(owner: str | None, is_accepted: bool) -> None:
    api = Api(owner)
    assert asyncio.run(api.reviews().accept(b"a.b.c")) is is_accepted
    assert api.asked == [("a.b.c", "sre-dispatch")]


@settings(deadline=None)  # a loop and its thread are made for each
@given(st.binary(max_size=40) | st.from_regex(rb"[a-z=.]{0,9}", fullmatch=True))
def test_nobody_is_asked_about_what_is_no_jwt(token: bytes) -> None:
    api = Api()
    assert asyncio.run(api.reviews().accept(token)) is is_jwt(token)
    assert len(api.asked) == is_jwt(token)


@pytest.mark.parametrize("owner", [SUBJECT, None])
def test_an_answer_is_kept_for_ten_seconds_and_then_asked_for_anew(owner: str | None) -> None:
    async def asking() -> None:
        api = Api(owner)
        reviews = api.reviews()
        first = await reviews.accept(token(0))
        api.owner = None if owner else SUBJECT
        api.now += KEPT_SECONDS - 0.1
        assert (await reviews.accept(token(0)), len(api.asked)) == (first, 1)
        api.now += 0.2
        assert (await reviews.accept(token(0)), len(api.asked)) == (not first, 2)

    asyncio.run(asking())


def test_one_tokens_answer_is_never_anothers() -> None:
    async def asking() -> None:
        api = Api()
        reviews = api.reviews()
        assert await reviews.accept(token(0))
        api.owner = None
        assert not await reviews.accept(token(1))

    asyncio.run(asking())


def test_no_answer_is_not_kept() -> None:
    async def asking() -> None:
        api = Api(failing=True)
        reviews = api.reviews()
        with pytest.raises(Unavailable, match="away"):
            await reviews.accept(token(0))
        api.failing = False
        assert await reviews.accept(token(0))

    asyncio.run(asking())


def test_the_same_token_two_hundred_times_at_once_is_one_question() -> None:
    async def asking() -> None:
        api = Api(None)
        reviews = api.reviews()
        assert not any(await asyncio.gather(*(reviews.accept(token(0)) for _ in range(200))))
        assert len(api.asked) == 1

    asyncio.run(asking())


def test_four_are_asked_about_at_once_and_more_tokens_than_wait_their_turn_come_again() -> None:
    async def asking() -> None:
        api = Api()
        reviews = api.reviews()
        with api.silent():
            waiting = [asyncio.create_task(reviews.accept(token(number))) for number in range(MAX_REVIEWS)]
            await asyncio.sleep(0)
            with pytest.raises(Unavailable) as busy:
                await reviews.accept(token(MAX_REVIEWS))
            assert busy.value.code == "reviews_busy"
            await api.was_asked(REVIEWS_AT_ONCE)
        assert all(await asyncio.gather(*waiting))
        assert (len(api.asked), api.most) == (MAX_REVIEWS, REVIEWS_AT_ONCE)
        assert await reviews.accept(token(MAX_REVIEWS))

    asyncio.run(asking())


def test_who_waits_for_too_long_comes_again_and_is_not_asked_about_any_more() -> None:
    async def asking() -> None:
        api = Api()
        reviews = api.reviews()
        with api.silent():
            late = (reviews.accept(token(number)) for number in range(REVIEWS_AT_ONCE + 1))
            for failure in await asyncio.gather(*late, return_exceptions=True):
                assert isinstance(failure, Unavailable) and failure.code == "tokenreview_timeout"
                assert "claims" not in str(failure)
        assert await reviews.accept(token(REVIEWS_AT_ONCE + 1))
        assert "header.claims4.signature" not in [asked for asked, _ in api.asked]

    asyncio.run(asking())


def test_the_loop_goes_on_while_a_review_takes_its_time() -> None:
    async def asking() -> None:
        api = Api()
        with api.silent():
            review = asyncio.create_task(api.reviews().accept(token(0)))
            await api.was_asked(1)
            assert not review.done()
        assert await review

    asyncio.run(asking())


def test_who_goes_away_does_not_take_the_answer_from_the_others() -> None:
    async def asking() -> None:
        api = Api()
        reviews = api.reviews()
        with api.silent():
            one, other = (asyncio.create_task(reviews.accept(token(0))) for _ in range(2))
            await asyncio.sleep(0)
            one.cancel()
            await asyncio.sleep(0)
        assert await other
        assert one.cancelled() and len(api.asked) == 1

    asyncio.run(asking())


def test_of_many_answers_the_oldest_are_forgotten() -> None:
    async def asking() -> None:
        api = Api()
        reviews = api.reviews()
        for number in range(KEPT_ANSWERS + 1):
            await reviews.accept(token(number))
        asked = len(api.asked)
        await reviews.accept(token(1))
        await reviews.accept(token(KEPT_ANSWERS))
        assert len(api.asked) == asked
        await reviews.accept(token(0))
        assert len(api.asked) == asked + 1

    asyncio.run(asking())
