"""Whether an alert really cleared after a run: asked of Prometheus, never guessed.

An alert has cleared when its rule was evaluated after the run and does not list it any more, and its own
series is alive and on the good side of the threshold. The rule's expression is taken apart by Prometheus'
own parser. No text of the alert is ever part of a query: labels are compared here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qs, urlsplit

from function.runner import tier
from function.runner.report.promql import (
    Node,
    conditions,
    is_absent,
    measured,
    now,
    opposite,
    promql,
    selectors,
)
from function.shared import http
from function.shared.errors import Unavailable
from function.shared.text import cut

if TYPE_CHECKING:
    import httpx

POLL_SECONDS = 15.0
REQUEST_SECONDS = 5.0
CONNECT_SECONDS = 2.0
MAX_BYTES = 4 * 1024 * 1024
MAX_EXPRESSION = 500
"""Characters of the expression in a verdict."""
MAX_SELECTORS = 16
"""Of one condition; each is a request. The most that a stock alert has is 6."""
MAX_AGE_SECONDS = 300.0
"""Of a sample: Prometheus' own default for how long it takes one for the present (query.lookback-delta)."""
MIN_STUCK_SECONDS = 60.0
STUCK_INTERVALS = 3.0
"""An evaluation is overdue after so many intervals of its group, and not before MIN_STUCK_SECONDS."""

SHAPE_ERRORS = (AttributeError, IndexError, KeyError, TypeError, ValueError, ArithmeticError, RecursionError)
"""What comes of reading JSON that is not as it should be."""

Labels = Mapping[str, str]
Reason = Literal[
    "good_sample",  # cleared: its own series is on the good side
    "present",  # cleared: the series whose absence was the alert is back
    "active",  # firing: pending or firing in the rule's list
    "bad_event",  # the event has no alert with a name
    "no_rule",  # no rule has the alert's name and labels
    "rule_failing",  # the rule's health is not ok
    "not_evaluated",  # no evaluation since the run ended, or none lately
    "ambiguous",  # an alert is listed that may or may not be this one
    "no_threshold",  # the expression compares nothing
    "not_understood",  # the expression cannot be taken apart and put together again
    "no_series",  # the alert's own series is not there
    "no_number",  # its value is NaN
    "above_threshold",  # gone from the list, and yet on the bad side: another condition, or not yet evaluated
    "stale_series",  # no sample since the run ended
    "prometheus_unreachable",
    "prometheus_slow",
    "prometheus_status",
    "prometheus_answer",  # too long, or of unknown shape
]


@dataclass(frozen=True)
class Verdict:
    state: Literal["cleared", "firing", "inconclusive"]
    reason: Reason
    expression: str = ""
    """The condition that was judged, at most MAX_EXPRESSION characters; the operator's text."""
    value: float | None = None
    """What its measured side was at last."""


@dataclass(frozen=True)
class Clock:
    """The time, in seconds since the epoch and of time.monotonic(), and how to let it pass."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class _Alert:
    """The alert of the event: what it is called and what it was sent with."""

    name: str
    labels: Labels
    expression: str
    """Of its rule, as its generatorURL says; empty where that says nothing."""


@dataclass(frozen=True)
class _Sample:
    labels: Labels
    value: float


def verify(
    event: Mapping[str, Any],
    settings: tier.PrometheusTarget,
    ended_at: float,
    deadline: float,
    clock: Clock = Clock(),
) -> Verdict:
    """What became of the alert of `event`, the JSON of an SREEvent, after a run that ended at `ended_at`
    (seconds since the epoch). Asks every POLL_SECONDS until it has cleared or `settings.seconds` are over,
    and never beyond the `deadline` of time.monotonic(); the last answer counts. Raises nothing for what
    Prometheus says or does."""
    try:
        alert = _alert(event)
    except SHAPE_ERRORS:
        return Verdict("inconclusive", "bad_event")
    left = ended_at + settings.seconds - clock.now()
    until = clock.monotonic() + min(float(settings.seconds), left)
    api = _Api(settings.url, deadline, clock)
    try:
        while True:
            verdict = _look(api, alert, ended_at)
            wait = min(POLL_SECONDS, until - clock.monotonic())
            if verdict.state == "cleared" or wait <= 0 or clock.monotonic() + wait >= deadline:
                return verdict
            clock.sleep(wait)
    finally:
        api.close()


def _alert(event: Mapping[str, Any]) -> _Alert:
    raw = event["raw_payload"]
    labels = {str(name): str(value) for name, value in raw["labels"].items()}
    try:
        query = parse_qs(urlsplit(raw.get("generatorURL") or "").query)
    except SHAPE_ERRORS:  # it only helps to choose
        query = {}
    return _Alert(labels["alertname"], labels, query.get("g0.expr", [""])[0].strip())


def _look(api: _Api, alert: _Alert, ended_at: float) -> Verdict:
    """What Prometheus says now."""
    try:
        rules = list(_rules(api, alert))
        if not rules:
            return Verdict("inconclusive", "no_rule")
        verdicts = [_judged(api, alert, rule, interval, ended_at) for rule, interval in rules]
    except Unavailable as error:
        return Verdict("inconclusive", error.code)  # type: ignore[arg-type]
    except SHAPE_ERRORS:
        return Verdict("inconclusive", "prometheus_answer")
    return _worst(verdicts)


def _worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Firing if one is, cleared if all are."""
    return min(verdicts, key=lambda verdict: ("firing", "inconclusive", "cleared").index(verdict.state))


