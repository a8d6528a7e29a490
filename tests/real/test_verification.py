"""Whether an alert cleared, as a real Prometheus tells it: real rules, real scrapes, a second apart."""

from __future__ import annotations

import re
import signal
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from function.runner import tier
from function.runner.report.condition import MAX_SELECTORS, Verdict
from function.runner.report.promql import conditions, opposite, promql, selectors
from function.runner.report.questions import Clock
from function.runner.report.verification import verify
from tests.harness.components import GO_BRACES, need, stock_rules
from tests.harness.rules import Exporter, Ruled, ruled

pytestmark = [pytest.mark.real]

FULL = "volume_used_bytes / volume_capacity_bytes"
RULES: list[dict[str, Any]] = [
    {"alert": "Full", "expr": f"{FULL} > 0.75", "labels": {"severity": "warning"}},
    {"alert": "Full", "expr": f"{FULL} > 0.9", "labels": {"severity": "critical"}},
    {"alert": "Slow", "expr": f"{FULL} > 0.75", "for": "1h", "labels": {"what": "{{ $labels.volume }}"}},
    {"alert": "Kept", "expr": f"{FULL} > 0.75", "keep_firing_for": "1h"},
    {"alert": "Down", "expr": "up == 0"},
    {"alert": "Silent", "expr": 'absent(heartbeat{of="db"})'},
    {"alert": "Always", "expr": "vector(1)"},
    {"alert": "Short", "expr": "wanted > ready"},
    {"alert": "Worst", "expr": "max by (kind) (1 - free_ratio) >= 0.5 and on () up"},
    {"alert": "Waiting", "expr": 'waiting_reason{reason="CrashLoopBackOff"} == 1'},
    {"alert": "Filling", "expr": "predict_linear(free_bytes[10s], 60) < 0"},
    {"alert": "Either", "expr": "(skew > 5 and on () up) or skew < -5"},
    {"alert": "Hidden", "expr": "hidden_ratio > 0.5 unless on (volume) excluded"},
]
ONE, OTHER = (f'{{volume="{volume}",namespace="shop"}}' for volume in ("one", "other"))
PATIENT = 40
"""Seconds within which what has to happen does; a test that passes is done long before."""
BRIEF = 4


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ruled]:
    need("prometheus")
    with ruled(tmp_path_factory.mktemp("prometheus"), RULES) as told:
        yield told


@pytest.fixture
def exporter(prometheus: Ruled) -> Iterator[Exporter]:
    """The exporter of the shared Prometheus, with two volumes over every threshold."""
    prometheus.exporter.samples = volumes()
    yield prometheus.exporter
    prometheus.exporter.samples, prometheus.exporter.dead = {}, False


def volumes(one: str = "95", other: str = "95") -> dict[str, str]:
    return {
        f"volume_used_bytes{ONE}": one,
        f"volume_used_bytes{OTHER}": other,
        f"volume_capacity_bytes{ONE}": "100",
        f"volume_capacity_bytes{OTHER}": "100",
    }


def asked(
    prometheus: Ruled,
    event: dict[str, Any],
    seconds: int = PATIENT,
    meanwhile: Callable[[], None] = lambda: None,
    ended_at: float | None = None,
) -> Verdict:
    """The verdict on a run that ends now, asked several times a second; `meanwhile` happens in a pause."""

    def sleep(wait: float) -> None:
        time.sleep(min(wait, 0.2))
        meanwhile()

    ended_at = time.time() if ended_at is None else ended_at
    given = tier.PrometheusTarget(prometheus.url, seconds)
    return verify(event, given, ended_at, time.monotonic() + 120, Clock(sleep=sleep))


def told(verdict: Verdict) -> tuple[str, str]:
    return verdict.state, verdict.reason


def test_a_series_below_its_threshold_has_cleared_with_its_value(
    prometheus: Ruled, exporter: Exporter
) -> None:
    event = prometheus.fired("Full", severity="warning", volume="one")
    exporter.samples = volumes(one="40")
    assert asked(prometheus, event) == Verdict("cleared", "good_sample", f"{FULL} > 0.75", 0.4)


def test_one_that_stays_is_firing(prometheus: Ruled, exporter: Exporter) -> None:
    event = prometheus.fired("Full", severity="warning", volume="one")
    assert told(asked(prometheus, event, BRIEF)) == ("firing", "active")


