"""Checks bearer tokens. The accepted tokens are read from files at each request. During a rotation, two
tokens can be accepted. The comparison takes constant time."""

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
"""A JWT in compact serialization (RFC 7515, 7.1): three parts in base64url. Every ServiceAccount token has
this format."""
MAX_JWT_BYTES = 8 * 1024
"""The longest JWT that is accepted. A ServiceAccount's token has about 1 KiB."""


class Unauthorized(Exception):
    """The request carries no accepted credential. The caller receives no further detail."""


def accepted(files: Sequence[Path], variable: str) -> list[bytes]:
    """Returns the tokens in `files`. The setting `variable` names the files. Raises Unavailable if a file
    cannot be read or contains too short a token."""
    try:
        found = {path: path.read_bytes().strip() for path in files}
    except OSError as error:
        what = f"{error.filename} (see {variable}) cannot be read: {error.strerror}"
        raise Unavailable("no_tokens", what) from None
    for path, token in found.items():
        if len(token) < MIN_BYTES:
            what = f"the token in {path} has under {MIN_BYTES} bytes: make one with openssl rand -hex 32"
            raise Unavailable("no_tokens", what)
    return list(found.values())


def is_one_of(given: bytes, tokens: Sequence[bytes]) -> bool:
    """Returns whether the credential is one of the tokens. The comparison takes the same time for every
    result."""
    digest = hashlib.sha256(given).digest()
    return any([hmac.compare_digest(digest, hashlib.sha256(token).digest()) for token in tokens])


def credential(authorization: Sequence[str]) -> bytes:
    """Returns the bearer token of a request, or the password of Basic authentication. `func invoke` can send
    only Basic. Raises Unauthorized unless there is exactly one Authorization header."""
    scheme, given = _split(authorization)
    if scheme == "bearer" and given:
        return given
    if scheme == "basic":
        try:
            return base64.b64decode(given, validate=True).partition(b":")[2]
        except binascii.Error:
            raise Unauthorized from None
    raise Unauthorized


def bearer(authorization: Sequence[str]) -> bytes:
    """Returns the bearer token of a request. It is empty unless there is exactly one Authorization header."""
    scheme, given = _split(authorization)
    return given if scheme == "bearer" else b""


def _split(authorization: Sequence[str]) -> tuple[str, bytes]:
    scheme, _, value = authorization[0].partition(" ") if len(authorization) == 1 else ("", "", "")
    return scheme.lower(), value.strip().encode("latin-1")


def is_jwt(token: bytes) -> bool:
    """Returns whether the token looks like a JWT and has at most 8 KiB."""
    return len(token) <= MAX_JWT_BYTES and JWT.fullmatch(token) is not None
