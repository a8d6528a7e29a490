"""A client for Prometheus' HTTP API: https://prometheus.io/docs/prometheus/latest/querying/api/"""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from function.shared import http
from function.shared.errors import Unavailable

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True)
class Sample:
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Bounds:
    """The limits of one request."""

    seconds: float
    connect_seconds: float
    max_bytes: int


class Prometheus:
    """A client that keeps connections alive. Threads may share the client.

    Each method raises Unavailable: `prometheus_unreachable`, `prometheus_slow`, `prometheus_status` or
    `prometheus_answer`. The message names `setting`, in which the operator corrects the address. The argument
    `seconds` can only shorten the time limit of the client.
    """

    def __init__(
        self, url: str, bounds: Bounds, setting: str, read_token: Callable[[], str] | None = None
    ) -> None:
        self._url, self._bounds, self._setting, self._read_token = url, bounds, setting, read_token
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def query(self, expression: str, seconds: float = math.inf) -> list[Sample]:
        """Returns the samples of an instant query at the present time. Values may be NaN or infinite.
        Histograms are left out."""
        limit = f"{int(self._bounds.seconds * 1000)}ms"
        data = self._ask("POST", "query", seconds, data={"query": expression, "timeout": limit})
        try:
            return [
                Sample(dict(each["metric"].items()), float(each["value"][1]))
                for each in data["result"]
                if "histogram" not in each
            ]
        except http.SHAPE_ERRORS:
            raise self._unexpected("an instant vector") from None

    def syntax_tree(self, expression: str, seconds: float = math.inf) -> Any:
        """Returns the syntax tree of an expression. It is None if Prometheus cannot parse the expression or
        is older than 3.0."""
        try:
            return self._ask("POST", "parse_query", seconds, data={"query": expression})
        except Unavailable as error:
            if error.code == "prometheus_status":
                return None
            raise

    def alerting_rules(self, name: str, seconds: float = math.inf) -> Any:
        """Returns the rule groups that contain alerting rules with this name."""
        return self._ask("GET", "rules", seconds, params={"type": "alert", "rule_name[]": name})

    def close(self) -> None:
        """Cancels running requests. The next call connects again."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _ask(self, method: str, path: str, seconds: float, **form: Mapping[str, str]) -> Any:
        """Returns `data` from the response."""
        answer = http.parsed(
            self._body(method, path, min(seconds, self._bounds.seconds), form), self._unexpected("JSON")
        )
        if not isinstance(answer, dict) or answer.get("status") != "success" or "data" not in answer:
            raise self._unexpected("a success with data")
        return answer["data"]

    def _body(self, method: str, path: str, seconds: float, form: Mapping[str, Any]) -> bytes:
        import httpx

        headers = dict(http.PLAIN)
        if self._read_token:
            headers["Authorization"] = f"Bearer {self._read_token()}"
        timeout = httpx.Timeout(seconds, connect=min(seconds, self._bounds.connect_seconds))
        deadline = time.monotonic() + seconds
        address = f"{self._url.rstrip('/')}/api/v1/{path}"
        try:
            with self._connected().stream(
                method, address, headers=headers, timeout=timeout, **form
            ) as response:
                if response.status_code != 200:
                    raise self._failed("status", f"Prometheus answered {response.status_code}, not 200")
                return http.body(response, self._bounds.max_bytes, deadline, self._too_much())
        except (httpx.ReadTimeout, httpx.WriteTimeout):
            raise self._failed("slow", f"Prometheus took over {seconds:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, RuntimeError) as error:
            # OSError and RuntimeError come from a connection that close() ended.
            what = f"Prometheus cannot be reached ({type(error).__name__})"
            raise self._failed("unreachable", what) from None

    def _connected(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = http.connect(self._url, self._bounds.seconds, self._bounds.connect_seconds)
            return self._client

    def _failed(self, code: str, what: str) -> Unavailable:
        return Unavailable(f"prometheus_{code}", f"{what}: check {self._setting}")

    def _unexpected(self, wanted: str) -> Unavailable:
        return self._failed("answer", f"Prometheus' answer is not {wanted}")

    def _too_much(self) -> Unavailable:
        bounds = self._bounds
        what = f"Prometheus' answer is over {bounds.max_bytes} bytes or takes over {bounds.seconds:g} s"
        return self._failed("answer", what)


def finite(samples: Iterable[Sample]) -> list[Sample]:
    """Returns the samples with a finite value. NaN is not finite."""
    return [sample for sample in samples if math.isfinite(sample.value)]


NOT_LITERAL = re.compile(r"[\ud800-\udfff\ufffd]")


def quoted(text: str) -> str:
    r"""Returns the text as a string literal of PromQL.

    The escapes of JSON are valid in PromQL, with two exceptions (promql/parser/lex.go). PromQL rejects the
    escape of a surrogate, so letters beyond U+FFFF are not escaped. PromQL rejects a literal U+FFFD as
    invalid UTF-8, so U+FFFD is escaped. A lone surrogate has no UTF-8 and becomes U+FFFD, as in Go's
    encoders.
    """
    return NOT_LITERAL.sub(r"\\ufffd", json.dumps(text, ensure_ascii=False))
