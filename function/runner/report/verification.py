"""Whether an alert cleared after a run: asked of Prometheus, never guessed.

An alert has cleared if its rule was evaluated after the run and does not list it any more, and if its own
series is alive and on the good side of the threshold. Prometheus' own parser takes the rule's expression
apart. No text of the alert is ever part of a query: labels are compared here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from function.runner import tier
from function.runner.report.condition import MAX_EXPRESSION, Condition, Labels, Verdict, own, worst
from function.runner.report.promql import conditions
from function.runner.report.questions import BOUNDS, SETTING, SYSTEM_CLOCK, Clock, Questions
from function.shared.errors import Unavailable
from function.shared.http import SHAPE_ERRORS
from function.shared.prometheus import Prometheus
from function.shared.text import cut

POLL_SECONDS = 15.0
MIN_OVERDUE_SECONDS = 60.0
OVERDUE_INTERVALS = 3.0
"""An evaluation is overdue after so many intervals of its group, but not before MIN_OVERDUE_SECONDS."""


@dataclass(frozen=True)
class _Alert:
    """The alert of the event."""

    name: str
    labels: Labels
    expression: str
    """Of its rule, from its generatorURL; empty if that names none."""


def verify(
    event: Mapping[str, Any],
    settings: tier.PrometheusTarget,
    ended_at: float,
    deadline: float,
    clock: Clock = SYSTEM_CLOCK,
) -> Verdict:
    """The verdict about the alert of `event`, the JSON of an SREEvent, after a run that ended at `ended_at`
    (seconds since the epoch).

    It asks every POLL_SECONDS until the alert has cleared or `settings.seconds` have passed, and never after
    the `deadline` of time.monotonic(). The last answer counts. Whatever goes wrong is inconclusive."""
    try:
        alert = _alert(event)
    except SHAPE_ERRORS:
        return Verdict("inconclusive", "bad_event")
    left = ended_at + settings.seconds - clock.now()
    until = clock.monotonic() + min(float(settings.seconds), left)
    questions = Questions(Prometheus(settings.url, BOUNDS, SETTING), deadline, clock)
    try:
        while True:
            verdict = _verdict_now(questions, alert, ended_at)
            wait = min(POLL_SECONDS, until - clock.monotonic())
            if verdict.state == "cleared" or wait <= 0 or clock.monotonic() + wait >= deadline:
                return verdict
            clock.sleep(wait)
    finally:
        questions.close()


def _alert(event: Mapping[str, Any]) -> _Alert:
    raw = event["raw_payload"]
    labels = {str(name): str(value) for name, value in raw["labels"].items()}
    try:
        query = parse_qs(urlsplit(raw.get("generatorURL") or "").query)
    except SHAPE_ERRORS:  # the expression is optional
        query = {}
    return _Alert(labels["alertname"], labels, query.get("g0.expr", [""])[0].strip())


def _verdict_now(questions: Questions, alert: _Alert, ended_at: float) -> Verdict:
    try:
        rules = list(_rules(questions, alert))
        if not rules:
            return Verdict("inconclusive", "no_rule")
        return worst([_judged(questions, alert, rule, interval, ended_at) for rule, interval in rules])
    except Unavailable as error:
        return Verdict("inconclusive", error.code)  # type: ignore[arg-type]
    except SHAPE_ERRORS:
        return Verdict("inconclusive", "prometheus_answer")


def _rules(questions: Questions, alert: _Alert) -> Iterator[tuple[Mapping[str, Any], float]]:
    """The rules that may have made the alert, each with the seconds between its evaluations.

    A label with a template can have any value. If several rules fit, those count whose expression the alert
    names."""
    found = [
        (rule, float(group.get("interval") or 0))
        for group in questions.alerting_rules(alert.name)["groups"]
        for rule in group["rules"]
        if rule.get("type") == "alerting" and rule["name"] == alert.name
        if all("{{" in value or alert.labels.get(name) == value for name, value in _labels(rule).items())
    ]
    named = [each for each in found if each[0]["query"].strip() == alert.expression]
    return iter(named or found)


def _labels(rule: Mapping[str, Any]) -> Labels:
    """The labels that the rule adds to its alerts."""
    return rule.get("labels") or {}


def _judged(
    questions: Questions, alert: _Alert, rule: Mapping[str, Any], interval: float, ended_at: float
) -> Verdict:
    """The verdict by one rule: first whether it is evaluated, then its list of alerts, then the series."""
    evaluated = datetime.fromisoformat(rule["lastEvaluation"]).timestamp()
    overdue = max(MIN_OVERDUE_SECONDS, OVERDUE_INTERVALS * interval)
    expression = cut(rule["query"], MAX_EXPRESSION)
    if rule.get("health") != "ok" and evaluated > 0:  # before its first evaluation it is `unknown`
        return Verdict("inconclusive", "rule_failing", expression)
    if evaluated <= max(ended_at, questions.clock.now() - overdue):
        return Verdict("inconclusive", "not_evaluated", expression)
    listed = [each["labels"] for each in rule.get("alerts") or ()]
    if own(listed, alert.labels):
        return Verdict("firing", "active", expression)
    if any(labels.items() <= alert.labels.items() for labels in listed):
        return Verdict("inconclusive", "ambiguous", expression)
    tree = questions.syntax_tree(rule["query"])
    if tree is None:
        return Verdict("inconclusive", "not_understood", expression)
    condition = Condition(questions, alert.labels, _labels(rule), ended_at)
    judged = [condition.verdict(each) for each in conditions(tree)]
    return worst(judged) if judged else Verdict("inconclusive", "no_threshold", expression)
