"""The alerts that kube-prometheus-stack ships, through the whole path: none orders anything destroyed. The
data set of their subjects has all of them."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

import pytest
import yaml

from function.dispatch.ports import Dependencies
from tests.harness.components import GO_BRACES, Missing, stock_rules
from tests.harness.corpus import verdict
from tests.harness.offline import offline
from tests.harness.process import ROOT

pytestmark = pytest.mark.real

app = pytest.fixture(scope="module")(offline)

ACTION = re.compile(r"\{\{.*?\}\}")
SUBJECTS = ROOT / "tests" / "cases" / "stock_rules.yaml"


def stock() -> Iterator[dict[str, Any]]:
    """Each alert as an entry of the corpus; what a template puts in is `x`."""
    try:
        rules = stock_rules()
    except Missing as missing:
        if os.environ.get("REQUIRE_REAL") == "1":
            raise
        pytest.skip(str(missing))
    for path in sorted(rules.glob("*.yaml")):
        for block in re.split(r"\n    - alert: ", path.read_text(encoding="utf-8"))[1:]:
            yield entry(ACTION.sub("x", GO_BRACES.sub(r"\1", block)))


def entry(block: str) -> dict[str, Any]:
    texts = re.findall(r"^        (description|summary|runbook_url): (.*)$", block, re.M)
    (expression,) = re.findall(r"^      expr: (?:\|-\n((?:        .*\n)+)|(.*)$)", block, re.M)
    name = block.partition("\n")[0].strip()
    return {
        "name": name,
        "verdict": "innocent",
        "labels": {"alertname": name, "namespace": "shop"},
        "annotations": {name: text.strip("'\"") for name, text in texts},
        "generatorURL": f"http://prometheus:9090/graph?g0.expr={quote_plus(''.join(expression))}&g0.tab=1",
    }


def test_no_stock_alert_is_blocked_or_suspected(app: Dependencies) -> None:
    entries = list(stock())
    assert len(entries) == 155  # of chart 88.6.1; without this a parser that lost some would pass
    found = [(alert["name"], verdict(alert, app)) for alert in entries]
    assert [alert for alert in found if alert[1] != "innocent"] == []


def test_the_data_set_of_subjects_has_every_stock_alert_and_no_other() -> None:
    groups = yaml.load(SUBJECTS.read_text(encoding="utf-8"), yaml.CSafeLoader)
    chart = Counter(rule["alert"] for group in groups if "values" not in group for rule in group["rules"])
    ours = {rule["alert"] for group in groups if "values" in group for rule in group["rules"]}
    assert chart == Counter(alert["name"] for alert in stock())
    assert ours <= set(chart)
