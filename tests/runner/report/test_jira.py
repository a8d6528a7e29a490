from __future__ import annotations

import base64
import gzip
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from function.runner import tier
from function.runner.report.jira import SETTLE_SECONDS, Jira, PostedTicket
from function.runner.report.jira_api import MAX_BYTES, MAX_PAUSE_SECONDS, PAUSE_SECONDS
from function.runner.report.jira_text import Ticket
from function.shared import http
from function.shared.errors import Unavailable
from tests.harness import jira
from tests.harness.examples import examples
from tests.harness.jira import TOKEN, USER, Fault, doing, dripping, hanging_up, saying, serving, silent

IDENTITY = "14" * 32
LABEL = "sre-" + "14" * 20
TICKET = Ticket("PVCUsageHigh f3iai/typedb-data: proposed", "the text", ("sre-dispatch",))
LONG = 60.0


@dataclass
class Sleep:
    """Remembers for how long, and sleeps not at all."""

    slept: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


def client(
    server: jira.Jira,
    sleep: Callable[[float], None] | None = None,
    token: Callable[[], str] = lambda: TOKEN,
    **changes: Any,
) -> Jira:
    user = USER if server.is_cloud else ""
    told = tier.JiraTarget(url=server.url, project="OPS", token_file="/secrets/jira", user=user)
    return Jira(replace(told, **changes), token, sleep=sleep or Sleep())


def tell(server: jira.Jira, seconds: float = LONG, **options: Any) -> PostedTicket:
    return client(server, **options).post_ticket(IDENTITY, TICKET, time.monotonic() + seconds)


def failure(server: jira.Jira, seconds: float = LONG, **options: Any) -> Unavailable:
    with pytest.raises(Unavailable) as raised:
        tell(server, seconds, **options)
    assert "canary" not in str(raised.value) and TOKEN not in str(raised.value)
    return raised.value


both = pytest.mark.parametrize("is_cloud", [True, False], ids=["cloud", "data center"])


@both
def test_an_issue_is_created_once_and_commented_on_from_then_on(is_cloud: bool) -> None:
    with serving(jira.Jira(is_cloud)) as server:
        first, second, third = tell(server), tell(server), tell(server)
    assert first == PostedTicket("OPS-1", f"{server.url}/browse/OPS-1", created=True)
    assert second == third == replace(first, created=False)
    (issue,) = server.issues
    assert issue.fields == {
        "project": {"key": "OPS"},
        "issuetype": {"name": "Task"},
        "summary": TICKET.summary,
        "description": TICKET.text,
        "labels": ["sre-dispatch", LABEL],
    }
    assert issue.comments == [TICKET.text] * 2
    assert server.whats() == ["search", "sight", "create", "search", "comment", "search", "comment"]


@both
def test_it_says_who_it_is_as_each_of_them_wants_it(is_cloud: bool) -> None:
    with serving(jira.Jira(is_cloud)) as server:
        tell(server)
    basic = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
    assert {asked.headers["Accept-Encoding"] for asked in server.asked} == {"identity"}
    assert {asked.headers["Authorization"] for asked in server.asked} == {
        basic if is_cloud else f"Bearer {TOKEN}"
    }


@both
def test_an_alert_that_comes_back_after_its_issue_is_done_gets_a_new_one_that_names_it(
    is_cloud: bool,
) -> None:
    with serving(jira.Jira(is_cloud)) as server:
        first, last = server.put(LABEL, "done"), server.put(LABEL, "done")
        assert tell(server).key == "OPS-3"
        assert tell(server) == PostedTicket("OPS-3", f"{server.url}/browse/OPS-3", created=False)
    assert server.issues[2].fields["description"].splitlines()[0].endswith(": OPS-2")
    assert first.comments == last.comments == []


@pytest.mark.parametrize("category", ["new", "indeterminate", "undefined"])
def test_of_several_the_oldest_that_is_not_done_gets_the_comment(category: str) -> None:
    with serving(jira.Jira()) as server:
        for each in ("done", category, category, "done"):
            server.put(LABEL, each)
        assert tell(server).key == "OPS-2"
    assert [len(issue.comments) for issue in server.issues] == [0, 1, 0, 0]


def test_the_issue_of_another_identity_is_none_of_it() -> None:
    with serving(jira.Jira()) as server:
        server.put("sre-" + "15" * 20)
        assert tell(server).created
        assert client(server).post_ticket("15" * 32, TICKET, time.monotonic() + LONG).key == "OPS-1"


