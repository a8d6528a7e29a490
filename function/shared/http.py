"""HTTP clients for other services. Tokens are read for each request. Responses have limits of size and
time."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from function.shared.errors import Unavailable

if TYPE_CHECKING:
    import ssl

    import httpx

T = TypeVar("T")
PROXIES = frozenset({"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"})
"""Variables that name the proxy for servers outside the cluster. Each program that calls an outside server
receives these variables."""
TOKEN = re.compile(r"[!-~]{16,}", re.ASCII)
"""The tokens that our own servers accept. knative/opa/authz.rego contains the same pattern."""
PLAIN = {"Accept-Encoding": "identity"}
"""This header requests an uncompressed body. A limit on bytes then counts the bytes that the server sent."""
SHAPE_ERRORS = (AttributeError, IndexError, KeyError, TypeError, ValueError, ArithmeticError, RecursionError)
"""The errors that Python raises if JSON has an unexpected shape."""


def connect(url: str, seconds: float, connect_seconds: float) -> httpx.Client:
    """Returns a client for a server inside the cluster. It follows no redirects, uses no proxy, and checks
    certificates."""
    import httpx

    timeout = httpx.Timeout(seconds, connect=connect_seconds)
    # Loading the certificates takes 38 ms of a cold start. Plain http needs no certificates.
    verify = _authorities() if url.startswith("https:") else False
    return httpx.Client(base_url=url, timeout=timeout, verify=verify, trust_env=False)


def connect_outside(url: str, seconds: float, connect_seconds: float) -> httpx.Client:
    """Returns a client for a server outside the cluster. Proxy and certificate authorities come from the
    environment."""
    import httpx

    return httpx.Client(base_url=url, timeout=httpx.Timeout(seconds, connect=connect_seconds), trust_env=True)


@cache
def _authorities() -> ssl.SSLContext:
    """Returns the certificate authorities that the machine trusts. They are loaded once."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


def result_within(seconds: float, future: Future[T], late: Unavailable) -> T:
    """Returns the result of the future. Raises `late` after `seconds`.

    The timeouts of the client are not enough. They do not stop a server that sends its headers byte by byte,
    or a name server that never responds."""
    try:
        return future.result(seconds)
    except TimeoutError:
        future.cancel()
        raise late from None


def closed_after(seconds: float, client: httpx.Client, act: Callable[[], T], late: Unavailable) -> T:
    """Returns the result of `act`, which uses the client. After `seconds` it raises `late`. In any case it
    closes the client.

    `act` runs in a thread of its own. After the time limit, that thread ends with an error as soon as the
    server sends the next byte, because its connection is closed. The thread is a daemon: a thread that still
    waits does not keep the program from ending."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(act())
        except BaseException as error:  # noqa: BLE001  the caller of `closed_after` receives every error
            future.set_exception(error)

    future.set_running_or_notify_cancel()
    with client:
        Thread(target=run, daemon=True).start()
        return result_within(seconds, future, late)


def token_in(path: Path, variable: str, code: str) -> Callable[[], str]:
    """Returns a function that reads the token from the file. The setting `variable` names the file. The
    function reads the file at each call, so a rotated token needs no restart. It raises Unavailable with
    `code`."""

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
    """Returns the undecoded body, read to its end or until `is_whole`. Raises `over` if the body is longer
    than `max_bytes`, or is incomplete at `deadline` (a time of time.monotonic())."""
    data = bytearray()
    for chunk in response.iter_raw():
        data += chunk
        if len(data) > max_bytes or time.monotonic() > deadline:
            raise over
        if is_whole(bytes(data)):
            break
    return bytes(data)


def parsed(data: bytes, broken: Unavailable, parse: Callable[[bytes], Any] = json.loads) -> Any:
    """Returns the JSON in the response of a service. Raises `broken` if the response is not JSON.

    Unlike strict_json.parse, it accepts duplicate keys and NaN. No second parser reads the response of a
    service, and each caller checks the shape of the values that it uses."""
    try:
        return parse(data)
    except (ValueError, RecursionError):
        raise broken from None
