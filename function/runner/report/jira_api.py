"""Sends requests to Jira's REST API, for Cloud and for Data Center.

It uses version 2 of the API, because version 2 accepts wiki markup and version 3 requires a document.
Sources: https://developer.atlassian.com/cloud/jira/platform/rest/v2/ and
https://developer.atlassian.com/server/jira/platform/rest-apis/
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from function.shared import http
from function.shared.errors import Unavailable
from function.shared.strict_json import to_json

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

API = "rest/api/2"
CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 15.0
"""The time that Jira may send nothing before the request fails. Jira runs the automation of a workflow while
it creates an issue."""
MAX_BYTES = 256 * 1024
"""The maximum size of a response. A search with 50 issues and their status takes 60 KB."""
PAUSE_SECONDS = 2.0
MAX_PAUSE_SECONDS = 30

FIELD = re.compile(r"[a-z]{1,32}|customfield_[0-9]{1,10}")
ANONYMOUS = re.compile("AUTHENTICATED_FAILED|AUTHENTICATION_DENIED")
"""Values of the header X-Seraph-LoginReason. With these values, Jira refused the token and treats the request
as anonymous."""

CHECK_URL = "check report.jira.url of the tier"
CHECK_TOKEN = "check the token in report.jira.token_file and the permissions of its account in the project"  # noqa: S105
SLOW = "Jira did not answer within the time limit"


class NotDone(Unavailable):
    """Jira certainly did not execute the request."""


class Lost(Unavailable):
    """The response is lost. Jira may have executed the request."""


@dataclass
class JiraApi:
    """Sends requests to one Jira, one after the other, until `deadline` (a time of time.monotonic())."""

    client: httpx.Client
    headers: dict[str, str]
    deadline: float
    sleep: Callable[[float], None]
    wanted_pause: float = PAUSE_SECONDS
    """The pause before the next request, in seconds. A response of Jira can set another pause."""

    def twice(self, act: Callable[[], T], *retried: type[Unavailable]) -> T:
        """Returns the result of `act`. After one of the `retried` errors it calls `act` a second time."""
        try:
            return act()
        except retried as error:
            self.pause(self.wanted_pause, error)
            return act()

    def pause(self, seconds: float, error: Unavailable) -> None:
        """Waits before the next attempt. If the deadline would pass, raises `error`, the error of the last
        attempt."""
        if time.monotonic() + seconds >= self.deadline:
            raise error
        self.sleep(seconds)

    def post(self, path: str, body: dict[str, Any], what: str) -> Any:
        return self.request("POST", path, what, to_json(body).encode())

    def request(self, method: str, path: str, what: str, content: bytes = b"") -> Any:
        """Returns the JSON of the response. Raises NotDone or Lost. Raises Unavailable if a retry cannot
        help."""
        import httpx

        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Unavailable("jira_slow", SLOW)
        timeout = httpx.Timeout(min(left, REQUEST_SECONDS), connect=min(left, CONNECT_SECONDS))
        over = Lost("jira_answer", f"Jira's answer is over {MAX_BYTES} bytes or takes too long: {CHECK_URL}")
        try:
            with self.client.stream(
                method, path, content=content, headers=self.headers, timeout=timeout
            ) as response:
                data = http.body(response, MAX_BYTES, self.deadline, over)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            unreachable = f"Jira cannot be reached ({type(error).__name__}): {CHECK_URL}"
            raise NotDone("jira_unreachable", unreachable) from None
        except (httpx.HTTPError, OSError, RuntimeError) as error:
            # OSError and RuntimeError come from a connection that was closed at the deadline.
            broken = f"the connection to Jira broke on the request to {what} ({type(error).__name__})"
            raise Lost("jira_unreachable", f"{broken}: {CHECK_URL}") from None
        self.wanted_pause = _pause(response.headers.get("Retry-After", ""))
        _check(response, data, what)
        return http.parsed(data, Lost("jira_answer", f"Jira's answer is not JSON: {CHECK_URL}"))


def unexpected(wanted: str) -> Lost:
    return Lost("jira_answer", f"Jira's answer is not {wanted}: {CHECK_URL}")


def _pause(retry_after: str) -> float:
    """Returns the pause in seconds. Jira sends a number. A proxy may send a date, which is ignored."""
    if not re.fullmatch(r"[0-9]{1,6}", retry_after, re.ASCII):
        return PAUSE_SECONDS
    return float(min(max(int(retry_after), 1), MAX_PAUSE_SECONDS))


def _check(response: httpx.Response, data: bytes, what: str) -> None:
    """Raises NotDone, Lost or Unavailable if the request failed."""
    status = response.status_code
    if status in (401, 403) or ANONYMOUS.search(response.headers.get("X-Seraph-LoginReason", "")):
        raise Unavailable("jira_token", f"Jira answered {status} to the request to {what}: {CHECK_TOKEN}")
    if status in (200, 201):
        return
    answered = f"Jira answered {status} to the request to {what}"
    if status == 429:
        raise NotDone("jira_status", f"{answered}: this account sends too many requests")
    if status >= 500:  # Jira may continue after its gateway gave up
        raise Lost("jira_status", f"{answered}: see the log of Jira")
    if status == 400:
        remedy = "check report.jira.project and issue_type, and which fields the project requires"
        raise Unavailable("jira_status", f"{answered}: {_refused_fields(data)}{remedy}")
    remedy = "report.jira.user is required for Jira Cloud and has to be empty for Data Center"
    raise Unavailable("jira_status", f"{answered}: {CHECK_URL}; {remedy}")


def _refused_fields(data: bytes) -> str:
    """Returns the names of the fields in the response's `errors`. Jira's own messages are left out."""
    try:
        answer = http.parsed(data, Unavailable("jira_answer", ""))
    except Unavailable:
        return ""
    errors = answer.get("errors") if isinstance(answer, dict) else None
    named = sorted(name for name in errors if FIELD.fullmatch(name)) if isinstance(errors, dict) else []
    return f"it refuses {', '.join(named[:5])}; " if named else ""
