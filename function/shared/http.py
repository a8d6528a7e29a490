"""How adapters speak HTTP: a client that trusts nobody, a token read anew each time, a body within limits."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from function.shared.errors import Unavailable

if TYPE_CHECKING:
    import ssl
    from concurrent.futures import Future

    import httpx

T = TypeVar("T")
PROXIES = frozenset({"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"})
"""By which what is outside the cluster is reached: every program here that goes there is given them."""
TOKEN = re.compile(r"[!-~]{16,}", re.ASCII)
"""What our own servers accept at all: knative/opa/authz.rego says the same."""
PLAIN = {"Accept-Encoding": "identity"}
"""A header with which a limit on bytes counts what came, and not what it unpacks to."""


def connect(url: str, seconds: float, connect_seconds: float) -> httpx.Client:
    """A client for the server at `url`: follows no redirect and no proxy, checks certificates of https."""
    import httpx

    timeout = httpx.Timeout(seconds, connect=connect_seconds)
    # Without https no certificate is ever checked, and loading them would cost 38 ms at every cold start.
    verify = _authorities() if url.startswith("https:") else False
    return httpx.Client(base_url=url, timeout=timeout, verify=verify, trust_env=False)


def connect_outside(url: str, seconds: float, connect_seconds: float) -> httpx.Client:
    """The same for what is outside the cluster: by the proxy, with the authorities, that the environment
    names."""
    import httpx

    return httpx.Client(base_url=url, timeout=httpx.Timeout(seconds, connect=connect_seconds), trust_env=True)


@cache
def _authorities() -> ssl.SSLContext:
    """Those that the machine trusts, loaded once for every client."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


def result_within(seconds: float, told: Future[T], late: Unavailable) -> T:
    """What a thread of its own is told within the seconds; raises `late` after them. No time limit of the
    client's holds against a server that sends its headers byte by byte, or a name server that is silent."""
    try:
        return told.result(seconds)
    except TimeoutError:
        told.cancel()
        raise late from None


def token_in(path: Path, variable: str, code: str) -> Callable[[], str]:
    """Reads the token from the file that `variable` names, each time anew: a rotated one is in force without
    a restart. What it returns raises Unavailable with `code`."""

    def read() -> str:
        try:
            token = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeError) as error:
            why = type(error).__name__
            raise Unavailable(code, f"{path} of {variable} cannot be read ({why})") from None
        if not TOKEN.fullmatch(token):
            what = f"the token in {path} of {variable} is short or no token: openssl rand -hex 32"
            raise Unavailable(code, what)
        return token

    return read


def body(
    response: httpx.Response,
    max_bytes: int,
    deadline: float,
    over: Unavailable,
    is_whole: Callable[[bytes], bool] = lambda _: False,
) -> bytes:
    """The body as it came, to its end or until it `is_whole`. Raises `over` where it is longer than
    `max_bytes`, or lasts beyond the `deadline` of time.monotonic()."""
    data = bytearray()
    for chunk in response.iter_raw():
        data += chunk
        if len(data) > max_bytes or time.monotonic() > deadline:
            raise over
        if is_whole(bytes(data)):
            break
    return bytes(data)


def parsed(data: bytes, broken: Unavailable) -> Any:
    """The JSON in `data`. Raises `broken` where it is none, or too deep to read."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise broken from None
