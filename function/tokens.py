"""Bearer tokens: from files, read anew for each request, two for rotation, compared in constant time.

And those of a ServiceAccount, shown to the API server within limits, so that a flood does not reach it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from function.errors import Unavailable

if TYPE_CHECKING:
    import asyncio

MIN_BYTES = 16
MAX_FILES = 2

JWT = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
"""RFC 7515, 7.1: three parts in base64url, which are the only tokens of ServiceAccounts."""
MAX_JWT_BYTES = 8 * 1024
"""Those of ServiceAccounts have about 1 KiB."""
REVIEW_SECONDS = 3.0
"""For an answer, the wait for a turn included; with a delivery's 10 s that is below the 14 s of
Alertmanager."""
REVIEWS_AT_ONCE = 4
MAX_REVIEWS = 64
"""Tokens whose review is under way or waits for its turn; with one more, who sends it is to come again."""
KEPT_ANSWERS = 64
KEPT_SECONDS = 10.0
"""The API server itself keeps what it accepted as long (kube-apiserver, TokenSuccessCacheTTL)."""


class Unauthorized(Exception):
    """No accepted credential; says nothing more."""


def accepted(files: Sequence[Path], variable: str) -> list[bytes]:
    """The tokens in the files that the setting `variable` names. Raises Unavailable for a file that is
    unreadable or short."""
    try:
        found = {path: path.read_bytes().strip() for path in files}
    except OSError as error:
        what = f"{error.filename} of {variable} cannot be read: {error.strerror}"
        raise Unavailable("no_tokens", what) from None
    for path, token in found.items():
        if len(token) < MIN_BYTES:
            what = f"the token in {path} is under {MIN_BYTES} bytes: make one with openssl rand -hex 32"
            raise Unavailable("no_tokens", what)
    return list(found.values())


def is_one_of(given: bytes, tokens: Sequence[bytes]) -> bool:
    """Whether the credential is one of them; takes as long for one as for the other."""
    digest = hashlib.sha256(given).digest()
    return any([hmac.compare_digest(digest, hashlib.sha256(token).digest()) for token in tokens])


def credential(authorization: Sequence[str]) -> bytes:
    """The bearer token in a request's Authorization headers, or the password of Basic, which is all that
    `func invoke` can send. Raises Unauthorized where there is not exactly one."""
    scheme, given = _divided(authorization)
    if scheme == "bearer" and given:
        return given
    if scheme == "basic":
        try:
            return base64.b64decode(given, validate=True).partition(b":")[2]
        except binascii.Error:
            raise Unauthorized from None
    raise Unauthorized


def bearer(authorization: Sequence[str]) -> bytes:
    """The bearer token in a request's Authorization headers, empty where there is not exactly one."""
    scheme, given = _divided(authorization)
    return given if scheme == "bearer" else b""


def _divided(authorization: Sequence[str]) -> tuple[str, bytes]:
    scheme, _, value = authorization[0].partition(" ") if len(authorization) == 1 else ("", "", "")
    return scheme.lower(), value.strip().encode("latin-1")


def is_jwt(token: bytes) -> bool:
    """Whether it has the form of one, of at most 8 KiB."""
    return len(token) <= MAX_JWT_BYTES and JWT.fullmatch(token) is not None


class Reviews:
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
            raise Unavailable("review_late", what) from None
        finally:
            del self._running[digest]
        self._keep(digest, accepted)
        return accepted

    def _keep(self, digest: bytes, accepted: bool) -> None:
        self._kept.pop(digest, None)  # the oldest stand first
        while len(self._kept) >= KEPT_ANSWERS:
            del self._kept[next(iter(self._kept))]
        self._kept[digest] = (accepted, self._clock() + KEPT_SECONDS)
