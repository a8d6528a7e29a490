"""Verifies with Prometheus whether an alert cleared after a run.

An alert has cleared if two conditions are true. Prometheus evaluated the rule after the run, and the rule
does not list the alert any more. The alert's own series has a new sample on the good side of the threshold.
Prometheus' own parser parses the rule's expression. A query never contains text of the alert: this module
compares the labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from function.runner import tier
from function.runner.report.condition import MAX_EXPRESSION, Condition, Labels, Verdict, own, worst
from function.runner.report.promql import conditions
from function.runner.report.questions import BOUNDS, SETTING, SYSTEM_CLOCK, Clock, Questions
from function.shared.errors import Unavailable
from function.shared.event import rule_expression
from function.shared.http import SHAPE_ERRORS
from function.shared.prometheus import Prometheus
from function.shared.text import cut

POLL_SECONDS = 15.0
MIN_OVERDUE_SECONDS = 60.0
OVERDUE_INTERVALS = 3.0
"""The number of intervals of a rule group after which an evaluation is overdue. It is never overdue before
MIN_OVERDUE_SECONDS."""


@dataclass(frozen=True)
class _Alert:
    """The alert of the event."""

    name: str
    labels: Labels
    expression: str
    """The expression of the alert's rule, from the alert's generatorURL. It is empty if the URL contains
    none."""


def verify(
    event: Mapping[str, Any],
    settings: tier.PrometheusTarget,
    ended_at: float,
    deadline: float,
    clock: Clock = SYSTEM_CLOCK,
) -> Verdict:
    """Returns the verdict about the alert of `event` after a run. `event` is the JSON of an SREEvent.
    `ended_at` is the end of the run in seconds since the epoch.

    It queries Prometheus every POLL_SECONDS until the alert has cleared or `settings.seconds` have passed. It
    stops at `deadline` (a time of time.monotonic()). The last verdict counts. After an error the verdict is
    `inconclusive`."""
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
    return _Alert(labels["alertname"], labels, rule_expression(raw.get("generatorURL")))


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
    """Returns the rules that may have created the alert. Each rule has the seconds between its evaluations.

    A label with a template can have any value. If several rules match, only rules with the alert's expression
    count."""
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
    """Returns the labels that the rule adds to its alerts."""
    return rule.get("labels") or {}


def _judged(
    questions: Questions, alert: _Alert, rule: Mapping[str, Any], interval: float, ended_at: float
) -> Verdict:
    """Returns the verdict by one rule. It checks the last evaluation, then the list of alerts, then the
    series."""
    evaluated = datetime.fromisoformat(rule["lastEvaluation"]).timestamp()
    overdue = max(MIN_OVERDUE_SECONDS, OVERDUE_INTERVALS * interval)
    expression = cut(rule["query"], MAX_EXPRESSION)
    if rule.get("health") != "ok" and evaluated > 0:  # `unknown` before the first evaluation
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
