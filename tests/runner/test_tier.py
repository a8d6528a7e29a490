from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from function.runner import tier
from function.runner.tier import JiraTarget, Proposals, Reporting, Repository, Server, Tier
from function.shared.errors import Misconfigured
from tests.harness.default_model import MODEL
from tests.harness.process import TIER_FILES
from tests.harness.reporting import PLAIN


def written(folder: Path, told: Any, name: str = "tier.json") -> Path:
    """The folder with the file in it."""
    (folder / name).write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")
    return folder


def test_a_tier_is_read_with_what_it_need_not_say(tmp_path: Path) -> None:
    servers = {"world": Server("http://127.0.0.1:8001/mcp", ("get_resource_context",))}
    read = tier.read(written(tmp_path, PLAIN))
    assert read == Tier("investigate", MODEL, servers)
    assert (read.built_in, read.seconds, read.fallback_models) == ((), 1500, ())


def test_the_models_that_take_over_are_read_in_their_order(tmp_path: Path) -> None:
    told = PLAIN | {"fallback_models": ["claude-b", "us.anthropic.claude-a-v1:0"]}
    assert tier.read(written(tmp_path, told)).fallback_models == ("claude-b", "us.anthropic.claude-a-v1:0")


def test_without_a_word_of_the_tier_a_proposal_has_four_endings_and_deletes_nothing(tmp_path: Path) -> None:
    read = tier.read_reporting(written(tmp_path, {}, "report.json"))
    assert read.proposals == Proposals((".yaml", ".yml", ".json", ".md"), may_delete=False)


def test_a_tier_may_allow_other_endings_and_deletions(tmp_path: Path) -> None:
    told = {"proposals": {"endings": [".tpl", ".prod.yaml"], "may_delete": True}}
    read = tier.read_reporting(written(tmp_path, told, "report.json"))
    assert read.proposals == Proposals((".tpl", ".prod.yaml"), may_delete=True)