def test_of_two_rules_of_one_name_the_one_of_the_alerts_severity_counts(
    prometheus: Ruled, exporter: Exporter
) -> None:
    critical = prometheus.fired("Full", severity="critical", volume="one")
    warning = prometheus.fired("Full", severity="warning", volume="one")
    exporter.samples = volumes(one="80")
    assert asked(prometheus, critical) == Verdict("cleared", "good_sample", f"{FULL} > 0.9", 0.8)
    assert told(asked(prometheus, warning, BRIEF)) == ("firing", "active")


def test_a_series_that_vanished_is_inconclusive(prometheus: Ruled, exporter: Exporter) -> None:
    event = prometheus.fired("Full", severity="warning", volume="one")
    exporter.samples = {series: value for series, value in volumes().items() if "other" in series}
    assert told(asked(prometheus, event, 8)) == ("inconclusive", "no_series")


def test_so_is_a_dead_exporter(prometheus: Ruled, exporter: Exporter) -> None:
    event = prometheus.fired("Full", severity="warning", volume="one")
    exporter.dead = True
    assert told(asked(prometheus, event, 8)) == ("inconclusive", "no_series")


def test_a_sample_from_before_the_end_proves_nothing(prometheus: Ruled, exporter: Exporter) -> None:
    used, capacity = (f'volume_{of}_bytes{{volume="dated"}}' for of in ("used", "capacity"))
    exporter.samples = {used: f"95 {time.time() * 1000:.0f}", capacity: "100"}
    event = prometheus.fired("Full", severity="warning", volume="dated")
    exporter.samples = {used: f"40 {time.time() * 1000:.0f}", capacity: "100"}
    time.sleep(2.5)
    verdict = asked(prometheus, event, 5)
    assert told(verdict) == ("inconclusive", "stale_series") and verdict.value == 0.4


def test_a_new_label_on_the_series_makes_it_another(prometheus: Ruled, exporter: Exporter) -> None:
    event = prometheus.fired("Full", severity="warning", volume="one")
    moved = {series.replace('"}', '",node="b"}'): value for series, value in volumes("40", "40").items()}
    exporter.samples = moved
    assert told(asked(prometheus, event, 8)) == ("inconclusive", "no_series")


def test_an_alert_that_is_pending_again_is_firing(prometheus: Ruled, exporter: Exporter) -> None:
    event = prometheus.fired("Slow", volume="one")
    assert event["raw_payload"]["labels"]["what"] == "one"
    assert told(asked(prometheus, event, BRIEF)) == ("firing", "active")
    exporter.samples = volumes(one="40")
    assert told(asked(prometheus, event)) == ("cleared", "good_sample")


def test_one_that_is_kept_firing_is_firing(prometheus: Ruled, exporter: Exporter) -> None:
    event = prometheus.fired("Kept", volume="one")
    exporter.samples = volumes(one="40")
    assert told(asked(prometheus, event, BRIEF)) == ("firing", "active")


@pytest.mark.parametrize(
    ("name", "bad", "good", "expected"),
    [
        ("Short", {"wanted": "3", "ready": "1"}, {"wanted": "3", "ready": "3"}, 3),
        ("Worst", {'free_ratio{kind="a"}': "0.1"}, {'free_ratio{kind="a"}': "0.9"}, pytest.approx(0.1)),
        ("Either", {"skew": "9"}, {"skew": "1"}, 1),
        ("Either", {"skew": "-9"}, {"skew": "1"}, 1),
        ("Silent", {}, {'heartbeat{of="db"}': "1"}, None),
        (
            "Waiting",
            {'waiting_reason{reason="CrashLoopBackOff"}': "1"},
            {'waiting_reason{reason="CrashLoopBackOff"}': "0"},
            0,
        ),
    ],
)
def test_every_kind_of_condition_clears(
    prometheus: Ruled,
    exporter: Exporter,
    name: str,
    bad: dict[str, str],
    good: dict[str, str],
    expected: float | None,
) -> None:
    exporter.samples = bad
    event = prometheus.fired(name)
    exporter.samples = good
    verdict = asked(prometheus, event)
    assert (verdict.state, verdict.value) == ("cleared", expected)


def test_a_prediction_clears_when_the_trend_does(prometheus: Ruled, exporter: Exporter) -> None:
    left = iter(range(100, 0, -10))
    event = None
    while event is None:
        exporter.samples = {"free_bytes": str(next(left))}
        time.sleep(1)
        rules = prometheus.alerting("Filling")
        event = prometheus.fired("Filling") if rules[0]["alerts"] else None
    exporter.samples = {"free_bytes": "500"}
    assert told(asked(prometheus, event)) == ("cleared", "good_sample")


