"""Keeps one open Jira issue per problem. A label on the issue identifies the problem.

The account needs the permissions Browse Projects, Create Issues and Add Comments in the project. The field
`labels` has to be on the screen that creates an issue.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from function.runner import tier
from function.runner.outcome import IDENTITY
from function.runner.report.jira_api import (
    API,
    CHECK_TOKEN,
    CONNECT_SECONDS,
    REQUEST_SECONDS,
    SLOW,
    JiraApi,
    Lost,
    NotDone,
    unexpected,
)
from function.runner.report.jira_text import Ticket
from function.shared import http
from function.shared.errors import Unavailable
from function.shared.event import job_name
from function.shared.text import cut

if TYPE_CHECKING:
    import httpx

MAX_FOUND = 50
"""The maximum number of issues in a search; the search returns the newest ones. Data Center has the same
default."""
SETTLE_SECONDS = (2.0, 4.0, 8.0)
"""The pauses before each search for an issue that may have been created. In Jira Cloud, the delay before a
new issue appears in the search has no limit: https://community.developer.atlassian.com/t/83027 (RFC 61)."""

TOKEN = re.compile(r"[!-~]+", re.ASCII)
"""A token that fits in a header. Atlassian documents no length. Tokens with 24, 44 and 192 characters
exist."""
KEY = re.compile(r"[A-Z][A-Z0-9_]{0,254}-[1-9][0-9]{0,18}")
MAX_KEY = 64
OTHER_PROJECT = (
    "Jira named the issue {key}, which is not in the project {project}: if the project was renamed or moved, "
    "correct report.jira.project; otherwise check report.jira.url and the automation of the project"
)


@dataclass(frozen=True)
class PostedTicket:
    """The issue that contains the ticket."""

    key: str
    url: str
    """For people."""
    created: bool
    """True if the issue is new. False if the ticket is a comment on an existing issue."""