@pytest.mark.parametrize(
    "told",
    [
        {"endings": []},
        {"endings": [""]},
        {"endings": ["."]},
        {"endings": ["yaml"]},
        {"endings": [".YAML"]},
        {"endings": [".a/b"]},
        {"endings": ["*"]},
        {"endings": ".yaml"},
        {"endings": [".a"] * 21},
        {"may_delete": "no"},
        {"may_create": True},
    ],
    ids=str,
)
def test_a_rule_for_proposals_that_is_none_is_refused_by_name(tmp_path: Path, told: Any) -> None:
    with pytest.raises(Misconfigured, match="proposals"):
        tier.read_reporting(written(tmp_path, {"proposals": told}, "report.json"))


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ("", "Invalid JSON"),
        ([], "the file"),
        ({}, "mode"),
        ({**PLAIN, "built_in": ["Bash"]}, "built_in"),
        ({**PLAIN, "seconds": 4000}, "seconds"),
        ({**PLAIN, "max_cost_usd": 0}, "max_cost_usd"),
        ({**PLAIN, "effort": "utmost"}, "effort"),
        ({**PLAIN, "model": "x --dangerously-skip-permissions"}, "model"),
        ({**PLAIN, "fallback_models": "claude-a"}, "fallback_models"),
        ({**PLAIN, "fallback_models": ["a", "b", "c", "d"]}, "fallback_models"),
        ({**PLAIN, "fallback_models": ["a,b"]}, "fallback_models"),
        ({**PLAIN, "fallback_models": [""]}, "fallback_models"),
        ({**PLAIN, "servers": {"world": {"url": "http://x", "tools": []}}}, "tools"),
        ({**PLAIN, "servers": {"world": {"url": "http://x", "tools": ["a,Bash"]}}}, "tools"),
        *(
            ({**PLAIN, "servers": {"world": {"url": url, "tools": ["a"]}}}, "url.*not a URL")
            for url in ("http://[::", "http://p:port", "http://x:99999")
        ),
        ({**PLAIN, "servers": {"world": {"url": "http://user:word@x", "tools": ["a"]}}}, "url"),
    ],
    ids=lambda part: str(part)[:50],
)
def test_what_is_no_tier_is_refused_by_its_field(tmp_path: Path, told: Any, named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        tier.read(written(tmp_path, told))


NO_URLS = (
    "http://[::",
    "http://[::1]x/",
    "http://x[1]y/",
    "http://p:port",
    "http://x:99999",
    "http://x:-1",
    "http://x:0",
    "http://256.1.1.1/",
    "http://x..é/",
    "http://xn--zz",
    "http:///path",
    "http://:80",
    "http://?query",
)
REPORTING: dict[str, Any] = {
    "repositories": [{"namespace": "f3iai", "url": "https://git.example/ops/gitops.git"}],
    "git_credentials": "/etc/git",
    "jira": {"url": "https://jira.example", "project": "SRE", "token_file": "/etc/jira"},
    "prometheus": {"url": "http://prometheus:9090"},
    "world_model": {"url": "http://world:50060/mcp", "token_file": "/etc/world"},
}


def test_how_it_reports_is_read_and_nothing_of_it_is_needed(tmp_path: Path) -> None:
    told = tier.read_reporting(written(tmp_path, REPORTING, "report.json"))
    assert [each.branch for each in told.repositories] == ["main"]
    assert told.jira == JiraTarget("https://jira.example", "SRE", "/etc/jira")
    assert tier.read_reporting(written(tmp_path, {}, "report.json")) == Reporting()


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"jirra": {}}, "jirra"),
        ({"repositories": [{"namespace": "f3iai"}]}, "url"),
        ({"repositories": [{"namespace": "", "url": "https://user:token@git.example"}]}, "url"),
        ({"repositories": [{"namespace": "", "url": "file:///etc"}]}, "url"),
        *(({"prometheus": {"url": url}}, "url.*not a URL") for url in NO_URLS),
        ({"repositories": [{"namespace": "", "url": "https://x", "path": "/etc"}]}, "path"),
        *(
            (
                {"repositories": [{"namespace": "", "url": "https://x", "path": path}]},
                "path.*inside the repository",
            )
            for path in ("..", "../x", "apps/..", "apps/../../x", "apps/../", ".", "./apps")
        ),
        ({"repositories": [{"namespace": "", "url": "https://x", "branch": "--upload-pack=x"}]}, "branch"),
        ({"jira": {**REPORTING["jira"], "project": "SRE OR 1=1"}}, "project"),
        ({"git_credentials": "relative"}, "git_credentials"),
    ],
    ids=lambda part: str(part)[:60],
)
def test_what_is_no_reporting_is_refused_by_its_field(tmp_path: Path, told: Any, named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        tier.read_reporting(written(tmp_path, told, "report.json"))


@pytest.mark.parametrize(
    "url",
    [
        "http://prometheus.monitoring.svc.cluster.local:9090",
        "https://a_b/c?d=e#f",
        "http://[::1]:80/",
        "http://127.0.0.1",
    ],
)
@pytest.mark.parametrize("path", ["", "apps", "apps/", ".hidden/a..b", "..."])
def test_urls_and_folders_of_every_form_are_read(tmp_path: Path, url: str, path: str) -> None:
    told = {"repositories": [{"namespace": "", "url": url, "path": path}], "prometheus": {"url": url}}
    read = tier.read_reporting(written(tmp_path, told, "report.json"))
    assert read.prometheus and read.prometheus.url == url
    assert [(each.url, each.path) for each in read.repositories] == [(url, path)]


@pytest.mark.parametrize("path", TIER_FILES, ids=lambda path: path.stem)
def test_the_files_of_every_tier_can_be_read(tmp_path: Path, path: Path) -> None:
    (config,) = [found for found in yaml.safe_load_all(path.read_text()) if found["kind"] == "ConfigMap"]
    for name, content in config["data"].items():
        written(tmp_path, content, name)
    assert tier.read(tmp_path).seconds < 1800 and tier.read_reporting(tmp_path).jira


def test_a_missing_file_says_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="ConfigMap"):
        tier.read(tmp_path / "none")


PVC = {"namespace": "f3iai", "resource_type": "k8s_pvc", "resource_id": "typedb-data"}

ALL = Repository("https://git.example.org/all.git", "f3iai")

CLAIMS = Repository("https://git.example.org/claims.git", "f3iai", "k8s_pvc")

ONE = Repository("https://git.example.org/one.git", "f3iai", "k8s_pvc", "typedb-data")

ELSEWHERE = Repository("https://git.example.org/else.git", "other", "k8s_pvc", "typedb-data")


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([ALL, CLAIMS, ONE, ELSEWHERE], ONE),
        ([ONE, ALL], ONE),
        ([ALL, CLAIMS], CLAIMS),
        ([ALL, replace(ONE, resource_id="other")], ALL),
        ([ALL, replace(ALL, url="https://git.example.org/second.git")], ALL),
        ([ELSEWHERE], None),
        ([replace(ALL, namespace="")], None),
        ([], None),
    ],
)
def test_of_the_repositories_that_fit_the_one_with_the_most_names_counts(
    entries: list[Repository], found: Repository | None
) -> None:
    assert tier.repository_of(PVC, entries) == found
