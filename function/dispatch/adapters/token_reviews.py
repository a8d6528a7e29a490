"""Reviews of ServiceAccount tokens by the API server. Their number is limited, so that a flood of requests
does not reach the API server."""

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
"""The time limit for one review, including the time in the queue. A review and the reply take at most 13 s
together. Alertmanager gives up after 14 s."""
REVIEWS_AT_ONCE = 4
MAX_REVIEWS = 64
"""The maximum number of reviews that run or wait. The function answers 503 to the sender of one more."""
KEPT_ANSWERS = 64
KEPT_SECONDS = 10.0
"""How long an answer is kept. The API server caches accepted tokens for the same time (kube-apiserver,
TokenSuccessCacheTTL)."""


class TokenReviewCache:
    """Accepts the tokens of one ServiceAccount. Each token is reviewed once, and the answer is kept for
    KEPT_SECONDS.

    `review` receives a token and its audience. It returns the owner's name, or None. It may block, and it may
    raise Unavailable. Use this class from one event loop only.
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
        """Returns whether the token belongs to the subject and is for the audience. A token that is no JWT is
        refused without a review. Raises Unavailable after REVIEW_SECONDS, or if too many reviews wait."""
        if not is_jwt(token):
            return False
        import asyncio

        digest = hashlib.sha256(token).digest()
        accepted, until = self._kept.get(digest, (False, float("-inf")))
        if self._clock() < until:
            return accepted
        if digest not in self._running:
            if len(self._running) >= MAX_REVIEWS:
                raise Unavailable("reviews_busy", "too many unknown tokens at once: find out who sends them")
            self._running[digest] = asyncio.create_task(self._reviewed(digest, token.decode("ascii")))
        # Several requests can wait for one review. A cancelled request must not cancel the review.
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
        self._kept.pop(digest, None)  # the oldest entry is the first one
        while len(self._kept) >= KEPT_ANSWERS:
            del self._kept[next(iter(self._kept))]
        self._kept[digest] = (accepted, self._clock() + KEPT_SECONDS)


class TokenReviews:
    """Reviews tokens with the API server's TokenReview."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def review(self, token: str, audience: str) -> str | None:
        """Returns the owner's username, or None if the token is invalid or not for the audience. Raises
        Unavailable.

        An API server that does not check audiences returns no audiences. Then the result is None. The API
        server's message about a refused token is not logged, because it quotes the token's claims.
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
            raise Unavailable(
                "kubernetes_answer", "unexpected TokenReview object from the API server"
            ) from None