LOSING: dict[str, Fault] = {
    "hangs up": hanging_up,
    "500": saying(500, b"<html>canary</html>"),
    "502": saying(502),
    "503": saying(503, Retry_After="1"),
    "garbage": saying(201, b"<html>canary</html>"),
    "no key": saying(201, {"id": "10001"}),
    "an odd key": saying(201, {"key": "../canary"}),
    "huge": saying(201, b" " * (MAX_BYTES + 1)),
    "cut off": saying(201, b"{", Content_Length="99"),
}


@both
@pytest.mark.parametrize("losing", LOSING)
def test_a_creation_whose_answer_is_lost_is_found_and_not_repeated(losing: str, is_cloud: bool) -> None:
    with serving(jira.Jira(is_cloud, lag=2, faults={"create": [doing(LOSING[losing])]})) as server:
        server.put(LABEL, "done")
        assert tell(server) == PostedTicket("OPS-2", f"{server.url}/browse/OPS-2", created=True)
    assert len(server.issues) == 2
    assert server.whats().count("create") == 1


@pytest.mark.parametrize("losing", LOSING)
def test_a_creation_that_did_not_arrive_is_repeated_after_it_was_looked_for(losing: str) -> None:
    sleep = Sleep()
    with serving(jira.Jira(faults={"create": [LOSING[losing]]})) as server:
        assert tell(server, sleep=sleep).created
    assert len(server.issues) == 1
    assert server.whats() == ["search", "sight", "create", *["search"] * len(SETTLE_SECONDS), "create"]
    assert sleep.slept == [*SETTLE_SECONDS]


def test_a_creation_is_not_repeated_where_nobody_can_say_whether_it_arrived() -> None:
    faults = {"create": [doing(hanging_up)], "search": [jira.Talk.well, hanging_up, hanging_up]}
    with serving(jira.Jira(faults=faults)) as server:
        assert failure(server).code == "jira_unreachable"
        assert tell(server) == PostedTicket("OPS-1", f"{server.url}/browse/OPS-1", created=False)
    assert len(server.issues) == 1


def test_a_jira_that_dies_between_the_search_and_the_creation_gets_the_issue_next_time() -> None:
    with serving(jira.Jira(faults={"create": [hanging_up] * 2})) as server:
        assert failure(server).code == "jira_unreachable"
        assert tell(server).created
    assert len(server.issues) == 1


faults = st.lists(
    st.sampled_from(
        [
            *LOSING.values(),
            *map(doing, LOSING.values()),
            saying(429),
            saying(401),
            saying(302),
            jira.Talk.well,
        ]
    ),
    max_size=4,
)


@examples(15)
@given(st.booleans(), st.integers(0, 2), st.fixed_dictionaries({"search": faults, "create": faults}))
def test_whatever_gets_lost_there_is_one_issue_at_most(
    is_cloud: bool, lag: int, wrong: dict[str, list[Fault]]
) -> None:
    with serving(
        jira.Jira(is_cloud, lag=lag, faults={key: [*each] for key, each in wrong.items()})
    ) as server:
        for _ in range(3):
            try:
                told = tell(server)
            except Unavailable:
                server._unfound.clear()  # there is an hour between two runs
                continue
            assert [issue.key for issue in server.issues] == [told.key]
            server._unfound.clear()
    assert len(server.issues) <= 1


@both
def test_a_busy_jira_is_asked_once_more_after_the_time_that_it_wants(is_cloud: bool) -> None:
    sleep = Sleep()
    busy = {what: [saying(429, Retry_After="7")] for what in ("search", "sight", "create", "comment")}
    with serving(jira.Jira(is_cloud, faults=busy)) as server:
        assert tell(server, sleep=sleep).created
        assert not tell(server, sleep=sleep).created
    assert server.whats() == [
        *("search", "search", "sight", "sight", "create", "create"),
        *("search", "comment", "comment"),
    ]
    assert sleep.slept == [7.0] * 4


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("0", 1.0),
        ("999", MAX_PAUSE_SECONDS),
        ("Wed, 21 Oct 2026 07:28:00 GMT", PAUSE_SECONDS),
        ("-1", PAUSE_SECONDS),
        ("1e9", PAUSE_SECONDS),
        ("9" * 99, PAUSE_SECONDS),
    ],
)
def test_the_time_that_it_wants_has_bounds(wanted: str, given: float) -> None:
    sleep = Sleep()
    with serving(jira.Jira(faults={"search": [saying(503, Retry_After=wanted)]})) as server:
        tell(server, sleep=sleep)
    assert sleep.slept == [given]


def test_there_is_no_waiting_beyond_the_deadline() -> None:
    sleep = Sleep()
    with serving(jira.Jira(faults={"search": [saying(429, Retry_After="20")]})) as server:
        assert failure(server, 10, sleep=sleep).code == "jira_status"
    assert (sleep.slept, len(server.asked)) == ([], 1)


