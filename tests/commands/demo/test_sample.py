from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

import pytest

from function.commands.demo import sample
from function.dispatch import translate
from function.shared.event import SREEvent
from function.shared.facts import KINDS, NAMES, Memory
from function.shared.strict_json import parse
from tests.harness.process import ROOT
from tests.harness.reading import reading

NOW = datetime(2026, 3, 29, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize("name", sample.DELIVERIES)
def test_the_world_knows_what_the_alert_is_about(name: str) -> None:
    (event,) = translate.either(parse(sample.delivery(name)), reading()).alerts
    assert isinstance(event, SREEvent)
    assert (event.cluster, event.resource_type, event.namespace, event.resource_id) == sample.CLAIM
    facts = {fact.kind: fact.data for fact in sample.context(NOW, name).facts}
    assert f"is {facts['usage']['used_percent']}% full" in event.description


@pytest.mark.parametrize("name", sample.DELIVERIES)
def test_usage_and_growth_agree(name: str) -> None:
    facts = {fact.kind: fact.data for fact in sample.context(NOW, name).facts}
    usage, growth = facts["usage"], facts["growth"]
    assert usage["used_percent"] == pytest.approx(100 * usage["used_gib"] / usage["capacity_gib"])
    left = usage["capacity_gib"] - usage["used_gib"]
    assert growth["full_in_hours"] == pytest.approx(left / growth["gib_per_hour_over_6h"])


def test_the_hour_when_it_is_full_counts_from_now() -> None:
    (growth,) = (fact for fact in sample.context(NOW).facts if fact.kind == "growth")
    assert growth.data["full_at"] == "2026-04-02T06:22Z"


def test_the_crash_was_forty_days_ago() -> None:
    assert sample.crash(NOW).at == "2026-02-17T03:10:00Z"


def test_what_differs_later_replaces_a_fact_that_is_there() -> None:
    assert set(sample.WORLD["facts_at"]) <= set(sample.DELIVERIES)
    for facts in sample.WORLD["facts_at"].values():
        assert set(facts) <= set(sample.WORLD["facts"]) <= set(KINDS) - {NAMES[Memory]}


def test_its_files_are_installed_with_the_package() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = pyproject["tool"]["setuptools"]["package-data"]
    files = [path for path in (ROOT / "function").rglob("*") if path.is_file()]
    data = [path for path in files if path.suffix not in (".py", ".pyc", ".md")]
    assert data
    for path in data:
        package = ".".join(path.parent.relative_to(ROOT).parts)
        assert any(fnmatch(path.name, pattern) for pattern in packages[package]), path


def test_the_tests_deliveries_are_the_same_files() -> None:
    for name in sample.DELIVERIES:
        here = ROOT / "tests" / "deliveries" / f"{name}.json"
        assert here.resolve() == Path(sample.__file__).with_name(here.name)
        assert json.loads(here.read_bytes())["version"] == "4"
