"""Jira's REST API, of Cloud and of Data Center: one open issue per identity, found by a label of its own.

Version 2 of the API on both, since it takes wiki markup where version 3 wants a document. Sources:
https://developer.atlassian.com/cloud/jira/platform/rest/v2/ (search/jql gives bare ids unless fields are
asked for; the older search was removed from Cloud in 2025, CHANGE-2046) and
https://developer.atlassian.com/server/jira/platform/rest-apis/ (search, issue, comment, mypermissions).
The account needs the permissions Browse Projects, Create Issues and Add Comments in the project, and `labels`
has to be on the screen that creates an issue.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from function.runner import tier
from function.runner.outcome import IDENTITY
from function.runner.report.jira_text import Ticket
from function.shared import http
from function.shared.errors import Unavailable
from function.shared.event import job_name
from function.shared.strict_json import to_json

if TYPE_CHECKING:
    import httpx

API = "rest/api/2"
CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 15.0
"""Of silence. An issue's creation runs whatever its workflow has for it."""
MAX_BYTES = 256 * 1024
"""Of one answer; MAX_FOUND issues with their status take 60 KB."""
MAX_FOUND = 50
"""Of the issues with one label, the newest; Data Center gives so many by default."""
PAUSE_SECONDS = 2.0
MAX_PAUSE_SECONDS = 30
SETTLE_SECONDS = (2.0, 4.0, 8.0)
"""Between the searches for an issue that may have been created. Cloud's search lags behind a creation,
without a bound: https://community.developer.atlassian.com/t/83027 (RFC 61)."""

TOKEN = re.compile(r"[!-~]+", re.ASCII)
"""Whatever can stand in a header: Atlassian promises no length. 44 characters in Data Center and 24 or 192 in
Cloud were seen."""
KEY = re.compile(r"[A-Z][A-Z0-9_]{0,254}-[1-9][0-9]{0,18}")
FIELD = re.compile(r"[a-z]{1,32}|customfield_[0-9]{1,10}")
ANONYMOUS = re.compile("AUTHENTICATED_FAILED|AUTHENTICATION_DENIED")
"""In the header X-Seraph-LoginReason: the token was not accepted, and Jira goes on as for a stranger."""

T = TypeVar("T")


class NotDone(Unavailable):
    """Jira has surely done nothing of what was asked."""


class Lost(Unavailable):
    """The answer is lost: what was asked may have been done."""


@dataclass(frozen=True)
class Told:
    """Where the ticket stands now."""

    key: str
    url: str
    """For people."""
    created: bool
    """Else it is a comment on an issue that was there."""


