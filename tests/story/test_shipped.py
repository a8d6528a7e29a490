"""Shipped rules and routes, compressed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from function.dispatch.policy_files import read
from tests.harness.helm import PATCH, VALUES, configuration, load
from tests.harness.manifests import CLUSTER
from tests.harness.process import ROOT
from tests.story.shipped import MORE_RULES, RULES, overlay, routes, rules, sooner


@pytest.mark.parametrize(
    ("told", "wanted"), {"10m": "10s", "30s": "500ms", "4h": "240s", "1h30m": "90s", "5m": "5s"}.items()
)
def test_a_minute_is_a_second(told: str, wanted: str) -> None:
    assert sooner(told) == wanted


@pytest.mark.parametrize("told", ["", "ten", "10", "10m or so"])
def test_what_is_no_duration_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        sooner(told)


def test_nothing_but_waits_differs_from_the_shipped_rules() -> None:
    (group,) = load(RULES)["spec"]["groups"]
    assert [rule["for"] for rule in rules(RULES)] == ["10s", "5s"]
    assert [rule | {"for": ""} for rule in rules(RULES)] == [rule | {"for": ""} for rule in group["rules"]]


def test_the_rule_by_trend_alone_is_left_out_of_the_better_ones() -> None:
    (group,) = load(MORE_RULES)["spec"]["groups"]
    names = [rule.get("alert", rule.get("record")) for rule in group["rules"]]
    kept = [rule.get("alert", rule.get("record")) for rule in rules(MORE_RULES)]
    assert set(names) - set(kept) == {"PVCFillsWithinDay"}


def test_routes_wait_less_and_lead_to_the_same() -> None:
    shipped, told = configuration(VALUES, PATCH)["route"], routes(VALUES, PATCH)["route"]
    assert (told["group_wait"], told["group_interval"], told["repeat_interval"]) == ("500ms", "5s", "240s")
    assert told["routes"] == shipped["routes"]


def test_the_overlay_is_the_one_that_the_monitoring_page_shows(tmp_path: Path) -> None:
    (path,) = [path for path in overlay(tmp_path).rglob("*") if path.is_file()]
    on_cluster = ROOT / "tests" / "cluster" / "policies" / path.relative_to(tmp_path)
    assert path.read_text(encoding="utf-8") == on_cluster.read_text(encoding="utf-8")
    (told,) = yaml.safe_load(path.read_text(encoding="utf-8")).values()
    ours = read(ROOT / "policies").data["config"]["autonomy"]["enrolled"]["f3iai-volumes"]
    claims = {"persistentvolumeclaim": ["typedb-data", "postgres-data"]}
    assert told == ours | {"cluster": CLUSTER, "labels": ours["labels"] | claims}
