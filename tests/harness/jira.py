"""A Jira of the tests' own on loopback: Cloud or Data Center, as far as tickets need it. Statuses and bodies
are those of the real ones, written after Atlassian's REST reference of both and threads of its community."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from threading import Event, Lock
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.harness import loopback
from tests.harness.loopback import Quiet

TOKEN = "a-token-that-jira-accepts"
USER = "sre@example.org"
JQL = re.compile(r'project = "([A-Z0-9_]+)" AND labels = "([^"\\\s]+)" ORDER BY created DESC')
MAX_TEXT = 32_767
CLOUD_FIELDS = {"jql", "fields", "maxResults", "nextPageToken", "expand", "properties", "reconcileIssues"}
GONE = "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API."
Reply = tuple[int, Any]


class Asked(NamedTuple):
    what: str
    """`search`, `create`, `comment`, `sight`, or the path of anything else."""
    path: str
    headers: Any
    body: Any


@dataclass
class Issue:
    key: str
    fields: dict[str, Any]
    comments: list[str] = field(default_factory=list)
    category: str = "new"
    """The key of its status's category: `new`, `indeterminate`, or `done`."""


@dataclass
class Jira:
    is_cloud: bool = True
    project: str = "OPS"
    is_visible: bool = True
    """Whether the account may browse the project."""
    lag: int = 0
    """How many searches an issue stays unfound by after its creation."""
    url: str = ""
    issues: list[Issue] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    faults: dict[str, list[Callable[[Talk], None]]] = field(default_factory=dict)
    """By what is asked: what is done instead, once each, in this order."""
    over: Event = field(default_factory=Event)
    lock: Any = field(default_factory=Lock)
    _unfound: dict[str, int] = field(default_factory=dict)

    def whats(self) -> list[str]:
        return [asked.what for asked in self.asked]

    def put(self, label: str, category: str = "new") -> Issue:
        """An issue that was there before."""
        key = f"{self.project}-{len(self.issues) + 1}"
        self.issues.append(Issue(key, {"labels": [label]}, category=category))
        return self.issues[-1]

    def answer(self, asked: Asked) -> Reply:
        kind, _, shown = asked.headers.get("Authorization", "").partition(" ")
        wanted = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode() if self.is_cloud else TOKEN
        is_known = (kind, shown) == ("Basic" if self.is_cloud else "Bearer", wanted)
        if not is_known and not (self.is_cloud and asked.what == "search"):
            return 401, b"Client must be authenticated to access this resource."
        with self.lock:
            if asked.what == "search":
                return self._search(asked, is_known and self.is_visible)
            if asked.what == "sight":
                told = {"id": "10", "key": "BROWSE_PROJECTS", "type": "PROJECT"}
                return 200, {"permissions": {"BROWSE_PROJECTS": told | {"havePermission": self.is_visible}}}
            if asked.what == "create":
                return self._create(asked.body["fields"])
            if asked.what == "comment":
                return self._comment(asked)
        return 404, b"<status><status-code>404</status-code><message>null for uri</message></status>"

    def _search(self, asked: Asked, sees: bool) -> Reply:
        if asked.path == "/rest/api/2/search" and self.is_cloud:
            return 410, errors(GONE)
        if asked.path == "/rest/api/2/search/jql" and not self.is_cloud:
            return 404, b"<status><status-code>404</status-code></status>"
        if self.is_cloud and set(asked.body) - CLOUD_FIELDS:
            return 400, errors("Invalid request payload. Refer to the REST API documentation and try again.")
        query = JQL.fullmatch(asked.body["jql"])
        if query is None:
            return 400, errors("Error in the JQL Query")
        if query[1] != self.project:
            return 400, errors(f"The value '{query[1]}' does not exist for the field 'project'.")
        found = [each for each in self.issues if query[2] in each.fields["labels"] and sees]
        found = [each for each in found if self._unfound.get(each.key, 0) == 0]
        self._unfound = {key: max(0, left - 1) for key, left in self._unfound.items()}
        shown = [self._shown(each, asked.body) for each in reversed(found)][: asked.body["maxResults"]]
        if self.is_cloud:
            return 200, {"issues": shown, "isLast": True}
        count = {"startAt": 0, "maxResults": asked.body["maxResults"], "total": len(found)}
        return 200, {"expand": "schema,names", **count, "issues": shown}

    def _shown(self, issue: Issue, asked: Any) -> dict[str, Any]:
        number = issue.key.rpartition("-")[2]
        if self.is_cloud and not asked.get("fields"):
            return {"id": f"100{number}"}
        told = {"id": f"100{number}", "key": issue.key, "self": f"{self.url}/rest/api/2/issue/100{number}"}
        category = {"id": 2, "key": issue.category, "colorName": "blue-gray", "name": "Zu erledigen"}
        return told | {"fields": {"status": {"name": "Offen", "id": "1", "statusCategory": category}}}

    def _create(self, fields: dict[str, Any]) -> Reply:
        wrong = {}
        if fields["project"] != {"key": self.project}:
            wrong["project"] = "valid project is required"
        if fields["issuetype"] != {"name": "Task"}:
            wrong["issuetype"] = "The issue type selected is invalid."
        if len(fields["summary"]) > 255 or "\n" in fields["summary"]:
            wrong["summary"] = "The summary is invalid because it contains newline characters."
        if len(fields["description"]) > MAX_TEXT:
            wrong["description"] = "The entered text is too long. It exceeds the allowed limit."
        if any(" " in label or len(label) > 255 for label in fields["labels"]):
            wrong["labels"] = "The label contains spaces which is invalid."
        if wrong:
            return 400, {"errorMessages": [], "errors": wrong}
        issue = Issue(f"{self.project}-{len(self.issues) + 1}", fields)
        self.issues.append(issue)
        self._unfound[issue.key] = self.lag
        number = f"100{len(self.issues)}"
        return 201, {"id": number, "key": issue.key, "self": f"{self.url}/rest/api/2/issue/{number}"}

    def _comment(self, asked: Asked) -> Reply:
        key = asked.path.split("/")[-2]
        for issue in self.issues:
            if issue.key == key:
                if len(asked.body["body"]) > MAX_TEXT:
                    return 400, {"errorMessages": [], "errors": {"comment": "The entered text is too long."}}
                issue.comments.append(asked.body["body"])
                return 201, {"id": "10000", "body": asked.body["body"]}
        return 404, errors("Issue does not exist or you do not have permission to see it.")