class Jira:
    """Posts tickets to the project that the tier names. `connect` returns the HTTP client, like http.connect.
    For a Jira outside the cluster, the client has to use the proxy."""

    def __init__(
        self,
        settings: tier.JiraTarget,
        read_token: Callable[[], str],
        connect: Callable[[str, float, float], httpx.Client] = http.connect,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings, self._read_token = settings, read_token
        self._connect, self._sleep = connect, sleep

    def post_ticket(self, identity: str, ticket: Ticket, deadline: float) -> PostedTicket:
        """Posts the ticket to the issue of the identity, before `deadline` (a time of time.monotonic()).

        If there are open issues, it adds a comment to the oldest one. If all issues are done, it creates a
        new issue that names the last one. An alert that recurs is new work, and no board shows a comment on a
        done issue. It cannot reopen an issue, because each project names its own transitions.

        If a response is lost, it searches for the issue before it creates the issue again. Two issues are
        still possible if a new issue appears in the search of Cloud later than SETTLE_SECONDS. Two runs of
        one identity cannot report at the same time, because their Jobs would have the same name.

        Raises Unavailable: `jira_identity`, `jira_token`, `jira_unreachable`, `jira_status`, `jira_answer`,
        `jira_project` if Jira names an issue of another project, and `jira_slow` at the deadline.
        """
        if not IDENTITY.fullmatch(identity):
            what = "a run without an identity of 64 hex digits, such as a try-out, receives no issue"
            raise Unavailable("jira_identity", what)
        label = job_name(identity)
        headers = self._headers()
        client = self._connect(self._settings.url, REQUEST_SECONDS, CONNECT_SECONDS)
        api = JiraApi(client, headers, deadline, self._sleep)
        late = Unavailable("jira_slow", f"{SLOW}: look for an issue with the label {label}")
        seconds = max(0.0, deadline - time.monotonic())
        return http.closed_after(seconds, client, lambda: self._post(api, label, ticket), late)

    def _headers(self) -> dict[str, str]:
        token = self._read_token()
        if not TOKEN.fullmatch(token):
            what = f"{self._settings.token_file} has to hold one token in one line without blanks"
            raise Unavailable("jira_token", what)
        basic = base64.b64encode(f"{self._settings.user}:{token}".encode()).decode("ascii")
        credential = f"Basic {basic}" if self._settings.user else f"Bearer {token}"
        json = "application/json"
        return {"Authorization": credential, "Accept": json, "Content-Type": json, **http.PLAIN}

    def _post(self, api: JiraApi, label: str, ticket: Ticket) -> PostedTicket:
        found = api.twice(lambda: self._find(api, label), NotDone, Lost)
        if is_open := [issue.key for issue in found if not issue.done]:
            key = is_open[-1]
            comment = (f"{API}/issue/{key}/comment", {"body": ticket.text}, "comment on the issue")
            api.twice(lambda: api.post(*comment), NotDone, Lost)  # a second comment is better than none
            return PostedTicket(key, self._url(key), created=False)
        api.twice(lambda: self._check_project_is_visible(api), NotDone, Lost)
        fields = self._fields(ticket, label, found[0].key if found else "")
        key = self._create(api, label, fields, {issue.key for issue in found})
        return PostedTicket(key, self._url(key), created=True)

    def _url(self, key: str) -> str:
        return f"{self._settings.url.rstrip('/')}/browse/{key}"

    def _fields(self, ticket: Ticket, label: str, before: str) -> dict[str, Any]:
        again = f"An earlier issue about this alert is done: {before}\n\n" if before else ""
        return {
            "project": {"key": self._settings.project},
            "issuetype": {"name": self._settings.issue_type},
            "summary": ticket.summary,
            "description": again + ticket.text,
            "labels": [*ticket.labels, label],
        }

    def _find(self, api: JiraApi, label: str) -> list[_Issue]:
        """Returns the issues with the label, the newest first. Since 2025 Cloud has another path for the
        search (CHANGE-2046). That path returns only the requested fields."""
        query = {
            "jql": f'project = "{self._settings.project}" AND labels = "{label}" ORDER BY created DESC',
            "fields": ["status"],
            "maxResults": MAX_FOUND,
        }
        path = f"{API}/search/jql" if self._settings.user else f"{API}/search"
        answer = api.post(path, query, "search")
        if not isinstance(answer, dict) or not isinstance(answer.get("issues"), list):
            raise unexpected("a list of issues")
        return [_issue(each, self._settings.project) for each in answer["issues"]]

    def _check_project_is_visible(self, api: JiraApi) -> None:
        """Raises Unavailable if the account may not see the project, because its searches would find nothing.
        Cloud treats an invalid token like an anonymous user (JRACLOUD-93811)."""
        query = f"projectKey={self._settings.project}&permissions=BROWSE_PROJECTS"
        match api.request("GET", f"{API}/mypermissions?{query}", "see the project"):
            case {"permissions": {"BROWSE_PROJECTS": {"havePermission": bool(may)}}}:
                if not may:
                    what = f"the account may not see the project: {CHECK_TOKEN}"
                    raise Unavailable("jira_token", what)
            case _:
                raise unexpected("a list of permissions")

    def _create(self, api: JiraApi, label: str, fields: dict[str, Any], before: Collection[str]) -> str:
        """Creates the issue once, even if Jira's response is lost, and returns the issue's key."""

        def create() -> str:
            issue = api.post(f"{API}/issue", {"fields": fields}, "create an issue")
            return _key(issue, self._settings.project)

        try:
            return api.twice(create, NotDone)
        except Lost as lost:
            for seconds in SETTLE_SECONDS:
                api.pause(seconds, lost)
                found = api.twice(lambda: self._find(api, label), NotDone, Lost)
                if new := [issue.key for issue in found if issue.key not in before]:
                    return new[-1]
        return create()


@dataclass(frozen=True)
class _Issue:
    key: str
    done: bool


def _issue(found: object, project: str) -> _Issue:
    """Returns an issue from a search. The key of the status category is the same in every language and
    workflow."""
    match found:
        case {"fields": {"status": {"statusCategory": {"key": str(category)}}}}:
            return _Issue(_key(found, project), done=category == "done")
    raise unexpected("an issue with its status")


def _key(issue: object, project: str) -> str:
    """Returns the key of the issue. Raises Unavailable if the issue is in another project, because then the
    ticket's readers are not those that the operator chose. Another attempt cannot help."""
    match issue:
        case {"key": str(key)} if KEY.fullmatch(key):
            if key.rpartition("-")[0] != project:
                raise Unavailable(
                    "jira_project", OTHER_PROJECT.format(key=cut(key, MAX_KEY), project=project)
                )
            return key
    raise unexpected("an issue with its key")