def _rules(api: _Api, alert: _Alert) -> Iterator[tuple[Mapping[str, Any], float]]:
    """The rules that may have made the alert, each with the seconds between its evaluations. What a template
    makes of a label is not known here. Of several the one counts whose expression the alert names."""
    found = [
        (rule, float(group.get("interval") or 0))
        for group in api.get("rules", {"type": "alert", "rule_name[]": alert.name})["groups"]
        for rule in group["rules"]
        if rule.get("type") == "alerting" and rule["name"] == alert.name
        if all("{{" in value or alert.labels.get(name) == value for name, value in _static(rule).items())
    ]
    named = [each for each in found if each[0]["query"].strip() == alert.expression]
    return iter(named or found)


def _static(rule: Mapping[str, Any]) -> Labels:
    """The labels that the rule itself gives to its alerts."""
    return rule.get("labels") or {}


def _judged(api: _Api, alert: _Alert, rule: Mapping[str, Any], interval: float, ended_at: float) -> Verdict:
    """What becomes of one rule: first whether it is evaluated at all, then its list, then its series."""
    evaluated = datetime.fromisoformat(rule["lastEvaluation"]).timestamp()
    overdue = max(MIN_STUCK_SECONDS, STUCK_INTERVALS * interval)
    expression = cut(rule["query"], MAX_EXPRESSION)
    if rule.get("health") != "ok" and evaluated > 0:  # before its first evaluation it is `unknown`
        return Verdict("inconclusive", "rule_failing", expression)
    if evaluated <= max(ended_at, api.clock.now() - overdue):
        return Verdict("inconclusive", "not_evaluated", expression)
    listed = [each["labels"] for each in rule.get("alerts") or ()]
    if own(listed, alert.labels):
        return Verdict("firing", "active", expression)
    if any(labels.items() <= alert.labels.items() for labels in listed):
        return Verdict("inconclusive", "ambiguous", expression)
    tree = api.parsed(rule["query"])
    if tree is None:
        return Verdict("inconclusive", "not_understood", expression)
    judged = [_Condition(api, alert, rule, ended_at).verdict(each) for each in conditions(tree)]
    return _worst(judged) if judged else Verdict("inconclusive", "no_threshold", expression)


@dataclass(frozen=True)
class _Condition:
    """A comparison, or absent(), of a rule whose alert is gone: is its series alive and good?"""

    api: _Api
    alert: _Alert
    rule: Mapping[str, Any]
    ended_at: float

    def verdict(self, node: Node) -> Verdict:
        told = cut(promql(node), MAX_EXPRESSION)
        if is_absent(node):
            alive = self._is_alive(node, self.alert.labels)
            return (
                Verdict("cleared", "present", told) if alive else Verdict("inconclusive", "no_series", told)
            )
        good = opposite(node)
        if self.api.parsed(promql(good)) != good:
            return Verdict("inconclusive", "not_understood", told)
        samples = self._own(promql(good))
        if not samples:
            return Verdict("inconclusive", "no_series", told)
        value = next((sample.value for sample in self._own(promql(measured(node)))), None)
        if value is not None and math.isnan(value):
            return Verdict("inconclusive", "no_number", told)
        value = value if value is None or math.isfinite(value) else None
        if any(sample.value != 1 for sample in samples):
            return Verdict("inconclusive", "above_threshold", told, value)
        if not self._is_alive(node, samples[0].labels):
            return Verdict("inconclusive", "stale_series", told, value)
        return Verdict("cleared", "good_sample", told, value)

    def _own(self, query: str) -> list[_Sample]:
        """The samples of the alert's own series. The rule's labels replace the series' own of that name."""
        replaced = {"__name__", "alertname", *_static(self.rule)}
        found = [_Sample(without(each.labels, replaced), each.value) for each in self.api.query(query)]
        mine = own([sample.labels for sample in found], without(self.alert.labels, replaced))
        return [sample for sample in found if sample.labels in mine]

    def _is_alive(self, node: Node, labels: Labels) -> bool:
        """Whether each selector has a sample that was taken after the run and agrees with the labels. An
        instant query carries the time of its evaluation; timestamp() of a bare selector tells a sample's."""
        asked = {promql(now(each)) for each in selectors(node)}
        since = max(self.ended_at, self.api.clock.now() - MAX_AGE_SECONDS)
        return 0 < len(asked) <= MAX_SELECTORS and all(
            any(
                sample.value > since and agree(sample.labels, labels)
                for sample in self.api.query(f"timestamp({selector})")
            )
            for selector in asked
        )