def test_a_target_that_is_back_clears(prometheus: Ruled, exporter: Exporter) -> None:
    exporter.dead = True
    event = prometheus.fired("Down")
    exporter.dead = False
    verdict = asked(prometheus, event)
    assert verdict == Verdict("cleared", "good_sample", "up == 0", 1)


def test_an_alert_that_another_condition_hides_has_not_cleared(prometheus: Ruled, exporter: Exporter) -> None:
    exporter.samples = {'hidden_ratio{volume="one"}': "0.9"}
    event = prometheus.fired("Hidden")
    exporter.samples |= {'excluded{volume="one"}': "1"}
    verdict = asked(prometheus, event, 6)
    assert told(verdict) == ("inconclusive", "above_threshold") and verdict.value == 0.9


def test_a_reason_that_is_no_longer_told_is_inconclusive(prometheus: Ruled, exporter: Exporter) -> None:
    exporter.samples = {'waiting_reason{reason="CrashLoopBackOff"}': "1"}
    event = prometheus.fired("Waiting")
    exporter.samples = {}
    assert told(asked(prometheus, event, 6)) == ("inconclusive", "no_series")


def test_an_alert_that_nobody_has_a_rule_for_is_inconclusive(prometheus: Ruled, exporter: Exporter) -> None:
    event = prometheus.fired("Full", severity="warning", volume="one")
    for labels in ({"alertname": "Unknown"}, {"severity": "info"}):
        other = {"raw_payload": {"labels": {**event["raw_payload"]["labels"], **labels}}}
        assert told(asked(prometheus, other, 0)) == ("inconclusive", "no_rule")


def test_nothing_is_decided_before_an_evaluation_after_the_run(prometheus: Ruled, exporter: Exporter) -> None:
    event = prometheus.fired("Full", severity="warning", volume="one")
    exporter.samples = volumes(one="40")
    assert told(asked(prometheus, event)) == ("cleared", "good_sample")
    soon = time.time() + 3600
    assert told(asked(prometheus, event, 0, ended_at=soon)) == ("inconclusive", "not_evaluated")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Ruled]:
    """A Prometheus for one test, which may do to it what it likes."""
    need("prometheus")
    with ruled(tmp_path, [*RULES[:2], {"alert": "Pairs", "expr": "pair * on () other > 0"}]) as told:
        told.exporter.samples = volumes()
        yield told


def once(does: Callable[[], object]) -> Callable[[], None]:
    """Does it when called for the first time."""
    left = [does]

    def do() -> None:
        if left:
            left.pop()()

    return do


def test_a_rule_that_is_gone_is_inconclusive(own: Ruled) -> None:
    event = own.fired("Full", severity="warning", volume="one")
    own.reload(RULES[1:2])
    assert told(asked(own, event, 2)) == ("inconclusive", "no_rule")


def test_a_rule_that_fails_is_inconclusive_though_its_alert_is_still_listed(own: Ruled) -> None:
    own.exporter.samples = {"pair": "1", "other": "1"}
    event = own.fired("Pairs")
    own.exporter.samples = {'pair{of="a"}': "1", 'other{of="a"}': "1", 'other{of="b"}': "1"}
    assert told(asked(own, event, 6)) == ("inconclusive", "rule_failing")


def test_a_prometheus_that_was_killed_is_inconclusive_and_its_return_is_noticed(own: Ruled) -> None:
    event = own.fired("Full", severity="warning", volume="one")
    own.exporter.samples = volumes(one="40")
    own.process.kill()
    assert told(asked(own, event, 1)) == ("inconclusive", "prometheus_unreachable")
    back = once(own.process.start)
    assert told(asked(own, event, meanwhile=back)) == ("cleared", "good_sample")


def test_a_restart_clears_nothing(own: Ruled) -> None:
    event = own.fired("Full", severity="warning", volume="one")
    assert told(asked(own, event, 10, once(own.restart))) == ("firing", "active")


def test_one_that_is_stopped_is_slow_and_when_it_goes_on_it_is_asked_again(own: Ruled) -> None:
    event = own.fired("Full", severity="warning", volume="one")
    own.exporter.samples = volumes(one="40")
    own.process.signal(signal.SIGSTOP)
    assert told(asked(own, event, 1)) == ("inconclusive", "prometheus_slow")
    on = once(lambda: own.process.signal(signal.SIGCONT))
    assert told(asked(own, event, meanwhile=on)) == ("cleared", "good_sample")


