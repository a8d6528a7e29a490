from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.dispatch.adapters.token_reviews import (
    KEPT_ANSWERS,
    KEPT_SECONDS,
    MAX_REVIEWS,
    REVIEWS_AT_ONCE,
    TokenReviewCache,
    TokenReviews,
)
from function.shared.auth import (
    is_jwt,
)
from function.shared.errors import Unavailable
from function.shared.kubernetes import Api
from tests.harness.kubernetes import Answer, Script, methods

SUBJECT = "system:serviceaccount:monitoring:alertmanager"


@dataclass
class Reviewer:
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
        self.busy.wait(60)
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
        deadline = time.monotonic() + 60
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
    api = Reviewer(owner)
    assert asyncio.run(api.reviews().accept(b"a.b.c")) is is_accepted
    assert api.asked == [("a.b.c", "sre-dispatch")]


@given(st.binary(max_size=40) | st.from_regex(rb"[a-z=.]{0,9}", fullmatch=True))
def test_nobody_is_asked_about_what_is_no_jwt(token: bytes) -> None:
    api = Reviewer()
    assert asyncio.run(api.reviews().accept(token)) is is_jwt(token)
    assert len(api.asked) == is_jwt(token)


@pytest.mark.parametrize("owner", [SUBJECT, None])
def test_an_answer_is_kept_for_ten_seconds_and_then_asked_for_anew(owner: str | None) -> None:
    async def asking() -> None:
        api = Reviewer(owner)
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
        api = Reviewer()
        reviews = api.reviews()
        assert await reviews.accept(token(0))
        api.owner = None
        assert not await reviews.accept(token(1))

    asyncio.run(asking())


def test_no_answer_is_not_kept() -> None:
    async def asking() -> None:
        api = Reviewer(failing=True)
        reviews = api.reviews()
        with pytest.raises(Unavailable, match="away"):
            await reviews.accept(token(0))
        api.failing = False
        assert await reviews.accept(token(0))

    asyncio.run(asking())


def test_the_same_token_two_hundred_times_at_once_is_one_question() -> None:
    async def asking() -> None:
        api = Reviewer(None)
        reviews = api.reviews()
        assert not any(await asyncio.gather(*(reviews.accept(token(0)) for _ in range(200))))
        assert len(api.asked) == 1

    asyncio.run(asking())


def test_four_are_asked_about_at_once_and_more_tokens_than_wait_their_turn_come_again() -> None:
    async def asking() -> None:
        api = Reviewer()
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
        api = Reviewer()
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
        api = Reviewer()
        with api.silent():
            review = asyncio.create_task(api.reviews().accept(token(0)))
            await api.was_asked(1)
            assert not review.done()
        assert await review

    asyncio.run(asking())


def test_who_goes_away_does_not_take_the_answer_from_the_others() -> None:
    async def asking() -> None:
        api = Reviewer()
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
        api = Reviewer()
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


OWNER = "system:serviceaccount:monitoring:alertmanager"

REVIEWED = {"authenticated": True, "user": {"username": OWNER}, "audiences": ["sre-dispatch"]}

SECRET = "header.claims.signature"


def test_a_token_is_shown_with_the_audience_that_it_must_be_for(script: Script) -> None:
    script.answers = [(201, {"status": REVIEWED})]
    assert TokenReviews(Api(script.connect)).review(SECRET, "sre-dispatch") == OWNER
    assert script.requests == [("POST", "/apis/authentication.k8s.io/v1/tokenreviews", "Bearer first")]
    assert json.loads(script.bodies[0])["spec"] == {"token": SECRET, "audiences": ["sre-dispatch"]}


@pytest.mark.parametrize(
    "status",
    [
        {"user": {}, "error": f"[invalid bearer token, {SECRET}]"},
        {},
        REVIEWED | {"authenticated": False},
        REVIEWED | {"authenticated": "true"},
        REVIEWED | {"authenticated": 1},
        REVIEWED | {"audiences": None},
        REVIEWED | {"audiences": []},
        REVIEWED | {"audiences": ["https://kubernetes.default.svc", "sre-dispatch-2"]},
        REVIEWED | {"audiences": "sre-dispatch"},
        {"authenticated": True, "user": {"username": OWNER}},  # a server that knows no audiences
    ],
)
def test_this_review_names_nobody(script: Script, status: Any) -> None:
    script.answers = [(201, {"status": status})]
    assert TokenReviews(Api(script.connect)).review(SECRET, "sre-dispatch") is None


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((403, {"message": f"cannot create resource, {SECRET}"}), "kubernetes_forbidden"),
        ((400, {"message": SECRET}), "kubernetes_status"),
        ((404, {}), "kubernetes_status"),
        ((429, {}), "kubernetes_status"),
        ((500, {"message": SECRET}), "kubernetes_status"),
        ((201, {}), "kubernetes_answer"),
        ((201, {"status": None}), "kubernetes_answer"),
        ((201, {"status": [SECRET]}), "kubernetes_answer"),
        ((201, {"status": REVIEWED | {"audiences": 7}}), "kubernetes_answer"),
        ((201, {"status": REVIEWED | {"user": None}}), "kubernetes_answer"),
        ((201, SECRET.encode()), "kubernetes_answer"),
    ],
)
def test_without_a_review_the_token_may_be_anybodys_and_is_told_to_nobody(
    script: Script, answer: Answer, code: str
) -> None:
    script.answers = [answer]
    with pytest.raises(Unavailable) as failure:
        TokenReviews(Api(script.connect)).review(SECRET, "sre-dispatch")
    assert failure.value.code == code and SECRET not in str(failure.value)
    assert methods(script) == ["POST"]


def test_a_function_that_may_not_ask_is_told_what_to_apply(script: Script) -> None:
    script.answers = [(403, {})]
    with pytest.raises(Unavailable, match=r"apply knative/components/tokenreview$"):
        TokenReviews(Api(script.connect)).review(SECRET, "sre-dispatch")
