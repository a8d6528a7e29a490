"""Bearer tokens from files: read anew for each request, two for rotation, compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from pathlib import Path

from function.shared.errors import Unavailable

MIN_BYTES = 16
MAX_FILES = 2
JWT = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
"""RFC 7515, 7.1: three parts in base64url, which are the only tokens of ServiceAccounts."""
MAX_JWT_BYTES = 8 * 1024
"""Those of ServiceAccounts have about 1 KiB."""


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