def test_labels_with_any_text_in_them_are_only_compared(own: Ruled) -> None:
    name = r"a\"} or vector(1) > 0 #\n{{ $value }} \\"
    own.exporter.samples = {
        f'volume_used_bytes{{volume="{name}"}}': "95",
        f'volume_capacity_bytes{{volume="{name}"}}': "100",
    }
    event = own.fired("Full", severity="warning")
    own.exporter.samples = {series: "40" if "used" in series else "100" for series in own.exporter.samples}
    assert told(asked(own, event)) == ("cleared", "good_sample")


@pytest.fixture(scope="module")
def parsed(prometheus: Ruled) -> Iterator[Callable[[str], Any]]:
    """The syntax tree that Prometheus makes of an expression."""
    with httpx.Client(base_url=prometheus.url, timeout=10, trust_env=False) as client:

        def parsed(expression: str) -> Any:
            answer = client.post("/api/v1/parse_query", data={"query": expression}).json()
            assert answer["status"] == "success", (expression, answer)
            return answer["data"]

        yield parsed


TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
LABELS = TEXTS.filter(lambda name: name not in ("", "__name__"))


@given(label=LABELS, value=TEXTS)
@example(label="\ufffd", value="\U0001f600\ufffd\x00")
def test_no_text_ends_the_string_or_the_label_that_it_stands_in(
    parsed: Callable[[str], Any], label: str, value: str
) -> None:
    tree = parsed('up{x="y"}')
    tree["matchers"][0] = {"name": label, "type": "=", "value": value}
    assert parsed(promql(tree)) == tree


EXPRESSIONS = [
    'sum by (job, "a.b") (rate(a[5m] offset 1m)) > bool 1',
    "sum without () (a) unless ignoring (x) b or on () c and a",
    'quantile(0.9, a{x!~"y|z"}) == -1',
    'count_values("v", {"a.b", "c.d"="1"}) != Inf',
    "max_over_time((a * on (x) group_left (y) b)[5m:1m] @ end()) % 2 ^ 3",
    "a[5m:] offset -5m",
    "-a @ 1609746000.123 > 1e-9",
    "a / ignoring (x) group_right b >= (time() - 0x10)",
    'label_replace(a, "x", "$1", "y", "(.*)\\n") <= NaN',
    "topk(3, a) atan2 +b",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_printed_text_is_parsed_to_the_same_tree(parsed: Callable[[str], Any], expression: str) -> None:
    tree = parsed(expression)
    assert parsed(promql(tree)) == tree


FILLS = (
    (r'namespace\{\{[^}]*\}\}"', 'namespace=~"'),
    (r"(?<=,)\{\{[^}]*\}\}(?=,)", 'fstype!=""'),
    (r"(?<=< )\{\{[^}]*\}\}", "604800"),
    (r"\{\{.*?\}\}", "x"),
)
"""What a Helm template of the chart puts in where `x` would be no PromQL."""


def stock() -> Iterator[tuple[str, str]]:
    """Name and expression of each alert of kube-prometheus-stack."""
    for path in sorted(stock_rules().glob("*.yaml")):
        for block in re.split(r"\n    - alert: ", path.read_text(encoding="utf-8"))[1:]:
            text = GO_BRACES.sub(r"\1", block)
            for found, put in FILLS:
                text = re.sub(found, put, text)
            (expression,) = re.findall(r"^      expr: (?:\|-\n((?:        .*\n)+)|(.*)$)", text, re.M)
            yield block.partition("\n")[0].strip(), textwrap.dedent("".join(expression))


WITHOUT = {"Watchdog", "InfoInhibitor", "KubeletDown", "PrometheusOperatorNotReady"}
WITHOUT |= {"KubeStatefulSetUpdateNotRolledOut"}
"""Stock alerts whose expression compares nothing on the side that gives the alert its labels."""


def test_all_other_stock_alerts_have_a_condition_that_can_be_asked_for(
    parsed: Callable[[str], Any],
) -> None:
    found = []
    for name, expression in stock():
        tree = parsed(expression)
        assert parsed(promql(tree)) == tree
        judged = conditions(tree)
        found.append((name, bool(judged)))
        for good in (opposite(node) for node in judged if node["type"] == "binaryExpr"):
            assert parsed(promql(good)) == good
        assert all(len({promql(each) for each in selectors(node)}) <= MAX_SELECTORS / 2 for node in judged)
    assert len(found) == 155
    assert {name for name, is_asked in found if not is_asked} == WITHOUT