def own(candidates: Sequence[Labels], labels: Labels) -> list[Labels]:
    """Those candidates that are the alert with these labels. An alert carries all labels of its series and
    more: the rule's, and those that Prometheus and Alertmanager add. So a candidate is it if it says what the
    alert says under every name that any candidate has; one that says less is another series."""
    names = {name for candidate in candidates for name in candidate}
    wanted = {name: value for name, value in labels.items() if name in names}
    return [candidate for candidate in candidates if dict(candidate) == wanted]


def agree(one: Labels, other: Labels) -> bool:
    """Whether no label that both have differs."""
    return all(other.get(name, value) == value for name, value in one.items())


def without(labels: Labels, names: set[str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name not in names}


@dataclass(frozen=True)
class _Api:
    """Prometheus' HTTP API: https://prometheus.io/docs/prometheus/latest/querying/api/. Each question has
    REQUEST_SECONDS and MAX_BYTES, all of them together the deadline. Raises Unavailable with a Reason."""

    url: str
    deadline: float
    clock: Clock
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4, "prometheus"))

    def close(self) -> None:
        self.threads.shutdown(wait=False, cancel_futures=True)

    def get(self, path: str, parameters: Mapping[str, str]) -> Any:
        return self._ask("GET", path, {"params": parameters})

    def parsed(self, expression: str) -> Node | None:
        """The syntax tree; None where Prometheus cannot make one, or is older than 3.0."""
        try:
            tree: Node = self._ask("POST", "parse_query", {"data": {"query": expression}})
        except Unavailable as error:
            if error.code == "prometheus_status":
                return None
            raise
        return tree

    def query(self, expression: str) -> list[_Sample]:
        """The samples of an instant vector, now; histograms are left out, they are on no side."""
        told = self._ask("POST", "query", {"data": {"query": expression, "timeout": f"{REQUEST_SECONDS:g}s"}})
        return [
            _Sample(dict(each["metric"].items()), float(each["value"][1]))
            for each in told["result"]
            if "value" in each
        ]

    def _ask(self, method: str, path: str, asked: Mapping[str, Any]) -> Any:
        """The answer's data."""
        seconds = min(REQUEST_SECONDS, self.deadline - self.clock.monotonic())
        slow = Unavailable("prometheus_slow", "Prometheus took too long: see report.prometheus of the tier")
        if seconds <= 0:
            raise slow
        address = f"{self.url.rstrip('/')}/api/v1/{path}"
        with _connected(self.url, seconds) as client:
            told = self.threads.submit(_body, client, method, address, asked, seconds)
            answer = http.parsed(http.result_within(seconds, told, slow), _odd("JSON"))
        if not isinstance(answer, dict) or answer.get("status") != "success":
            raise _odd("a success")
        return answer["data"]


def _connected(url: str, seconds: float) -> httpx.Client:
    import httpx

    try:
        return http.connect(url, seconds, min(seconds, CONNECT_SECONDS))
    except httpx.InvalidURL:
        what = "the URL of report.prometheus is none: correct it in the tier"
        raise Unavailable("prometheus_unreachable", what) from None


def _body(client: httpx.Client, method: str, address: str, asked: Any, seconds: float) -> bytes:
    import httpx

    over = _odd(f"complete within {MAX_BYTES} bytes and {REQUEST_SECONDS:g} s")
    try:
        with client.stream(method, address, headers=http.PLAIN, **asked) as response:
            if response.status_code != 200:
                what = f"Prometheus answered {response.status_code}, wanted 200: see report.prometheus"
                raise Unavailable("prometheus_status", what)
            return http.body(response, MAX_BYTES, time.monotonic() + seconds, over)
    except httpx.TimeoutException:
        raise Unavailable("prometheus_slow", "Prometheus took too long: see report.prometheus") from None
    except (httpx.HTTPError, OSError, RuntimeError) as error:  # the latter two from a line cut at the end
        what = f"Prometheus cannot be asked ({type(error).__name__}): see report.prometheus of the tier"
        raise Unavailable("prometheus_unreachable", what) from None


def _odd(wanted: str) -> Unavailable:
    return Unavailable("prometheus_answer", f"Prometheus' answer is not {wanted}: is it one?")
