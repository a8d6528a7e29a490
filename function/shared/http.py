"""HTTP to other services: clients, tokens that are read for each request, answers within limits."""

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
"""Variables that name the proxy for whatever is outside the cluster. Each program that calls there gets
them."""
TOKEN = re.compile(r"[!-~]{16,}", re.ASCII)
"""The form that our own servers accept; knative/opa/authz.rego holds the same one."""
PLAIN = {"Accept-Encoding": "identity"}
"""Ask for an uncompressed body, so that a limit on bytes counts what was sent."""
SHAPE_ERRORS = (AttributeError, IndexError, KeyError, TypeError, ValueError, ArithmeticError, RecursionError)
"""What reading JSON of an unexpected shape can raise."""


def connect(url: str, seconds: float, connect_seconds: float) -> httpx.Client:
    """A client for a server inside the cluster: no redirects, no proxy; certificates are checked."""
    import httpx

    timeout = httpx.Timeout(seconds, connect=connect_seconds)
    # Loading the certificates takes 38 ms of a cold start, and plain http needs none.
    verify = _authorities() if url.startswith("https:") else False
    return httpx.Client(base_url=url, timeout=timeout, verify=verify, trust_env=False)


def connect_outside(url: str, seconds: float, connect_seconds: float) -> httpx.Client:
    """A client for a server outside the cluster: proxy and certificate authorities come from the
    environment."""
    import httpx

    return httpx.Client(base_url=url, timeout=httpx.Timeout(seconds, connect=connect_seconds), trust_env=True)


@cache
def _authorities() -> ssl.SSLContext:
    """The authorities that the machine trusts, loaded once."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


def result_within(seconds: float, future: Future[T], late: Unavailable) -> T:
    """The result of the future. Raises `late` after `seconds`.

    The timeouts of the client are not enough: they do not end a server that sends its headers byte by byte,
    nor a name server that is silent."""
    try:
        return future.result(seconds)
    except TimeoutError:
        future.cancel()
        raise late from None


def token_in(path: Path, variable: str, code: str) -> Callable[[], str]:
    """A function that reads the token from the file which `variable` names. It reads at each call, so a
    rotated token is in force without a restart. It raises Unavailable with `code`."""

    def read() -> str:
        try:
            token = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeError) as error:
            why = type(error).__name__
            raise Unavailable(code, f"{path} (see {variable}) cannot be read ({why})") from None
        if not TOKEN.fullmatch(token):
            what = f"the token in {path} (see {variable}) is too short or not ASCII: use openssl rand -hex 32"
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
    """The undecoded body, read to its end or until `is_whole`. Raises `over` if it is longer than
    `max_bytes` or takes until after `deadline`, a time of time.monotonic()."""
    data = bytearray()
    for chunk in response.iter_raw():
        data += chunk
        if len(data) > max_bytes or time.monotonic() > deadline:
            raise over
        if is_whole(bytes(data)):
            break
    return bytes(data)


def parsed(data: bytes, broken: Unavailable) -> Any:
    """The JSON in the answer of a service. Raises `broken` for anything else.

    Lenient, unlike strict_json.parse: duplicate keys or NaN in an answer that we asked for are no attack on a
    second parser, and each reader checks the shape of what it uses."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise broken from None
