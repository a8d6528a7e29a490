"""Judges one condition of a rule that does not list the alert any more. The alert cleared if its own series
has a new sample on the good side of the threshold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from function.runner.report.promql import Node, is_absent, measured, now, opposite, promql, selectors
from function.runner.report.questions import Questions
from function.shared.prometheus import Sample
from function.shared.text import cut

MAX_EXPRESSION = 500
"""The maximum length of the expression in a verdict."""
MAX_SELECTORS = 16
"""The maximum number of selectors in a condition. Each selector is a request. No alert of
kube-prometheus-stack has more than 6."""
MAX_AGE_SECONDS = 300.0
"""The maximum age of a sample. Prometheus has the same default (query.lookback-delta)."""

Labels = Mapping[str, str]
Reason = Literal[
    "good_sample",  # cleared: the alert's own series is on the good side
    "present",  # cleared: the alert was about an absent series, which exists again
    "active",  # firing: the rule lists the alert as pending or firing
    "bad_event",  # the event has no alert with a name
    "no_rule",  # no rule has the name and labels of the alert
    "rule_failing",  # the health of the rule is not `ok`
    "not_evaluated",  # the rule was not evaluated after the run, or an evaluation is overdue
    "ambiguous",  # the rule lists an alert that may be this alert
    "no_threshold",  # the expression compares nothing
    "not_understood",  # the expression cannot be parsed or printed
    "no_series",  # the alert's own series does not exist
    "no_number",  # the value of the series is NaN
    "above_threshold",  # the rule does not list the alert, but the series is on the bad side
    "stale_series",  # the series has no sample after the run
    "prometheus_unreachable",
    "prometheus_slow",
    "prometheus_status",
    "prometheus_answer",  # the response is too long, or has an unexpected shape
]


@dataclass(frozen=True)
class Verdict:
    state: Literal["cleared", "firing", "inconclusive"]
    reason: Reason
    expression: str = ""
    """The condition that was judged, in at most MAX_EXPRESSION characters. The operator wrote it."""
    value: float | None = None
    """The last value of the condition's measured side."""


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Returns a firing verdict if there is one. If no verdict is firing, returns an inconclusive verdict if
    there is one. Returns a cleared verdict only if all verdicts are cleared."""
    return min(verdicts, key=lambda verdict: ("firing", "inconclusive", "cleared").index(verdict.state))


@dataclass(frozen=True)
class Condition:
    """A condition is a comparison or absent()."""

    questions: Questions
    labels: Labels
    """The labels of the alert."""
    rule_labels: Labels
    """The labels of the rule. A label of the rule replaces the label of the series with the same name."""
    ended_at: float

    def verdict(self, node: Node) -> Verdict:
        shown = cut(promql(node), MAX_EXPRESSION)
        if is_absent(node):
            if self._is_alive(node, self.labels):
                return Verdict("cleared", "present", shown)
            return Verdict("inconclusive", "no_series", shown)
        good = opposite(node)
        if self.questions.syntax_tree(promql(good)) != good:
            return Verdict("inconclusive", "not_understood", shown)
        samples = self._own(promql(good))
        if not samples:
            return Verdict("inconclusive", "no_series", shown)
        value = next((sample.value for sample in self._own(promql(measured(node)))), None)
        if value is not None and math.isnan(value):
            return Verdict("inconclusive", "no_number", shown)
        value = value if value is None or math.isfinite(value) else None
        if any(sample.value != 1 for sample in samples):
            return Verdict("inconclusive", "above_threshold", shown, value)
        if not self._is_alive(node, samples[0].labels):
            return Verdict("inconclusive", "stale_series", shown, value)
        return Verdict("cleared", "good_sample", shown, value)

    def _own(self, query: str) -> list[Sample]:
        """Returns the samples of the alert's own series."""
        replaced = {"__name__", "alertname", *self.rule_labels}
        found = [Sample(without(each.labels, replaced), each.value) for each in self.questions.query(query)]
        mine = own([sample.labels for sample in found], without(self.labels, replaced))
        return [sample for sample in found if sample.labels in mine]

    def _is_alive(self, node: Node, labels: Labels) -> bool:
        """Returns whether each selector has a sample after the run that agrees with the labels. An instant
        query returns the time of the evaluation. Only timestamp() of a plain selector returns the time of the
        sample."""
        found = {promql(now(each)) for each in selectors(node)}
        since = max(self.ended_at, self.questions.clock.now() - MAX_AGE_SECONDS)
        return 0 < len(found) <= MAX_SELECTORS and all(
            any(
                sample.value > since and agree(sample.labels, labels)
                for sample in self.questions.query(f"timestamp({selector})")
            )
            for selector in found
        )


def own(candidates: Sequence[Labels], labels: Labels) -> list[Labels]:
    """Returns the candidates that are the alert with these labels.

    An alert has all labels of its series, and labels from the rule, Prometheus and Alertmanager. So this
    function compares only the label names that a candidate has. A candidate is the alert if all these labels
    are equal. A candidate with fewer labels is another series."""
    names = {name for candidate in candidates for name in candidate}
    wanted = {name: value for name, value in labels.items() if name in names}
    return [candidate for candidate in candidates if dict(candidate) == wanted]


def agree(one: Labels, other: Labels) -> bool:
    """Returns whether the labels that both have are equal."""
    return all(other.get(name, value) == value for name, value in one.items())


def without(labels: Labels, names: set[str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name not in names}
