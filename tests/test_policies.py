"""The policy's own tests on the embedded engine, and what the shipped data promises."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import regorus

from function.adapters.rego import Rego, read
from function.decide import prepared, question
from function.model import Activity, Facts, Level, Look
from tests.fakes import NOW, event
from tests.process import ROOT

POLICIES = ROOT / "policies"
FILES = read(POLICIES)
TESTS = sorted(POLICIES.rglob("*_test.rego"))
IDLE = Activity(0, 0, 0)
WHOLE = Facts(complete=True, items=({"capacity": "20Gi"},))


def rego_tests() -> list[tuple[str, str]]:
    """(package, test) of every test that the policy's authors wrote."""
    found = []
    for path in TESTS:
        text = path.read_text(encoding="utf-8")
        (package,) = re.findall(r"^package (\S+)", text, re.M)
        found += [(package, name) for name in re.findall(r"^(test_\w+) ", text, re.M)]
    return found


@pytest.fixture(scope="module")
def engine() -> Any:
    engine = regorus.Engine()
    for name, text in FILES.modules.items():
        engine.add_policy(name, text)
    for path in TESTS:
        engine.add_policy(path.name, path.read_text(encoding="utf-8"))
    unstamped = {key: value for key, value in FILES.data.items() if key != "revision"}  # as opa test sees it
    engine.add_data_json(json.dumps(unstamped))
    return engine


@pytest.mark.parametrize(("package", "name"), rego_tests())
def test_the_policys_own_test_passes_on_the_embedded_engine(engine: Any, package: str, name: str) -> None:
    answer = json.loads(engine.eval_query_as_json(f"data.{package}.{name}"))
    assert answer["result"][0]["expressions"][0]["value"] is True


def decided(name: str, facts: Facts | None) -> dict[str, Any]:
    asked = event(name)
    answer = Rego(FILES).ask(question(asked, prepared(asked), IDLE, NOW.timestamp(), facts))
    assert isinstance(answer, dict)
    return answer


def test_low_needs_an_enrolment_and_whole_context() -> None:
    assert decided("asks-low", WHOLE)["mode"] == "autonomous"
    assert decided("asks-low", Facts(gaps=("no_source",)))["mode"] == "merge-request"
    assert decided("protected-namespace", WHOLE)["mode"] == "investigate"


@pytest.mark.parametrize("name", ["asks-low", "incident-75", "incident-90", "destructive", "node-critical"])
def test_a_review_is_never_milder_than_its_triage(name: str) -> None:
    triage = Level[decided(name, None)["effective"]]
    assert triage <= Level[decided(name, WHOLE)["effective"]]
    assert triage <= Level[decided(name, Facts(gaps=("no_source",)))["effective"]]


@pytest.mark.parametrize("look", ["triage", "review"])
def test_an_empty_question_is_blocked_without_a_revision(look: Look) -> None:
    answer: Any = Rego(FILES).ask({"look": look})
    assert (answer["allowed"], answer["policy_revision"]) == (False, "")


def test_every_tier_row_has_a_file_of_its_name_with_its_cronjob_and_no_file_lacks_a_row() -> None:
    rows = FILES.data["tiers"].values()
    files = {
        path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "knative" / "tiers").glob("*.yaml")
    }
    assert {row["tier"] for row in rows} == set(files)
    for row in rows:
        assert f"kind: CronJob\nmetadata:\n  name: {row['template']}\n" in files[row["tier"]]


def test_admission_admits_the_tiers_that_have_a_row_and_no_other() -> None:
    admission = (ROOT / "knative" / "base" / "admission.yaml").read_text(encoding="utf-8")
    (line,) = re.findall(r"- name: tiers .*\n\s+expression: \"(\[.*\])\"\n", admission)
    assert set(re.findall(r"\w+", line)) == {row["tier"] for row in FILES.data["tiers"].values()}


@pytest.mark.parametrize("folder", sorted((POLICIES / "rules").iterdir()), ids=lambda path: path.name)
def test_every_rule_is_a_folder_with_a_title_and_its_test(folder: Path) -> None:
    rule = (folder / f"{folder.name}.rego").read_text(encoding="utf-8")
    assert rule.startswith("# METADATA\n# title: ")
    assert f"package sre_dispatch.rules.{folder.name}\n" in rule
    assert (folder / f"{folder.name}_test.rego").is_file()


def test_main_names_no_rule() -> None:
    main = (POLICIES / "main.rego").read_text(encoding="utf-8")
    assert not [folder.name for folder in (POLICIES / "rules").iterdir() if f"rules.{folder.name}" in main]
