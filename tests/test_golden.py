"""What people and programs read, as files. `make golden` writes them anew; read the diff like prose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from function.commands import explain
from function.commands.demo import sample
from function.dispatch import pipeline, policy_files, translate, wiring
from function.dispatch.adapters.local import as_yaml
from function.dispatch.decide import PolicyInput
from function.dispatch.settings import Settings
from function.shared.event import SREEvent
from function.shared.memory import Store
from function.shared.strict_json import Json, parse
from tests.harness.deliveries import AT, DELIVERIES
from tests.harness.offline import LAPTOP, offline
from tests.harness.process import ROOT
from tests.harness.reading import reading

GOLDEN = ROOT / "tests" / "golden"
INPUT_SCHEMA = ROOT / "policies" / "schemas" / "input.json"


REVISION = policy_files.read(ROOT / "policies").revision


def compare(path: Path, text: str, renew: bool) -> None:
    """The policy's revision is left out: with it, each change of a rule would change every file."""
    text = text.replace(REVISION, "0" * 64)
    if renew:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path} is missing: make golden"
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", DELIVERIES, ids=lambda path: path.stem)
def test_explain_of(path: Path, renew: bool) -> None:
    report = explain.explain(path.read_bytes(), at=AT)
    compare(GOLDEN / path.stem / "explain.json", explain.as_json(report), renew)
    compare(GOLDEN / path.stem / "explain.txt", explain.as_text(report), renew)


@pytest.mark.parametrize("path", DELIVERIES, ids=lambda path: path.stem)
def test_jobs_of(path: Path, renew: bool) -> None:
    """What plan adds to the tier's template; the prompt is part of it, as the agent reads it."""
    app = offline()
    delivery = translate.either(parse(path.read_bytes()), reading())
    jobs = [result for result in pipeline.run(delivery, app) if result.manifest]
    for result in jobs:
        assert isinstance(result.alert, SREEvent) and result.manifest
        assert result.decision and result.decision.grant
        template = app.cluster.template(result.decision.grant.template)
        name = result.alert.resource_id if len(jobs) > 1 else "job"
        compare(GOLDEN / path.stem / f"{name}.yaml", as_yaml(added(result.manifest, template)), renew)


def added(manifest: Json, template: Mapping[str, Any]) -> Json:
    """The manifest without what is the same in the template, which has nothing that the manifest lacks."""
    assert template.keys() <= manifest.keys()
    return {
        name: added(value, template[name]) if isinstance(template.get(name), dict) else value
        for name, value in manifest.items()
        if value != template.get(name)
    }


@pytest.mark.parametrize("name", ["asks-low", "incident-75"])
def test_explain_with_the_sample_worlds_context_of(name: str, renew: bool, tmp_path: Path) -> None:
    now = datetime.fromisoformat(AT)
    file = tmp_path / "world.db"
    sample.fill(Store(file, now.timestamp), now)
    body = (ROOT / "tests" / "deliveries" / f"{name}.json").read_bytes()
    told = explain.as_text(explain.explain(body, at=AT, context=str(file)))
    compare(GOLDEN / name / "explain-with-context.txt", told, renew)
    context = {"SRE_DISPATCH_CONTEXT": "file", "SRE_DISPATCH_CONTEXT_FILE": str(file)}
    app = wiring.offline(Settings.read(LAPTOP | context), clock=now.timestamp)
    (result,) = pipeline.run(translate.either(parse(body), reading()), app)
    assert result.prompt
    compare(GOLDEN / name / "prompt-with-context.md", result.prompt.text, renew)


def test_there_is_a_golden_folder_for_every_delivery_and_no_other() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {path.stem for path in DELIVERIES}


def test_the_schema_of_the_policys_input_is_the_one_that_is_checked(renew: bool) -> None:
    schema = TypeAdapter(PolicyInput).json_schema()
    compare(INPUT_SCHEMA, json.dumps(schema, indent=2) + "\n", renew)