def test_a_jira_that_stays_busy_is_given_up() -> None:
    with serving(jira.Jira(faults={"search": [saying(429)] * 9})) as server:
        assert failure(server).code == "jira_status"
    assert len(server.asked) == 2


def no_http(talk: jira.Talk) -> None:
    talk.wfile.write(b"SSH-2.0-canary\r\n\r\n")
    talk.close_connection = True


WRONG: dict[str, tuple[Fault, str]] = {
    "401": (saying(401, b"canary"), "jira_token"),
    "403": (saying(403, {"errorMessages": ["canary"]}), "jira_token"),
    "a stranger's answer": (saying(200, {}, X_Seraph_LoginReason="AUTHENTICATED_FAILED"), "jira_token"),
    "a captcha": (saying(200, {}, X_Seraph_LoginReason="AUTHENTICATION_DENIED"), "jira_token"),
    "400": (saying(400, {"errorMessages": ["canary"], "errors": {}}), "jira_status"),
    "400 of garbage": (saying(400, b"<html>canary"), "jira_status"),
    "400 of a list": (saying(400, ["canary"]), "jira_status"),
    "404": (saying(404, b"canary"), "jira_status"),
    "410": (saying(410, {"errorMessages": ["canary"]}), "jira_status"),
    "a redirect": (saying(302, b"", Location="/login?canary"), "jira_status"),
    "no content": (saying(204), "jira_status"),
    "418": (saying(418, b"canary"), "jira_status"),
    "500": (saying(500, b"canary"), "jira_status"),
    "503": (saying(503, b"canary", Retry_After="canary"), "jira_status"),
    "html": (saying(200, b"<html>canary</html>"), "jira_answer"),
    "nothing": (saying(200), "jira_answer"),
    "huge": (saying(200, b"[" + b" " * MAX_BYTES + b"]"), "jira_answer"),
    "zipped": (saying(200, gzip.compress(b"{}"), Content_Encoding="gzip"), "jira_answer"),
    "depth": (saying(200, b"[" * 100_000), "jira_answer"),
    "no http": (no_http, "jira_unreachable"),
    "the end": (hanging_up, "jira_unreachable"),
}


@pytest.mark.parametrize("what", ["search", "sight", "create", "comment"])
@pytest.mark.parametrize("wrong", WRONG)
def test_whatever_it_says_is_a_failure_by_name(wrong: str, what: str) -> None:
    fault, code = WRONG[wrong]
    with serving(jira.Jira(faults={what: [fault] * 9})) as server:
        if what == "comment":
            server.put(LABEL)
        assert failure(server).code == code
    assert all(asked.path.startswith("/rest/api/2/") for asked in server.asked)  # nobody follows a redirect
    assert len(server.issues) == (what == "comment")