class Jira:
    """Tells tickets to the project that the tier names. `connect` makes the client, as wire.connect does:
    another one where Jira is reached by a proxy."""

    def __init__(
        self,
        settings: tier.JiraTarget,
        read_token: Callable[[], str],
        connect: Callable[[str, float, float], httpx.Client] = http.connect,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings, self._read_token = settings, read_token
        self._connect, self._sleep = connect, sleep
        self._threads = ThreadPoolExecutor(1, "jira")

    def post_ticket(self, identity: str, ticket: Ticket, deadline: float) -> Told:
        """Tells the ticket where the identity's issue is, until the `deadline` of time.monotonic().

        An open issue of it gets a comment; of several the oldest. Where all are done a new one is created,
        which names the last: an alert that comes back is new work, and a comment on a closed issue is on no
        board. Reopening would need the name of a transition, which each project has its own.

        What may have been created is looked for before it is created again. Two issues stay possible where
        Cloud's search has not caught up after SETTLE_SECONDS, and where two runs of one identity tell at the
        same time, which the Job's name rules out.

        Raises Unavailable: `jira_identity`, `jira_token`, `jira_unreachable`, `jira_status`, `jira_answer`,
        and `jira_slow` at the deadline.
        """
        if not IDENTITY.fullmatch(identity):
            what = "the identity is not 64 hex digits, so it can have no issue: a try-out gets none"
            raise Unavailable("jira_identity", what)
        label = job_name(identity)
        with self._connect(self._settings.url, REQUEST_SECONDS, CONNECT_SECONDS) as client:
            line = _Line(client, self._headers(), deadline, self._sleep)
            told = self._threads.submit(self._told, line, label, ticket)
            late = Unavailable("jira_slow", f"{SLOW}: look for an issue labelled {label}")
            return http.result_within(max(0.0, deadline - time.monotonic()), told, late)

    def _headers(self) -> dict[str, str]:
        token = self._read_token()
        if not TOKEN.fullmatch(token):
            what = f"{self._settings.token_file} holds no token of Jira: one line without blanks"
            raise Unavailable("jira_token", what)
        basic = base64.b64encode(f"{self._settings.user}:{token}".encode()).decode("ascii")
        shown = f"Basic {basic}" if self._settings.user else f"Bearer {token}"
        named = {"Authorization": shown, "Accept": "application/json", "Content-Type": "application/json"}
        return named | http.PLAIN

    def _told(self, line: _Line, label: str, ticket: Ticket) -> Told:
        found = line.twice(lambda: self._find(line, label), NotDone, Lost)
        if is_open := [issue.key for issue in found if not issue.done]:
            key = is_open[-1]
            said = (f"{API}/issue/{key}/comment", {"body": ticket.text}, "comment on the issue")
            line.twice(lambda: line.post(*said), NotDone, Lost)  # better said twice than not at all
            return Told(key, self._url(key), created=False)
        line.twice(lambda: self._check_sight(line), NotDone, Lost)
        fields = self._fields(ticket, label, found[0].key if found else "")
        key = self._create(line, label, fields, {issue.key for issue in found})
        return Told(key, self._url(key), created=True)

    def _url(self, key: str) -> str:
        return f"{self._settings.url.rstrip('/')}/browse/{key}"

    def _fields(self, ticket: Ticket, label: str, before: str) -> dict[str, Any]:
        again = f"This alert had an issue before, which is done: {before}\n\n" if before else ""
        return {
            "project": {"key": self._settings.project},
            "issuetype": {"name": self._settings.issue_type},
            "summary": ticket.summary,
            "description": again + ticket.text,
            "labels": [*ticket.labels, label],
        }

    def _find(self, line: _Line, label: str) -> list[_Issue]:
        """The issues with the label, the newest first."""
        asked = {
            "jql": f'project = "{self._settings.project}" AND labels = "{label}" ORDER BY created DESC',
            "fields": ["status"],
            "maxResults": MAX_FOUND,
        }
        path = f"{API}/search/jql" if self._settings.user else f"{API}/search"
        told = line.post(path, asked, "search")
        if not isinstance(told, dict) or not isinstance(told.get("issues"), list):
            raise _odd("a list of issues")
        return [_issue(each) for each in told["issues"]]

    def _check_sight(self, line: _Line) -> None:
        """Raises where the account may not see the project: a search that finds nothing then means nothing.
        Cloud lets a token that is not valid search as a stranger (JRACLOUD-93811)."""
        query = f"projectKey={self._settings.project}&permissions=BROWSE_PROJECTS"
        match line.ask("GET", f"{API}/mypermissions?{query}", "see the project"):
            case {"permissions": {"BROWSE_PROJECTS": {"havePermission": bool(may)}}}:
                if not may:
                    raise Unavailable("jira_token", f"the token's account may not see the project: {ALLOWED}")
            case _:
                raise _odd("a list of permissions")

    def _create(self, line: _Line, label: str, fields: dict[str, Any], before: Collection[str]) -> str:
        """The key of the issue, created once: also where Jira's answer to it was lost."""

        def create() -> str:
            return _key(line.post(f"{API}/issue", {"fields": fields}, "create an issue"))

        try:
            return line.twice(create, NotDone)
        except Lost as lost:
            for seconds in SETTLE_SECONDS:
                line.pause(seconds, lost)
                found = line.twice(lambda: self._find(line, label), NotDone, Lost)
                if new := [issue.key for issue in found if issue.key not in before]:
                    return new[-1]
        return create()


@dataclass(frozen=True)
class _Issue:
    key: str
    done: bool


@dataclass
class _Line:
    """Requests to one Jira, one after the other, until the deadline."""

    client: httpx.Client
    headers: dict[str, str]
    deadline: float
    sleep: Callable[[float], None]
    wanted_pause: float = PAUSE_SECONDS
    """Seconds before the next request, as the last answer had it."""

    def twice(self, act: Callable[[], T], *mended: type[Unavailable]) -> T:
        """What it gives, at the second attempt where the first fails in a way that is mended so."""
        try:
            return act()
        except mended as error:
            self.pause(self.wanted_pause, error)
            return act()

    def pause(self, seconds: float, why: Unavailable) -> None:
        """Waits. Raises what it would wait for, where that is not before the deadline."""
        if time.monotonic() + seconds >= self.deadline:
            raise why
        self.sleep(seconds)

    def post(self, path: str, body: dict[str, Any], what: str) -> Any:
        return self.ask("POST", path, what, to_json(body).encode())

    def ask(self, method: str, path: str, what: str, content: bytes = b"") -> Any:
        """The JSON that Jira answers. Raises NotDone, Lost, or Unavailable where another try is of no use."""
        import httpx

        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Unavailable("jira_slow", SLOW)
        timeout = httpx.Timeout(min(left, REQUEST_SECONDS), connect=min(left, CONNECT_SECONDS))
        try:
            with self.client.stream(
                method, path, content=content, headers=self.headers, timeout=timeout
            ) as response:
                over = Lost(
                    "jira_answer", f"Jira's answer is over {MAX_BYTES} bytes, or lasts too long: {URL}"
                )
                data = http.body(response, MAX_BYTES, self.deadline, over)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise NotDone(
                "jira_unreachable", f"Jira cannot be reached ({type(error).__name__}): {URL}"
            ) from None
        except (httpx.HTTPError, OSError, RuntimeError) as error:  # the latter two from a line cut at the end
            what = f"the line to Jira broke when it was asked to {what} ({type(error).__name__}): {URL}"
            raise Lost("jira_unreachable", what) from None
        self.wanted_pause = _pause(response.headers.get("Retry-After", ""))
        _check(response, data, what)
        return http.parsed(data, Lost("jira_answer", f"Jira's answer is no JSON: {URL}"))


URL = "is report.jira.url of the tier Jira's own address?"
ALLOWED = "is the token in report.jira.token_file valid, and may its account do that in the project?"
SLOW = "Jira took longer than there was time for"


def _pause(retry_after: str) -> float:
    """Seconds. Jira gives them as a number; a date, which a proxy may give, counts as nothing."""
    if not re.fullmatch(r"[0-9]{1,6}", retry_after, re.ASCII):
        return PAUSE_SECONDS
    return float(min(max(int(retry_after), 1), MAX_PAUSE_SECONDS))


def _check(response: httpx.Response, data: bytes, what: str) -> None:
    """Raises where the answer is not that it was done."""
    status = response.status_code
    if status in (401, 403) or ANONYMOUS.search(response.headers.get("X-Seraph-LoginReason", "")):
        raise Unavailable("jira_token", f"Jira answered {status} when asked to {what}: {ALLOWED}")
    if status in (200, 201):
        return
    told = f"Jira answered {status} when asked to {what}"
    if status == 429:
        raise NotDone("jira_status", f"{told}: it gets too many requests of this account")
    if status >= 500:  # a gateway may say so while Jira goes on, and a listener may fail after the creation
        raise Lost("jira_status", f"{told}: see its health and its log")
    if status == 400:
        remedy = "see report.jira.project and issue_type, and which fields the project wants"
        raise Unavailable("jira_status", f"{told}: {_fields_named(data)}{remedy}")
    remedy = "report.jira.user is for Jira Cloud, which needs it, and empty for Data Center"
    raise Unavailable("jira_status", f"{told}: {URL} {remedy}")


def _fields_named(data: bytes) -> str:
    """The names of the fields that Jira did not like, of its answer's `errors`; its sentences are not passed
    on."""
    try:
        told = http.parsed(data, Unavailable("jira_answer", ""))
    except Unavailable:
        return ""
    errors = told.get("errors") if isinstance(told, dict) else None
    named = sorted(name for name in errors if FIELD.fullmatch(name)) if isinstance(errors, dict) else []
    return f"it does not like {', '.join(named[:5])}; " if named else ""


def _issue(told: object) -> _Issue:
    """An issue of a search. The key of its status's category is the same in each language and workflow."""
    match told:
        case {"fields": {"status": {"statusCategory": {"key": str(category)}}}}:
            return _Issue(_key(told), done=category == "done")
    raise _odd("an issue with its status")


def _key(told: object) -> str:
    match told:
        case {"key": str(key)} if KEY.fullmatch(key):
            return key
    raise _odd("an issue with its key")


def _odd(wanted: str) -> Lost:
    return Lost("jira_answer", f"Jira's answer is not {wanted}: {URL}")
