"""The policy in an OPA server, over its data API."""

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
    "strict-builtin-errors": "true",  # otherwise OPA ignores a rule whose built-in function fails
    "provenance": "true",  # returns the revision of each bundle
}
TIMEOUT_SECONDS = 2.0
"""The time limit for one answer of OPA. A later answer defers the alert: the function replies 503, and
Alertmanager retries. The test is tests/test_main.py::test_a_policy_that_never_answers_defers."""
CONNECT_SECONDS = 0.5
MAX_BYTES = 256 * 1024


def connect(url: str) -> httpx.Client:
    """Returns a client that keeps its connections to OPA open."""
    return http.connect(url, TIMEOUT_SECONDS, CONNECT_SECONDS)


class Opa:
    """Sends the policy's input to OPA. If OPA's answer is `{}`, the decision is undefined, and the result is
    None."""

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
        """Close the connections. Only `explain` calls this."""
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
                answer = self._post(document, headers)  # OPA had closed the kept connection
        except httpx.HTTPError as error:
            why = type(error).__name__
            raise Unavailable(
                "opa_unreachable", f"no answer from OPA ({why}): check SRE_DISPATCH_OPA_URL"
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
            over = Unavailable("opa_answer", f"OPA's answer exceeds {MAX_BYTES} bytes or {TIMEOUT_SECONDS} s")
            answer = http.body(response, MAX_BYTES, deadline, over)
        what = "OPA's answer is no JSON: set SRE_DISPATCH_OPA_URL to an OPA server"
        return http.parsed(answer, Unavailable("opa_answer", what))


def _check(status: int) -> None:
    if status in (401, 403):
        what = f"OPA answered {status}: put a token that OPA accepts into SRE_DISPATCH_OPA_TOKEN_FILE"
        raise Unavailable("opa_token", what)
    if status != 200:
        raise Unavailable("opa_status", f"OPA answered {status} instead of 200: look at OPA's log")


def _result(answer: object) -> object:
    """Returns the policy's answer. Raises Unavailable if the answer's revision is not the revision of a
    bundle that OPA serves."""
    if not isinstance(answer, dict):
        raise Unavailable(
            "opa_answer", "OPA's answer is no JSON object: set SRE_DISPATCH_OPA_URL to an OPA server"
        )
    result = answer.get("result")
    if isinstance(result, dict) and result.get("policy_revision") not in _revisions(answer):
        what = "the revision of OPA's decision is not that of its bundle: build it with `sre-dispatch bundle`"
        raise Unavailable("policy_revision", what)
    return result


def _revisions(answer: Mapping[str, Any]) -> list[object]:
    try:
        return [bundle["revision"] for bundle in answer["provenance"]["bundles"].values()]
    except (KeyError, TypeError, AttributeError):  # there is no bundle, or this is no OPA
        return []
