from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from function.commands.check.cluster_name import cluster_name_row
from function.commands.check.rows import Row
from function.dispatch.model import Grant
from function.dispatch.settings import Settings
from tests.harness.audit import Server, inspection

SETTINGS = Settings.read({"SRE_DISPATCH_OPA_URL": "http://127.0.0.1:9", "SRE_DISPATCH_TOKEN_FILES": "token"})
GRANTS = [Grant(name, "investigate", f"sre-agent-{name}") for name in ("one", "two")]
JIRA = {"url": "https://jira.example", "project": "SRE", "token_file": "/token"}
WORLD = {"world_model": {"url": "http://world", "token_file": "/token"}}


def reporting(**told: Any) -> Server:
    """An API server whose every ConfigMap is that of a tier which reports so."""
    return Server(200, {"data": {"report.json": json.dumps(told)}})


def row_of(server: Server, name: str = "") -> Row:
    return cluster_name_row(inspection(server), replace(SETTINGS, cluster=name), GRANTS)


@pytest.mark.parametrize("told", [{"jira": JIRA}, {"repositories": [{"url": "https://git.example"}]}])
def test_without_a_name_tickets_and_merge_requests_would_be_shared(told: dict[str, Any]) -> None:
    row = row_of(reporting(**told, **WORLD))
    assert not row.passed
    assert row.detail.startswith(
        "SRE_DISPATCH_CLUSTER is empty, so the agents of one, two would share tickets"
    )
    assert "set the name in cluster.yaml of your overlay" in row.detail


@pytest.mark.parametrize("told", [{}, WORLD, {"jira": None, "repositories": []}])
def test_where_nothing_is_shared_no_name_is_needed(told: dict[str, Any]) -> None:
    row = row_of(reporting(**told))
    assert (row.passed, row.detail) == (True, "none, and no tier writes tickets or merge requests")


def test_a_name_is_shown_and_nothing_more_is_read() -> None:
    server = reporting(jira=JIRA)
    assert row_of(server, "eu-1") == Row("cluster name", passed=True, detail="eu-1")
    assert server.sent == []


@pytest.mark.parametrize(
    ("server", "told"),
    [
        (
            Server(404),
            "the ConfigMap sre-agent-one has no report.json that can be read: set the cluster's name",
        ),
        (Server(200, {"data": {"report.json": "{"}}), "has no report.json that can be read"),
        (Server(200, {"data": {"report.json": '{"jira": 1}'}}), "has no report.json that can be read"),
        (Server(403), "may not read the ConfigMap sre-agent-one: add its name to knative/base/check.yaml"),
    ],
    ids=["missing", "broken", "of another shape", "forbidden"],
)
def test_without_a_name_what_cannot_be_read_counts_as_shared(server: Server, told: str) -> None:
    row = row_of(server)
    assert not row.passed and told in row.detail
