"""Policy over an OPA server's data API."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from function.errors import Unavailable
from function.model import Json

if TYPE_CHECKING:
    import httpx

PATH = "/v1/data/sre_dispatch/decision"
PARAMETERS = {"strict-builtin-errors": "true"}  # else a failing built-in only makes its rule not fire
TIMEOUT_SECONDS = 2.0
CONNECT_SECONDS = 0.5
MAX_BYTES = 256 * 1024


def connect(url: str) -> httpx.Client:
    """A client that keeps its connections to the OPA at `url`."""
    import httpx

    timeout = httpx.Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS)
    # Without https no certificate is ever checked, and loading them would cost 38 ms at every cold start.
    return httpx.Client(base_url=url, timeout=timeout, verify=url.startswith("https:"), trust_env=False)


class Opa:
    """Asks OPA; a `{}` for an undefined decision comes back as None."""

    def __init__(self, url: str, connect: Callable[[str], httpx.Client] = connect) -> None:
        self._url, self._connect = url, connect
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def close(self) -> None:
        """Ends its connections; the function keeps them as long as it lives."""
        if self._client is not None:
            self._client.close()

    def ask(self, document: Json) -> object:
        import httpx

        try:
            try:
                answer = self._post(document)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                answer = self._post(document)  # a kept-alive connection that OPA has closed since
        except httpx.HTTPError as error:
            why = type(error).__name__
            raise Unavailable("opa_unreachable", f"OPA cannot be asked ({why}): see OPA_URL") from None
        if not isinstance(answer, dict):
            raise Unavailable("opa_answer", "OPA's answer is no JSON object: is OPA_URL an OPA server?")
        return answer.get("result")

    def _connected(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = self._connect(self._url)
            return self._client

    def _post(self, document: Json) -> Any:
        client = self._connected()
        deadline = time.monotonic() + TIMEOUT_SECONDS
        body = bytearray()
        with client.stream("POST", PATH, params=PARAMETERS, json={"input": document}) as response:
            if response.status_code != 200:
                raise Unavailable("opa_status", f"OPA answered {response.status_code}, wanted 200")
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_BYTES or time.monotonic() > deadline:
                    raise Unavailable(
                        "opa_answer", f"OPA's answer is over {MAX_BYTES} bytes or {TIMEOUT_SECONDS} s"
                    )
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise Unavailable("opa_answer", "OPA's answer is no JSON: is OPA_URL an OPA server?") from None
