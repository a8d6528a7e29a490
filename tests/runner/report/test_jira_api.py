from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest

from function.runner.report.jira_api import MAX_PAUSE_SECONDS, PAUSE_SECONDS, JiraApi, Lost, NotDone
from function.shared.errors import Unavailable

Answer = Callable[[httpx.Request], httpx.Response]


def api(answer: Answer, left: float = 60.0, slept: list[float] | None = None) -> JiraApi:
    client = httpx.Client(base_url="http://jira.invalid", transport=httpx.MockTransport(answer))
    return JiraApi(client, {}, time.monotonic() + left, (slept if slept is not None else []).append)


def reply(status: int, content: bytes = b"{}", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, stream=httpx.ByteStream(content), headers=named)


def failure(status: int, content: bytes = b"{}") -> Unavailable:
    answer = reply(status, content)
    with pytest.raises(Unavailable) as raised:
        api(lambda _: answer).post("issue", {}, "create an issue")
    return raised.value


def test_the_json_of_a_success_is_the_answer() -> None:
    asking = api(lambda _: reply(201, b'{"key": "OPS-1"}'))
    assert asking.post("issue", {}, "create an issue") == {"key": "OPS-1"}


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (401, Unavailable, "jira_token"),
        (403, Unavailable, "jira_token"),
        (400, Unavailable, "jira_status"),
        (404, Unavailable, "jira_status"),
        (429, NotDone, "jira_status"),
        (500, Lost, "jira_status"),
        (504, Lost, "jira_status"),
    ],
)
def test_a_status_tells_whether_jira_may_have_done_it(status: int, kind: type, code: str) -> None:
    error = failure(status)
    assert type(error) is kind and error.code == code and str(status) in str(error)


def test_a_field_that_is_refused_is_named_and_the_sentence_about_it_is_not() -> None:
    error = failure(400, b'{"errors": {"components": "its own words", "a b": "x"}}')
    assert "it refuses components;" in str(error) and "own words" not in str(error)


@pytest.mark.parametrize(
    ("wanted", "pause"),
    [("7", 7.0), ("0", 1.0), ("999999", MAX_PAUSE_SECONDS), ("Wed, 21 Oct 2026 07:28:00 GMT", PAUSE_SECONDS)],
)
def test_a_second_try_waits_as_long_as_jira_asks_for(wanted: str, pause: float) -> None:
    answers = [reply(429, Retry_After=wanted), reply(200, b"1")]
    slept: list[float] = []
    asking = api(lambda _: answers.pop(0), slept=slept)
    assert asking.twice(lambda: asking.post("search", {}, "search"), NotDone) == 1
    assert slept == [pause]


def test_no_second_try_comes_after_the_deadline() -> None:
    slept: list[float] = []
    asking = api(lambda _: reply(429), left=1.0, slept=slept)
    with pytest.raises(NotDone):
        asking.twice(lambda: asking.post("search", {}, "search"), NotDone)
    assert slept == []
