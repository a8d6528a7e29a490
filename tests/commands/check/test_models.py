from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
import yaml

from function.commands.check.models import model_rows
from function.commands.check.rows import Row, as_text
from function.dispatch.model import Grant
from tests.harness.audit import Server, inspection
from tests.harness.process import ROOT, TIER_FILES

BEFORE, AFTER = date(2026, 11, 1), date(2026, 12, 1)
"""Of the 30th of November, when claude-sonnet-4-5 retires."""

HIGH = Grant("investigate", "investigate", "sre-agent-investigate")


def told(server: Server, today: date = BEFORE, root: Path = ROOT) -> Row:
    (row,) = model_rows(inspection(server), root, [HIGH], today)
    return row


def naming(*named: str) -> Server:
    """An API server whose every ConfigMap is that of a tier which names these models."""
    tier = {"mode": "investigate", "model": named[0], "fallback_models": named[1:]}
    return Server(200, {"data": {"tier.json": json.dumps(tier)}})


def test_the_models_of_a_tier_are_read_from_its_config_map_and_named() -> None:
    server = naming("claude-sonnet-5-5", "claude-sonnet-5")
    assert told(server) == Row("model: investigate", True, "claude-sonnet-5-5, then claude-sonnet-5")
    (sent,) = server.sent
    assert sent[:2] == ("GET", "/api/v1/namespaces/sre-agents/configmaps/sre-agent-investigate")


@pytest.mark.parametrize("named", [["claude-sonnet-4-5"], ["claude-sonnet-5-5", "claude-sonnet-4-5"]])
def test_a_model_that_soon_retires_is_a_warning_and_then_a_fault(named: list[str]) -> None:
    before, after = told(naming(*named), BEFORE), told(naming(*named), AFTER)
    assert (before.passed, before.warning) == (True, True)
    assert before.detail.startswith("claude-sonnet-4-5 retires on 2026-11-30: name another model in")
    assert (after.passed, after.warning) == (False, False)
    assert after.detail.startswith("claude-sonnet-4-5 retired on 2026-11-30: name another model in")


@pytest.mark.parametrize(
    ("server", "remedy"),
    [
        (
            Server(403),
            "may not read the ConfigMap sre-agent-investigate: add its name to knative/base/check.yaml",
        ),
        (Server(404), "there is no ConfigMap sre-agent-investigate: apply knative/tiers"),
        (Server(200, {"data": {}}), "has no tier.json that names a model: apply knative/tiers"),
        (Server(500), "the API server answered 500 when asked to read the ConfigMap sre-agent-investigate"),
    ],
    ids=lambda part: part[:20] if isinstance(part, str) else "",
)
def test_a_config_map_that_cannot_be_read_fails_and_says_what_to_apply(server: Server, remedy: str) -> None:
    row = told(server)
    assert not row.passed and row.name == "model: investigate" and remedy in row.detail


def test_without_the_table_of_models_there_is_one_row_that_fails(tmp_path: Path) -> None:
    row = told(naming("claude-sonnet-5-5"), root=tmp_path)
    assert (row.name, row.passed) == ("models", False) and "set SRE_DISPATCH_ROOT" in row.detail


def test_a_warning_is_told_as_one() -> None:
    rows = [Row("a", True, "x"), Row("bb", True, "y", warning=True), Row("c", False, "z")]
    assert as_text(rows) == "ok    a   x\nWARN  bb  y\nFAIL  c   z\n"


def test_the_rights_name_the_config_map_of_each_tier_and_no_other() -> None:
    manifests = yaml.safe_load_all((ROOT / "knative" / "base" / "check.yaml").read_text(encoding="utf-8"))
    (role,) = (each for each in manifests if each["kind"] == "Role")
    rule, *listings = role["rules"]
    assert role["metadata"]["namespace"] == "sre-agents"
    assert (rule["resources"], rule["verbs"]) == (["configmaps"], ["get"])
    assert [(each["resources"], each["verbs"]) for each in listings] == [
        (["serviceaccounts"], ["list"]),
        (["cronjobs"], ["list"]),
    ]
    assert {*rule["resourceNames"]} == {f"sre-agent-{path.stem}" for path in TIER_FILES}
