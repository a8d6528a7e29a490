"""Cases from the field, each through the whole path with the shipped policy. tests/cases/field/index.yaml
explains them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from function.dispatch import labels, pipeline, translate
from function.dispatch.labels import Reading
from function.dispatch.model import Delivery, Outcome, Result
from function.dispatch.ports import Dependencies
from function.shared.errors import Rejected
from function.shared.event import SREEvent
from function.shared.strict_json import parse
from tests.harness.offline import offline
from tests.harness.process import ROOT

FOLDER = ROOT / "tests" / "cases" / "field"
CASES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "index.yaml").read_text(encoding="utf-8"))
BUDGETS = ("budget_", "share_")


def named(field: str) -> pytest.MarkDecorator:
    """One parameter for each case that has the field."""
    return pytest.mark.parametrize(
        "case", [pytest.param(case, id=f"{case['kind']}: {case['name']}") for case in CASES if field in case]
    )


@pytest.fixture(scope="module")
def app() -> Dependencies:
    return offline()


def delivered(case: dict[str, Any]) -> Delivery:
    body = parse((FOLDER / f"{case['name']}.json").read_bytes())
    return translate.webhook(body, Reading(labels.load(), case.get("cluster", "")))


def events(case: dict[str, Any]) -> list[SREEvent]:
    return [alert for alert in delivered(case).alerts if isinstance(alert, SREEvent)]


def meets(expected: str, found: str) -> bool:
    return any(
        choice in ("*", found) or (choice == "*nopod" and found != "k8s_pod")
        for choice in expected.split("|")
    )


@named("subjects")
def test_the_alert_is_about_the_thing_with_the_problem(case: dict[str, Any]) -> None:
    found = [(event.resource_type, event.namespace, event.resource_id) for event in events(case)]
    assert len(found) == len(case["subjects"])
    for expected, subject in zip(case["subjects"], found, strict=True):
        assert all(map(meets, expected, subject)), (expected, subject)


@named("distinct")
def test_different_problems_have_different_identities(case: dict[str, Any]) -> None:
    found = events(case)
    for group in case["distinct"]:
        assert len({found[number].identity for number in group}) == len(group)


@named("same")
def test_one_problem_has_one_identity(case: dict[str, Any]) -> None:
    found = events(case)
    for group in case["same"]:
        assert len({found[number].identity for number in group}) == 1


@named("outcomes")
def test_every_alert_ends_as_it_should(case: dict[str, Any], app: Dependencies) -> None:
    delivery = delivered(case)
    results = {id(result.alert): result for result in pipeline.run(delivery, app)}
    found = [results[id(alert)] for alert in delivery.alerts]
    for expected, result in zip(case["outcomes"], found, strict=True):
        assert expected in (result.outcome, _or_as_good(result)), result


def _or_as_good(result: Result) -> str:
    """A share in the Job of a storm is as good as a Job of its own, and so is to wait for a budget."""
    waits = result.outcome is Outcome.DEFERRED and result.code.startswith(BUDGETS)
    return "created" if waits or result.outcome is Outcome.FOLDED else ""


@named("levels")
def test_severity_is_read_in_any_letters(case: dict[str, Any]) -> None:
    assert len({event.severity for event in events(case)}) == 1


@named("refused")
def test_a_body_that_is_no_webhook_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as refused:
        delivered(case)
    assert refused.value.status == case["refused"]


def test_every_case_expects_something_and_has_its_body() -> None:
    expecting = {"subjects", "distinct", "same", "outcomes", "levels", "refused"}
    waiting = [case["name"] for case in CASES if not expecting & set(case)]
    assert waiting == ["jira-two-clusters"]  # tests/commands/check and tests/runner/report have its tests
    assert {path.stem for path in FOLDER.glob("*.json")} == {case["name"] for case in CASES}
