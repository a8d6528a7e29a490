from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

import httpx
import pytest

from function.dispatch.adapters.notify import (
    NOTICE_ALERT,
    TOGETHER_SECONDS,
    Alertmanager,
    CloudEvents,
    Fanout,
    Log,
)
from function.dispatch.model import DeadLetter, Outcome, Result
from tests.harness.components import wait_until
from tests.harness.fakes import NOW, FakeSink, event
from tests.harness.scripted import Request, scripted

HELD = Result(event("hostile-text"), Outcome.HELD, "run_failed", job="sre-1")
DEAD = Result(DeadLetter("bad_labels", {"labels": None}), Outcome.DEAD_LETTERED, "bad_labels")


def recording(requests: list[httpx.Request], status: int = 200) -> Callable[[str], httpx.Client]:
    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(status)

    return lambda _: httpx.Client(transport=httpx.MockTransport(answer))


def test_the_log_says_it_in_one_escaped_line_each(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Log().notify([HELD, DEAD])
    first, second = (record.getMessage() for record in caplog.records)
    assert (
        first.startswith("needs a person: ") and '"held"' in first and first.isascii() and "\n" not in first
    )
    assert "bad_labels" in second


def test_a_cloudevent_an_outcome_goes_to_the_sink() -> None:
    requests: list[httpx.Request] = []
    CloudEvents("http://broker/x", recording(requests)).notify([HELD, DEAD])
    told = [json.loads(request.content) for request in requests]
    assert [message["type"] for message in told] == ["sre-dispatch.notice.v1"] * 2
    assert [message["subject"] for message in told] == ["held", "dead-lettered"]
    assert told[0]["data"]["job"] == "sre-1"
    assert requests[0].headers["content-type"] == "application/cloudevents+json"


def test_alertmanager_is_told_in_one_post_and_until_when() -> None:
    requests: list[httpx.Request] = []
    Alertmanager("http://am:9093", NOW.timestamp, recording(requests)).notify([HELD, DEAD])
    (request,) = requests
    assert request.url.path == "/api/v2/alerts"
    first, second = json.loads(request.content)
    assert first["labels"]["alertname"] == NOTICE_ALERT
    assert (first["labels"]["outcome"], first["labels"]["about"]) == ("held", "PVCUsageHigh")
    assert first["endsAt"] == "2026-03-29T04:10:00+00:00"
    assert second["labels"]["code"] == "bad_labels"


def test_a_notice_of_many_alerts_says_how_many_they_are() -> None:
    requests: list[httpx.Request] = []
    Alertmanager("http://am:9093", NOW.timestamp, recording(requests)).notify(
        [HELD, replace(HELD, alerts=200)]
    )
    one, many = (each["annotations"] for each in json.loads(requests[0].content))
    assert one["summary"] == "No agent works on this alert: held" and "alerts" not in one["description"]
    assert many["summary"] == "No agent works on these 200 alerts: held"
    assert json.loads(many["description"])["alerts"] == "200"


def test_a_sink_that_fails_is_logged_and_costs_the_others_nothing(caplog: pytest.LogCaptureFixture) -> None:
    last = FakeSink()
    broken = CloudEvents("http://broker/secret-path", recording([], status=500))
    Fanout(broken, last).notify([HELD])
    assert last.told == [HELD]
    assert "CloudEvents did not receive all 1 notices" in caplog.text and "secret-path" not in caplog.text


def stream(request: Request) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    request.drip(b"data: more\n\n")


@pytest.mark.parametrize("answer", [Request.hold, stream, lambda request: request.drip(b"x")])
def test_a_sink_whose_answer_does_not_end_is_left(
    caplog: pytest.LogCaptureFixture, answer: Callable[[Request], None]
) -> None:
    with scripted(answer) as server:
        sinks = CloudEvents(f"{server.url}/secret-path"), Alertmanager(server.url, NOW.timestamp)
        Fanout(*sinks).notify([HELD])
        wait_until(lambda: len(server.requests) == len(sinks), "both sinks to be asked")
    assert "CloudEvents did not receive all 1 notices" in caplog.text
    assert "Alertmanager did not receive all 1 notices" in caplog.text
    assert "secret-path" not in caplog.text


def test_the_same_outcome_told_again_has_the_same_id() -> None:
    requests: list[httpx.Request] = []
    sink = CloudEvents("http://broker/x", recording(requests))
    sink.notify([HELD])
    sink.notify([HELD])
    assert len({json.loads(request.content)["id"] for request in requests}) == 1


def test_when_the_time_for_telling_is_up_the_rest_is_left_and_that_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Slow(FakeSink):
        def notify(self, results: Iterable[Result]) -> None:
            for result in results:
                self.told.append(result)
                time.sleep(TOGETHER_SECONDS)

    slow = Slow()
    Fanout(slow).notify([HELD] * 20)
    assert slow.told == [HELD]
    assert "Slow did not receive all 20 notices: TimeoutError" in caplog.text