def errors(message: str) -> dict[str, Any]:
    return {"errorMessages": [message], "errors": {}}


def _what(method: str, path: str) -> str:
    if method == "POST" and path in ("/rest/api/2/search", "/rest/api/2/search/jql"):
        return "search"
    if method == "POST" and path == "/rest/api/2/issue":
        return "create"
    if method == "POST" and re.fullmatch(r"/rest/api/2/issue/[A-Z0-9_]+-\d+/comment", path):
        return "comment"
    return "sight" if (method, path) == ("GET", "/rest/api/2/mypermissions") else f"{method} {path}"


class Talk(Quiet):
    """One connection, and what a fault may do on it."""

    protocol_version = "HTTP/1.1"
    server: Served

    def do_POST(self) -> None:
        jira, path = self.server.jira, urlsplit(self.path).path
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
        self.asked = Asked(_what(self.command, path), path, self.headers, body)
        jira.asked.append(self.asked)
        waiting = jira.faults.get(self.asked.what)
        with suppress(BrokenPipeError, ConnectionResetError):
            (waiting.pop(0) if waiting else Talk.well)(self)

    do_GET = do_POST

    def well(self) -> None:
        self.reply(*self.server.jira.answer(self.asked))

    def reply(self, status: int, body: Any = b"", **headers: str) -> None:
        self.say(body if isinstance(body, bytes) else json.dumps(body).encode(), status, **headers)


Fault = Callable[[Talk], None]


def saying(status: int, body: Any = b"", **headers: str) -> Fault:
    """This instead of what was asked."""
    return lambda talk: talk.reply(status, body, **headers)


def doing(then: Fault) -> Fault:
    """What was asked is done, and then this is said in place of the answer."""

    def fault(talk: Talk) -> None:
        talk.server.jira.answer(talk.asked)
        then(talk)

    return fault


def hanging_up(talk: Talk) -> None:
    talk.close_connection = True


def silent(talk: Talk) -> None:
    talk.server.jira.over.wait(60)
    talk.close_connection = True


def dripping(talk: Talk) -> None:
    """A header, byte by byte."""
    talk.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not talk.server.jira.over.wait(0.05):
        talk.wfile.write(b"x")
        talk.wfile.flush()


class Served(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, jira: Jira) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.jira = jira
        jira.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # the client may go at any moment
            super().handle_error(*_)  # type: ignore[arg-type]


@contextmanager
def serving(jira: Jira) -> Iterator[Jira]:
    with loopback.serving(Served(jira)):
        try:
            yield jira
        finally:
            jira.over.set()
