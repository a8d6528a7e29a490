"""Tokens of ServiceAccounts, reviewed by the API server within limits, so that a flood does not reach it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from function.shared.auth import is_jwt
from function.shared.errors import Unavailable
from function.shared.kubernetes import SHAPE_ERRORS, Api, refusal

if TYPE_CHECKING:
    import asyncio


REVIEW_SECONDS = 3.0
"""For an answer, the wait for a turn included; with a delivery's 10 s that is below the 14 s of
Alertmanager."""
REVIEWS_AT_ONCE = 4
MAX_REVIEWS = 64
"""Tokens whose review is under way or waits for its turn; with one more, who sends it is to come again."""
KEPT_ANSWERS = 64
KEPT_SECONDS = 10.0
"""The API server itself keeps what it accepted as long (kube-apiserver, TokenSuccessCacheTTL)."""


class TokenReviewCache:
    """The tokens of one ServiceAccount, each shown to who knows it once and remembered for a moment.

    `review` is told a token and the audience it must be for, and returns its owner's name, None where it
    has none; it may block, and may raise Unavailable. Used from one event loop.
    """

    def __init__(
        self,
        review: Callable[[str, str], str | None],
        audience: str,
        subject: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._review, self._audience, self._subject, self._clock = review, audience, subject, clock
        self._threads = ThreadPoolExecutor(REVIEWS_AT_ONCE, "review")
        self._running: dict[bytes, asyncio.Task[bool]] = {}
        self._kept: dict[bytes, tuple[bool, float]] = {}

    async def accept(self, token: bytes) -> bool:
        """Whether it is the subject's, for the audience; what is no JWT is not, and nobody is asked. Raises
        Unavailable where that is not known within 3 s, or too many are being asked about."""
        if not is_jwt(token):
            return False
        import asyncio

        digest = hashlib.sha256(token).digest()
        accepted, until = self._kept.get(digest, (False, float("-inf")))
        if self._clock() < until:
            return accepted
        if digest not in self._running:
            if len(self._running) >= MAX_REVIEWS:
                raise Unavailable("reviews_busy", "too many unknown tokens at once: who sends them?")
            self._running[digest] = asyncio.create_task(self._reviewed(digest, token.decode("ascii")))
        # Others may wait for the same answer: who goes away does not take it from them.
        return await asyncio.shield(self._running[digest])

    async def _reviewed(self, digest: bytes, token: str) -> bool:
        import asyncio

        asked = asyncio.get_running_loop().run_in_executor(self._threads, self._review, token, self._audience)
        try:
            accepted = await asyncio.wait_for(asked, REVIEW_SECONDS) == self._subject
        except TimeoutError:
            what = f"the API server did not review a token within {REVIEW_SECONDS} s"
            raise Unavailable("tokenreview_timeout", what) from None
        finally:
            del self._running[digest]
        self._keep(digest, accepted)
        return accepted

    def _keep(self, digest: bytes, accepted: bool) -> None:
        self._kept.pop(digest, None)  # the oldest stand first
        while len(self._kept) >= KEPT_ANSWERS:
            del self._kept[next(iter(self._kept))]
        self._kept[digest] = (accepted, self._clock() + KEPT_SECONDS)


class TokenReviews:
    """Whose a token is, by the API server's word."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def review(self, token: str, audience: str) -> str | None:
        """The owner's username, None where the token is nobody's or not for the audience. Raises Unavailable.

        An API server that knows no audiences tells none, and has not looked at them: nobody's. What it says
        of a token that it refuses is not told, as it quotes the token's claims.
        """
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token, "audiences": [audience]},
        }
        answer = self._api.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", body)
        if answer.status == 403:
            what = "the function's ServiceAccount may not create TokenReviews"
            raise Unavailable("kubernetes_forbidden", f"{what}: apply knative/components/tokenreview")
        if answer.status != 201:
            raise refusal("create TokenReviews", answer)
        try:
            status = answer.body["status"]
            if status.get("authenticated") is not True or audience not in list(status.get("audiences") or ()):
                return None
            username: str = status["user"]["username"]
            return username
        except SHAPE_ERRORS:
            raise Unavailable("kubernetes_answer", "a TokenReview has not the shape of one") from None
