"""Prometheus: instant queries over its HTTP API."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from function.shared import http
from function.shared.errors import Unavailable
from function.shared.kubernetes import SHAPE_ERRORS

if TYPE_CHECKING:
    import httpx


SECONDS = 1.0
CONNECT_SECONDS = 0.3
"""Less than a whole look takes, so that no query outlives the look that asked it for long."""
MAX_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Sample:
    labels: Mapping[str, str]
    value: float


class Prometheus:
    """Instant queries over the HTTP API, by one kept-alive client. Raises Unavailable."""

    def __init__(self, url: str, read_token: Callable[[], str] | None = None) -> None:
        self._url, self._read_token = url, read_token
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def query(self, expression: str) -> Sequence[Sample]:
        """The samples of an instant vector, now; those that are no number left out."""
        import httpx

        try:
            body = self._post({"query": expression, "timeout": f"{int(SECONDS * 1000)}ms"})
        except httpx.HTTPError as error:
            what = f"Prometheus cannot be asked ({type(error).__name__}): see SRE_DISPATCH_PROMETHEUS_URL"
            raise Unavailable("prometheus_unreachable", what) from None
        odd = Unavailable(
            "prometheus_answer", "Prometheus' answer is no vector: see SRE_DISPATCH_PROMETHEUS_URL"
        )
        answer = http.parsed(body, odd)
        try:
            samples = [
                Sample(dict(each["metric"].items()), float(each["value"][1]))
                for each in answer["data"]["result"]
            ]
        except (*SHAPE_ERRORS, ArithmeticError):
            raise odd from None
        return [sample for sample in samples if abs(sample.value) < float("inf")]  # and so no NaN

    def _post(self, form: Mapping[str, str]) -> bytes:
        headers = dict(http.PLAIN)
        if self._read_token:
            headers["Authorization"] = f"Bearer {self._read_token()}"
        deadline = time.monotonic() + SECONDS
        asked: Any = {"data": form, "headers": headers}
        with self._connected().stream("POST", f"{self._url}/api/v1/query", **asked) as response:
            if response.status_code != 200:
                what = (
                    f"Prometheus answered {response.status_code}, wanted 200: see SRE_DISPATCH_PROMETHEUS_URL"
                )
                raise Unavailable("prometheus_status", what)
            over = Unavailable("prometheus_answer", f"Prometheus' answer is over {MAX_BYTES} bytes")
            return http.body(response, MAX_BYTES, deadline, over)

    def _connected(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = http.connect(self._url, SECONDS, CONNECT_SECONDS)
            return self._client


def quoted(text: str) -> str:
    """A string as PromQL takes it, which escapes as JSON does."""
    return json.dumps(text)