ODD: dict[str, Any] = {
    "no list": {"issues": {"canary": 1}},
    "bare ids": {"issues": [{"id": "10001"}]},
    "no status": {"issues": [{"key": "OPS-1", "fields": {}}]},
    "an odd key": {
        "issues": [{"key": "x/../canary", "fields": {"status": {"statusCategory": {"key": "new"}}}}]
    },
    "a key that is no text": {
        "issues": [{"key": 1, "fields": {"status": {"statusCategory": {"key": "new"}}}}]
    },
    "null": None,
    "a list": ["canary"],
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_search_creates_nothing(odd: str) -> None:
    with serving(jira.Jira(faults={"search": [saying(200, ODD[odd])] * 2})) as server:
        assert failure(server).code == "jira_answer"
    assert server.issues == []


def found(key: str) -> Any:
    return {"key": key, "fields": {"status": {"statusCategory": {"key": "new"}}}}


@examples(30)
@given(
    st.from_regex(r"[A-Z][A-Z0-9_]{0,9}", fullmatch=True).filter(lambda name: name != "OPS"), st.booleans()
)
@example("OTHER", True)
@example("OPS_", False)
def test_an_issue_of_another_project_is_refused_by_its_key(project: str, when_created: bool) -> None:
    key = f"{project}-1"
    answers: dict[str, list[Fault]] = {
        "create": [doing(saying(201, found(key)))],
        "search": [saying(200, {"issues": [found(key)]})],
    }
    what = "create" if when_created else "search"
    with serving(jira.Jira(faults={what: answers[what]})) as server:
        error = failure(server)
    assert error.code == "jira_project" and key in str(error) and "report.jira.project" in str(error)
    assert (server.whats().count("create"), "comment" in server.whats()) == (int(when_created), False)


@pytest.mark.parametrize("hanging", [silent, dripping])
@pytest.mark.parametrize("what", ["search", "create"])
def test_a_jira_that_hangs_costs_no_more_than_the_time_and_gets_one_issue_later(
    hanging: Fault, what: str
) -> None:
    with serving(jira.Jira(faults={what: [doing(hanging)]})) as server:
        assert failure(server, 0.5).code in ("jira_slow", "jira_unreachable")
        assert tell(server).created == (what == "search")
    assert len(server.issues) == 1


def test_no_time_left_is_no_question() -> None:
    with serving(jira.Jira()) as server:
        assert failure(server, -1).code == "jira_slow"
    assert "create" not in server.whats()


def test_a_jira_that_is_not_there_is_tried_twice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    sleep = Sleep()
    assert failure(jira.Jira(url=url), sleep=sleep).code == "jira_unreachable"
    assert sleep.slept == [PAUSE_SECONDS]


@both
def test_what_the_operator_mistook_is_named(is_cloud: bool) -> None:
    with serving(jira.Jira(is_cloud)) as server:
        assert "issuetype" in str(failure(server, issue_type="Tusk"))
        assert "report.jira.project" in str(failure(server, project="NOPE"))
    assert server.issues == []


def test_fields_are_named_and_nothing_else_of_a_refusal() -> None:
    told = {
        "customfield_10010": "canary",
        "components": "canary",
        "can ary": "",
        "canary<b>": "",
        "Canary": "",
    }
    with serving(jira.Jira(faults={"create": [saying(400, {"errors": told})]})) as server:
        assert "it refuses components, customfield_10010;" in str(failure(server))


@both
def test_the_wrong_kind_of_jira_is_said_to_be_so(is_cloud: bool) -> None:
    with serving(jira.Jira(is_cloud)) as server:
        error = failure(server, user="" if is_cloud else USER)
    if is_cloud:
        assert (error.code, server.whats()) == ("jira_status", ["search"])
        assert "410" in str(error) and "report.jira.user" in str(error)
    else:
        assert error.code == "jira_token"


@both
def test_a_token_that_is_not_valid_creates_nothing(is_cloud: bool) -> None:
    """Cloud answers the search of a stranger, and finds nothing."""
    with serving(jira.Jira(is_cloud)) as server:
        server.put(LABEL)
        assert failure(server, token=lambda: "another").code == "jira_token"
    assert len(server.issues) == 1


@both
def test_an_account_that_does_not_see_the_project_creates_nothing(is_cloud: bool) -> None:
    with serving(jira.Jira(is_cloud, is_visible=False)) as server:
        server.put(LABEL)
        assert failure(server).code == "jira_token"
    assert len(server.issues) == 1


@pytest.mark.parametrize("token", ["", "two words", "line\nX: y", "t\u00f6ken", "\ud800"])
def test_a_token_that_is_none_is_shown_to_nobody(token: str) -> None:
    with serving(jira.Jira()) as server:
        assert failure(server, token=lambda: token).code == "jira_token"
    assert server.asked == []


@pytest.mark.parametrize(
    "identity", ["", "14", "14" * 33, "g" * 64, "A" * 64, '" OR 1 = 1 --' + "14" * 26, "14" * 32 + "\n"]
)
def test_an_identity_that_is_none_is_asked_for_nowhere(identity: str) -> None:
    with serving(jira.Jira()) as server, pytest.raises(Unavailable) as raised:
        client(server).post_ticket(identity, TICKET, time.monotonic() + LONG)
    assert (raised.value.code, server.asked) == ("jira_identity", [])


def test_an_address_that_ends_with_a_slash_leads_to_the_same_issue() -> None:
    with serving(jira.Jira()) as server:
        assert tell(server, url=f"{server.url}/").url == f"{server.url}/browse/OPS-1"


def test_a_jira_below_a_path_is_asked_there() -> None:
    with serving(jira.Jira()) as server:
        failure(server, url=f"{server.url}/jira/")
    assert server.asked[0].path == "/jira/rest/api/2/search/jql"


def test_its_client_is_made_by_who_knows_the_way() -> None:
    made: list[str] = []

    def connect(url: str, seconds: float, connect_seconds: float) -> httpx.Client:
        made.append(url)
        return http.connect(url, seconds, connect_seconds)

    with serving(jira.Jira()) as server:
        told = tier.JiraTarget(url=server.url, project="OPS", token_file="/secrets/jira", user=USER)
        Jira(told, lambda: TOKEN, connect).post_ticket(IDENTITY, TICKET, time.monotonic() + LONG)
    assert made == [server.url]
