from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from function.commands.check.retirement import FILE, WARNING_DAYS, judge, named, read
from function.shared.errors import Misconfigured
from tests.process import ROOT

DAY = date(2026, 11, 30)
RETIRES = {"claude-old-4-5": DAY, "claude-old-4-0": DAY}


@pytest.mark.parametrize(
    ("days", "standing"),
    [
        (WARNING_DAYS + 1, "current"),
        (WARNING_DAYS, "retiring"),
        (1, "retiring"),
        (0, "retired"),
        (-1, "retired"),
    ],
)
def test_a_model_is_told_of_sixty_days_before_it_retires_and_from_that_day_on(
    days: int, standing: str
) -> None:
    assert judge(["claude-old-4-5"], RETIRES, DAY - timedelta(days=days))[0] == standing


@pytest.mark.parametrize("name", ["claude-old-4-5-20250929", "claude-old-4-20250514", "claude-old-4-0"])
def test_a_name_with_the_day_of_its_release_is_the_same_model(name: str) -> None:
    assert judge([name], RETIRES, DAY)[0] == "retired"


@pytest.mark.parametrize("name", ["claude-old-4-6", "claude-old", "claude-old-4-5-preview", "sonnet"])
def test_a_model_that_the_table_does_not_name_is_current(name: str) -> None:
    assert judge([name], RETIRES, DAY) == ("current", name)


def test_a_tier_stands_as_its_worst_model_does_and_each_of_them_is_named() -> None:
    retires = {"a": DAY, "b": DAY + timedelta(days=1)}
    standing, words = judge(["b", "c", "a"], retires, DAY)
    assert standing == "retired"
    assert words.startswith("a retired on 2026-11-30; b retires on 2026-12-01: name another model")


def test_models_are_named_in_the_order_in_which_they_are_asked() -> None:
    config = {"data": {"tier.json": json.dumps({"model": "b", "fallback_models": ["c", "a"], "seconds": 1})}}
    assert named(config, "x") == ("b", "c", "a")


@pytest.mark.parametrize("told", [None, {}, {"tier.json": "{"}, {"tier.json": "[]"}, {"tier.json": "{}"}])
def test_a_config_map_without_a_model_says_what_to_apply(told: Any) -> None:
    with pytest.raises(Misconfigured, match=r"the ConfigMap x has no tier\.json.*apply knative/tiers"):
        named({"data": told}, "x")


def test_the_days_are_those_of_anthropics_own_api(tmp_path: Path) -> None:
    dates = {"a": {"firstParty": "2026-11-30", "vertex": "2027-01-01"}, "b": {"vertex": "2027-01-01"}}
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_text(json.dumps({"retires": dates}), encoding="utf-8")
    assert read(tmp_path) == {"a": DAY}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"retires": {"a": {"firstParty": "soon"}}}'])
def test_a_table_of_another_form_says_where_it_is_looked_for(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_text(content, encoding="utf-8")
    with pytest.raises(Misconfigured, match="set SRE_DISPATCH_ROOT"):
        read(tmp_path)


def test_our_own_table_is_read() -> None:
    assert read(ROOT)["claude-sonnet-4-5"] == DAY
