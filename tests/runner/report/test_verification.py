from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner import tier
from function.runner.report.condition import MAX_EXPRESSION, Verdict, agree, own
from function.runner.report.questions import Clock
from function.runner.report.verification import POLL_SECONDS, verify
from tests.harness.promql import ABSENT, ONE, OVER, binary, selector
from tests.harness.scripted import Asked, Request, Scripted, scripted

ENDED = 1_800_000_000.0
LABELS = {"alertname": "Full", "severity": "warning", "volume": "one", "cluster": "fmc"}
EVENT = {"raw_payload": {"labels": LABELS, "generatorURL": ""}}


def rule(**more: Any) -> dict[str, Any]:
    return {
        "type": "alerting",
        "name": "Full",
        "query": "a > 1",
        "health": "ok",
        "labels": {"severity": "warning"},
        "lastEvaluation": at(ENDED + 20),
        "alerts": [],
        **more,
    }


def at(seconds: float) -> str:
    """As Go writes it, with nanoseconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f123Z")


def listed(**labels: str) -> dict[str, Any]:
    return {"labels": {"alertname": "Full", "severity": "warning", **labels}, "state": "firing"}


def vector(value: object, **labels: str) -> dict[str, Any]:
    return {"result": [{"metric": labels, "value": [ENDED, str(value)]}]}


def good() -> dict[str, Any]:
    """What a Prometheus says of an alert that cleared, by what it is asked."""
    return {
        "rules": {"groups": [{"interval": 15, "rules": [rule()]}]},
        "a > 1": OVER,
        "a <= bool 1": {**OVER, "op": "<=", "bool": True},
        "query a <= bool 1": vector(1, volume="one"),
        "query a": vector(0.5, __name__="a", volume="one"),
        "query timestamp(a)": vector(ENDED + 15, volume="one"),
    }


def with_rules(*rules: Any) -> dict[str, Any]:
    return {**good(), "rules": {"groups": [{"interval": 15, "rules": list(rules)}]}}


Reply = Callable[[Request, str], None]


def saying(told: Mapping[str, Any]) -> Reply:
    """The data by what was asked; what is not there is a bad request, bytes are sent as they are."""

    def reply(request: Request, asked: str) -> None:
        if asked not in told:
            return request.reply(b'{"status":"error"}', 400)
        data = told[asked]
        return request.reply(data if isinstance(data, bytes) else {"status": "success", "data": data})

    return reply


def fake(told: Mapping[str, Any] | Reply) -> AbstractContextManager[Scripted]:
    """Says what no Prometheus does on demand."""
    reply = told if callable(told) else saying(told)
    return scripted(lambda request: reply(request, question(request.asked)))


def question(asked: Asked) -> str:
    if asked.method == "GET":
        return "rules"
    return "query " * asked.path.endswith("/query") + asked.form["query"][0]


@dataclass
class Time:
    """A clock that only sleep moves on, 30 seconds after the run ended."""

    passed: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.passed += seconds
        self.slept.append(seconds)

    def clock(self) -> Clock:
        started = time.monotonic()
        return Clock(lambda: ENDED + 30 + self.passed, lambda: started + self.passed, self.sleep)


def ask(told: Mapping[str, Any] | Reply, event: Any = EVENT, seconds: int = 0, left: float = 600) -> Verdict:
    with fake(told) as server:
        deadline = time.monotonic() + left
        return verify(event, tier.PrometheusTarget(server.url, seconds), ENDED, deadline, Time().clock())


def why(told: Mapping[str, Any] | Reply, event: Any = EVENT) -> tuple[str, str]:
    verdict = ask(told, event)
    return verdict.state, verdict.reason


def test_a_series_on_the_good_side_has_cleared() -> None:
    assert ask(good()) == Verdict("cleared", "good_sample", "a > 1", 0.5)


def test_an_alert_that_is_listed_is_firing() -> None:
    assert ask(with_rules(rule(alerts=[listed(volume="one")]))) == Verdict("firing", "active", "a > 1")


def test_of_another_series_of_the_rule_nothing_follows() -> None:
    assert why(with_rules(rule(alerts=[listed(volume="two")]))) == ("cleared", "good_sample")


def test_an_alert_that_says_less_may_be_it_or_not() -> None:
    assert why(with_rules(rule(alerts=[listed(), listed(volume="two")]))) == ("inconclusive", "ambiguous")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"lastEvaluation": "0001-01-01T00:00:00Z", "health": "unknown"}, "not_evaluated"),
        ({"lastEvaluation": at(ENDED)}, "not_evaluated"),
        ({"lastEvaluation": at(ENDED - 1), "alerts": [listed(volume="one")]}, "not_evaluated"),
        ({"health": "err"}, "rule_failing"),
        ({"health": "err", "alerts": [listed(volume="one")]}, "rule_failing"),
        ({"name": "Fuller"}, "no_rule"),
        ({"type": "recording"}, "no_rule"),
        ({"labels": {"severity": "critical"}}, "no_rule"),
        ({"labels": {"team": "storage"}}, "no_rule"),
        ({"query": "a >"}, "not_understood"),
        ({"lastEvaluation": "soon"}, "prometheus_answer"),
        ({"labels": "none"}, "prometheus_answer"),
        ({"alerts": [{}]}, "prometheus_answer"),
        ({"query": None}, "prometheus_answer"),
    ],
)
def test_a_rule_that_says_nothing_about_it_is_inconclusive(changed: dict[str, Any], reason: str) -> None:
    assert why(with_rules(rule(**changed))) == ("inconclusive", reason)


def test_an_evaluation_that_is_stuck_says_nothing() -> None:
    """The last one was after the run, and is over a minute ago."""
    with fake(with_rules(rule(alerts=[listed(volume="one")]))) as server:
        settings = tier.PrometheusTarget(server.url, 120)
        verdict = verify(EVENT, settings, ENDED, time.monotonic() + 6000, Time().clock())
    assert (verdict.state, verdict.reason) == ("inconclusive", "not_evaluated")


def test_what_a_template_makes_of_a_label_is_not_known() -> None:
    assert why(with_rules(rule(labels={"severity": "{{ $labels.x }}"}))) == ("cleared", "good_sample")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"query a <= bool 1": {"result": []}}, "no_series"),
        ({"query a <= bool 1": vector(1, volume="two")}, "no_series"),
        ({"query a <= bool 1": vector(1, volume="one", node="b")}, "no_series"),
        ({"query a <= bool 1": {"result": [{"metric": {"volume": "one"}, "histogram": []}]}}, "no_series"),
        ({"query a <= bool 1": vector(0, volume="one")}, "above_threshold"),
        ({"query a": vector("NaN", volume="one")}, "no_number"),
        ({"query timestamp(a)": vector(ENDED, volume="one")}, "stale_series"),
        ({"query timestamp(a)": vector(ENDED + 15, volume="two")}, "stale_series"),
        ({"query timestamp(a)": {"result": []}}, "stale_series"),
        ({"a <= bool 1": OVER}, "not_understood"),
        ({"a > 1": selector("a")}, "no_threshold"),
        ({"a > 1": {**OVER, "bool": True}}, "no_threshold"),
        ({"a > 1": binary(OVER, "or", selector("b"))}, "no_threshold"),
        ({"a > 1": {**ABSENT, "args": [{"type": "parenExpr", "expr": OVER}]}}, "no_threshold"),
        ({"a > 1": {"type": "anything"}}, "no_threshold"),
        ({"a > 1": binary({"type": "anything"}, ">", ONE)}, "prometheus_answer"),
        ({"a > 1": []}, "prometheus_answer"),
        ({"a > 1": b"<html>"}, "prometheus_answer"),
        ({"query a <= bool 1": vector("much", volume="one")}, "prometheus_answer"),
        ({"query a <= bool 1": {"result": None}}, "prometheus_answer"),
        ({"query a <= bool 1": b'{"status":"error"}'}, "prometheus_answer"),
    ],
)
def test_a_series_that_says_nothing_is_inconclusive(changed: dict[str, Any], reason: str) -> None:
    assert why({**good(), **changed}) == ("inconclusive", reason)


@pytest.mark.parametrize(
    "tree",
    [
        {"type": "parenExpr", "expr": OVER},
        binary(OVER, "and", selector("b")),
        binary(OVER, "unless", selector("b")),
        binary(OVER, "or", OVER),
        binary({"type": "parenExpr", "expr": OVER}, "<", ONE),
        binary(ONE, "<", {"type": "parenExpr", "expr": OVER}),
    ],
)
def test_the_comparison_is_found_where_it_decides(tree: Any) -> None:
    assert why({**good(), "a > 1": tree}) == ("cleared", "good_sample")


def test_the_number_may_stand_on_the_left() -> None:
    tree = binary(ONE, "<", selector("a"))
    told = {"a > 1": tree, "1 >= bool a": {**tree, "op": ">=", "bool": True}}
    told["query 1 >= bool a"] = vector(1, volume="one")
    assert ask({**good(), **told}) == Verdict("cleared", "good_sample", "1 < a", 0.5)


def test_of_several_conditions_each_has_to_be_good() -> None:
    second = binary(selector("b"), ">", ONE)
    told = {
        **good(),
        "a > 1": binary(OVER, "or", second),
        "b <= bool 1": {**second, "op": "<=", "bool": True},
        "query b <= bool 1": vector(1, volume="one"),
        "query b": vector(0, volume="one"),
        "query timestamp(b)": vector(ENDED + 15, volume="one"),
    }
    assert why(told) == ("cleared", "good_sample")
    assert why({**told, "query b <= bool 1": vector(0, volume="one")}) == ("inconclusive", "above_threshold")
    assert why({**told, "query timestamp(b)": {"result": []}}) == ("inconclusive", "stale_series")


def test_the_sample_of_a_range_is_asked_for_at_present() -> None:
    past = selector("a", "matrixSelector", range=60_000) | {"offset": 5000, "startOrEnd": "end"}
    rate = {"type": "call", "func": {"name": "rate", "returnType": "vector"}, "args": [past]}
    tree = binary(rate, ">", ONE)
    text = "rate(a[60000ms] @ end() offset 5000ms)"
    told = {"a > 1": tree, f"{text} <= bool 1": {**tree, "op": "<=", "bool": True}}
    told |= {f"query {text} <= bool 1": vector(1, volume="one"), f"query {text}": vector(0, volume="one")}
    assert ask({**good(), **told}) == Verdict("cleared", "good_sample", f"{text} > 1", 0)


def test_what_was_absent_has_to_be_back_since_the_run() -> None:
    told = {**good(), "a > 1": ABSENT}
    assert ask(told) == Verdict("cleared", "present", "absent(a)")
    old = {**told, "query timestamp(a)": vector(ENDED - 1, volume="one")}
    assert why(old) == ("inconclusive", "no_series")


def test_of_rules_that_differ_in_nothing_else_the_alerts_own_expression_counts() -> None:
    event = {"raw_payload": {"labels": LABELS, "generatorURL": "http://p/graph?g0.expr=a+%3E+1&g0.tab=1"}}
    both = with_rules(rule(query="b > 1", alerts=[listed(volume="one")]), rule())
    assert why(both, event) == ("cleared", "good_sample")
    assert why(both) == ("firing", "active")


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"raw_payload": None},
        {"raw_payload": {"labels": []}},
        {"raw_payload": {"labels": {"severity": "warning"}}},
    ],
)
def test_an_event_without_an_alert_is_asked_about_nobody(event: Any) -> None:
    with fake(good()) as server:
        verdict = verify(event, tier.PrometheusTarget(server.url, 0), ENDED, time.monotonic() + 600)
    assert (verdict.reason, server.requests) == ("bad_event", [])


@pytest.mark.parametrize("url", ["http://[", 7, None, "http://p/graph?g0.expr=", "%"])
def test_a_link_that_says_nothing_hinders_nothing(url: object) -> None:
    assert why(good(), {"raw_payload": {"labels": LABELS, "generatorURL": url}})[0] == "cleared"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'"success"',
        b'{"status":"success"}',
        b'{"status":"success","data":null}',
        b'{"status":"success","data":{"groups":[7]}}',
        json.dumps(
            {"status": "success", "data": {"groups": [{"interval": "x", "rules": [rule()]}]}}
        ).encode(),
        b"[" * 100_000,
        json.dumps({"status": "error", "data": good()["rules"]}).encode(),
        b"\xff\xfe",
    ],
    ids=lambda body: str(body[:30]),
)
def test_garbage_is_no_answer(body: bytes) -> None:
    assert why({**good(), "rules": body}) == ("inconclusive", "prometheus_answer")


def test_an_answer_over_the_limit_is_not_read_on() -> None:
    long = b'{"status":"success","data":{"groups":[]}}' + b" " * 4 * 1024 * 1024
    assert why({"rules": long}) == ("inconclusive", "prometheus_answer")


def test_a_deep_tree_is_no_answer() -> None:
    deep = b'{"status":"success","data":' + b'{"type":"parenExpr","expr":' * 900 + b"7" + b"}" * 901
    assert why({**good(), "a > 1": deep}) == ("inconclusive", "prometheus_answer")


@pytest.mark.parametrize("status", [204, 302, 401, 404, 500, 503])
def test_another_status_is_no_answer_and_a_redirect_is_not_followed(status: int) -> None:
    with fake(lambda handler, _: handler.reply(b"", status, Location="/elsewhere")) as server:
        settings = tier.PrometheusTarget(server.url, 0)
        verdict = verify(EVENT, settings, ENDED, time.monotonic() + 600)
    assert (verdict.reason, len(server.requests)) == ("prometheus_status", 1)


def test_a_server_that_drips_its_headers_is_slow() -> None:
    def drip(handler: Request, _: str) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        handler.drip(b"X: y\r\n")

    assert ask(drip, left=0.5) == Verdict("inconclusive", "prometheus_slow")


def test_after_the_deadline_nobody_is_asked() -> None:
    with fake(good()) as server:
        settings = tier.PrometheusTarget(server.url, 300)
        verdict = verify(EVENT, settings, ENDED, time.monotonic() - 1)
    assert (verdict.reason, server.requests) == ("prometheus_slow", [])


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[::", "http://p:port"])
def test_nobody_there_is_said_so(url: str) -> None:
    settings = tier.PrometheusTarget(url, 0)
    verdict = verify(EVENT, settings, ENDED, time.monotonic() + 600)
    assert verdict == Verdict("inconclusive", "prometheus_unreachable")


def test_it_asks_until_the_time_for_clearing_is_over_and_no_longer() -> None:
    passing = Time()
    with fake(with_rules(rule(alerts=[listed(volume="one")], lastEvaluation=at(ENDED + 60)))) as server:
        settings = tier.PrometheusTarget(server.url, 70)
        verify(EVENT, settings, ENDED, time.monotonic() + 6000, passing.clock())
    assert passing.slept == pytest.approx([POLL_SECONDS, POLL_SECONDS, 10], abs=0.1)
    assert len(server.requests) == 4


def test_it_ends_as_soon_as_the_alert_has_cleared() -> None:
    passing, answers = Time(), [good(), with_rules(rule(alerts=[listed(volume="one")]))]

    def reply(handler: Request, asked: str) -> None:
        saying(answers.pop() if len(answers) > 1 and asked == "rules" else answers[0])(handler, asked)

    with fake(reply) as server:
        settings = tier.PrometheusTarget(server.url, 300)
        verdict = verify(EVENT, settings, ENDED, time.monotonic() + 6000, passing.clock())
    assert (verdict.state, passing.slept) == ("cleared", [POLL_SECONDS])


def test_it_does_not_sleep_beyond_the_deadline() -> None:
    passing = Time()
    with fake({}) as server:
        settings = tier.PrometheusTarget(server.url, 300)
        verify(EVENT, settings, ENDED, time.monotonic() + 20, passing.clock())
    assert passing.slept == [POLL_SECONDS]


def test_the_alerts_text_is_part_of_no_expression() -> None:
    hostile = '"} or vector(1) > 0 #'
    labels = LABELS | {"volume": hostile, hostile: hostile}
    told = {query: data for query, data in good().items() if not query.startswith("query")}
    told |= {
        "query a <= bool 1": vector(1, volume=hostile),
        "query a": vector(0, volume=hostile),
        "query timestamp(a)": vector(ENDED + 15, volume=hostile),
    }
    event = {"raw_payload": {"labels": labels, "generatorURL": f"http://p/graph?g0.expr={hostile}"}}
    with fake(told) as server:
        settings = tier.PrometheusTarget(server.url, 0)
        assert verify(event, settings, ENDED, time.monotonic() + 600, Time().clock()).state == "cleared"
    assert {asked.form["query"][0] for asked in server.requests if asked.method == "POST"} == {
        "a > 1",
        "a <= bool 1",
        "a",
        "timestamp(a)",
    }


def test_an_expression_is_told_within_its_limit() -> None:
    assert len(ask(with_rules(rule(query="a" * 5000))).expression) == MAX_EXPRESSION


names = st.sampled_from(["namespace", "volume", "node", "pod", "cluster"])
labelled = st.dictionaries(names, st.sampled_from(["x", "y"]))


@given(labelled, st.lists(labelled, max_size=4), labelled)
def test_a_series_is_the_alerts_own_only_if_it_says_what_the_alert_says(
    series: dict[str, str], others: list[dict[str, str]], added: dict[str, str]
) -> None:
    sent = added | series
    found = own([series, *others], sent)
    known = {name for each in (series, *others) for name in each}
    assert all(each.items() <= sent.items() and agree(each, sent) for each in found)
    assert all(each.keys() >= sent.keys() & known for each in found)
    if not (added.keys() - series.keys()) & known:
        assert series in found
