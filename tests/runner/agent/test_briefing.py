from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner import tier
from function.runner.agent.briefing import briefing

NOW = 1_774_753_331.9
SERVERS = {"world": {"url": "http://127.0.0.1:1/mcp", "tools": ["list_outcomes"]}}
EVENT = {"namespace": "f3iai", "resource_type": "k8s_pvc", "resource_id": "typedb-data"}
REPOSITORY = {"url": "https://git.example/apps.git", "namespace": "f3iai", "path": "apps/typedb"}


def told(folder: Path, mode: str, report: dict[str, Any] | None, event: dict[str, Any] = EVENT) -> str:
    allowed = {"mode": mode, "model": "m", "servers": SERVERS, "seconds": 1320, "max_cost_usd": 2.5}
    (folder / "tier.json").write_text(json.dumps(allowed), encoding="utf-8")
    if report is not None:
        (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
    return briefing(folder, tier.read(folder), event, NOW)


def test_it_tells_the_time_and_the_budgets(tmp_path: Path) -> None:
    assert told(tmp_path, "investigate", {}) == (
        "# This run\n\n- It is 2026-03-29T03:02:11+00:00.\n"
        "- You have 22 minutes, 60 turns and 2.5 US dollars, the report included.\n\n"
    )


def test_a_proposal_is_told_its_folder_and_its_limits(tmp_path: Path) -> None:
    text = told(tmp_path, "merge-request", {"repositories": [REPOSITORY]})
    assert "below the folder apps/typedb that end in .yaml, .yml, .json, .md." in text
    assert "may not delete or rename" in text
    proposals = {"endings": [".tf"], "may_delete": True}
    text = told(
        tmp_path, "merge-request", {"repositories": [REPOSITORY | {"path": ""}], "proposals": proposals}
    )
    assert "in the whole repository that end in .tf. It may delete or rename" in text


@pytest.mark.parametrize("report", [None, {}, {"repositories": [REPOSITORY | {"namespace": "shop"}]}])
def test_a_resource_without_a_repository_is_said(tmp_path: Path, report: dict[str, Any] | None) -> None:
    assert "No repository is known" in told(tmp_path, "merge-request", report)
    assert "repository" not in told(tmp_path, "investigate", report)


def test_an_agent_that_acts_alone_is_told_how_long_its_alert_is_watched(tmp_path: Path) -> None:
    prometheus = {"url": "http://prometheus:9090", "seconds": 240}
    assert "for up to 240 seconds whether" in told(tmp_path, "autonomous", {"prometheus": prometheus})
    assert "Prometheus" not in told(tmp_path, "investigate", {"prometheus": prometheus})


@given(st.dictionaries(st.sampled_from([*EVENT, "alertname", "description"]), st.text()))
def test_no_text_of_an_event_is_in_it(
    tmp_path_factory: pytest.TempPathFactory, event: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("tier")
    known = told(folder, "merge-request", {"repositories": [REPOSITORY]})
    unknown = told(folder, "merge-request", {})
    assert told(folder, "merge-request", {"repositories": [REPOSITORY]}, event) in (known, unknown)
