"""Policy over an OPA server's data API."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from function.shared import http
from function.shared.errors import Unavailable
from function.shared.strict_json import Json

if TYPE_CHECKING:
    import httpx

PATH = "/v1/data/sre_dispatch/decision"
PARAMETERS = {
    "strict-builtin-errors": "true",  # else a failing built-in only makes its rule not fire
    "provenance": "true",  # names the revision of each bundle that OPA serves
}
TIMEOUT_SECONDS = 2.0
CONNECT_SECONDS = 0.5
MAX_BYTES = 256 * 1024


def connect(url: str) -> httpx.Client:
    """A client that keeps its connections to the OPA at `url`."""
    return http.connect(url, TIMEOUT_SECONDS, CONNECT_SECONDS)


class Opa:
    """Asks OPA; a `{}` for an undefined decision comes back as None."""

    def __init__(
        self,
        url: str,
        read_token: Callable[[], str] | None = None,
        connect: Callable[[str], httpx.Client] = connect,
    ) -> None:
        self._url, self._read_token, self._connect = url, read_token, connect
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def close(self) -> None:
        """Ends its connections; the function keeps them as long as it lives."""
        if self._client is not None:
            self._client.close()

    def ask(self, document: Json) -> object:
        import httpx

        headers = dict(http.PLAIN)
        if self._read_token:
            headers["Authorization"] = f"Bearer {self._read_token()}"
        try:
            try:
                answer = self._post(document, headers)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                answer = self._post(document, headers)  # a kept-alive connection that OPA has closed since
        except httpx.HTTPError as error:
            why = type(error).__name__
            raise Unavailable(
                "opa_unreachable", f"OPA cannot be asked ({why}): see SRE_DISPATCH_OPA_URL"
            ) from None
        return _result(answer)

    def _connected(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = self._connect(self._url)
            return self._client

    def _post(self, document: Json, headers: Mapping[str, str]) -> object:
        client = self._connected()
        deadline = time.monotonic() + TIMEOUT_SECONDS
        asked: Any = {"params": PARAMETERS, "headers": headers, "json": {"input": document}}
        with client.stream("POST", PATH, **asked) as response:
            _check(response.status_code)
            over = Unavailable("opa_answer", f"OPA's answer is over {MAX_BYTES} bytes or {TIMEOUT_SECONDS} s")
            answer = http.body(response, MAX_BYTES, deadline, over)
        what = "OPA's answer is no JSON: is SRE_DISPATCH_OPA_URL an OPA server?"
        return http.parsed(answer, Unavailable("opa_answer", what))


def _check(status: int) -> None:
    if status in (401, 403):
        what = f"OPA answered {status}: does SRE_DISPATCH_OPA_TOKEN_FILE hold a token that it accepts?"
        raise Unavailable("opa_token", what)
    if status != 200:
        raise Unavailable("opa_status", f"OPA answered {status}, wanted 200")


def _result(answer: object) -> object:
    """What the policy said, if that comes from a bundle that OPA serves."""
    if not isinstance(answer, dict):
        raise Unavailable(
            "opa_answer", "OPA's answer is no JSON object: is SRE_DISPATCH_OPA_URL an OPA server?"
        )
    result = answer.get("result")
    if isinstance(result, dict) and result.get("policy_revision") not in _revisions(answer):
        what = "OPA's decision has no revision of a bundle that it serves: does it fit this function?"
        raise Unavailable("policy_revision", what)
    return result


def _revisions(answer: Mapping[str, Any]) -> list[object]:
    try:
        return [bundle["revision"] for bundle in answer["provenance"]["bundles"].values()]
    except (KeyError, TypeError, AttributeError):  # no bundle, or no OPA
        return []
