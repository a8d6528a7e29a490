"""The prompt pages: each alert that is often met has one, and names queries and tools that exist."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.harness.fakes import PROMPTS
from tests.harness.pages import FOLDER, PAGES, page, queries, tools, tools_of_the_tiers
from tests.harness.process import ROOT

OFTEN = {
    "AlertmanagerFailedToSendAlerts",
    "CPUThrottlingHigh",
    "KubeAPIErrorBudgetBurn",
    "KubeCPUOvercommit",
    "KubeClientCertificateExpiration",
    "KubeClientErrors",
    "KubeContainerWaiting",
    "KubeDeploymentReplicasMismatch",
    "KubeHpaMaxedOut",
    "KubeHpaReplicasMismatch",
    "KubeJobFailed",
    "KubeJobNotCompleted",
    "KubeMemoryOvercommit",
    "KubeNodeNotReady",
    "KubeNodeUnreachable",
    "KubePersistentVolumeErrors",
    "KubePersistentVolumeFillingUp",
    "KubePodCrashLooping",
    "KubePodNotReady",
    "KubeQuotaAlmostFull",
    "KubeQuotaFullyUsed",
    "KubeStatefulSetReplicasMismatch",
    "KubeletTooManyPods",
    "NodeFilesystemAlmostOutOfSpace",
    "NodeFilesystemFilesFillingUp",
    "NodeFilesystemSpaceFillingUp",
    "NodeHighNumberConntrackEntriesUsed",
    "NodeMemoryHighUtilization",
    "PrometheusTSDBCompactionsFailing",
    "TargetDown",
    "etcdHighFsyncDurations",
    "etcdMembersDown",
    "etcdNoLeader",
}
OURS = {"NodeDiskPressure", "PodCrashLooping", "PVCFillsWithinDay", "PVCInodesHigh", "PVCUsageCritical"}
OURS |= {"PVCUsageHigh", "PVCUsageRising"}
WORDS = {"CLAIM", "HPA", "INSTANCE", "JOB", "MOUNTPOINT", "NAMESPACE", "NODE", "POD", "QUOTA", "SERVICE"}
WORDS |= {"VOLUME", "WORKLOAD"}
"""What stands for a value in a query or a selector."""


def test_each_alert_that_is_often_met_has_a_page_of_its_own() -> None:
    assert {*PAGES} >= OFTEN


def test_each_page_is_of_an_alert_that_exists() -> None:
    cases = (ROOT / "tests" / "cases" / "stock_rules.yaml").read_text(encoding="utf-8")
    stock = {rule["alert"] for group in yaml.load(cases, yaml.CSafeLoader) for rule in group["rules"]}
    assert {*PAGES} - OURS <= stock


@pytest.mark.parametrize("name", PAGES)
def test_each_page_names_queries_and_tools_beside_those_of_every_page(name: str) -> None:
    common = page("Unheard").partition("# How to look\n")[2]
    own = page(name).partition("# How to look\n")[0]
    assert {*queries(own)} - {*queries(common)}
    assert tools(own)


@pytest.mark.parametrize("name", [*PAGES, "Unheard"])
def test_every_tool_that_a_page_names_is_one_of_every_tier(name: str) -> None:
    assert tools(page(name)) <= tools_of_the_tiers()


@pytest.mark.parametrize("name", [*PAGES, "Unheard"])
def test_a_word_in_capitals_that_stands_for_a_value_is_one_of_a_few(name: str) -> None:
    found = {
        word for code in re.findall(r"`[^`]+`", page(name)) for word in re.findall(r'[="|]([A-Z]+)\b', code)
    }
    assert found <= WORDS | {"WATCH", "POST", "PUT", "PATCH", "APPLY", "OK"}


@pytest.mark.parametrize("name", PAGES)
def test_no_quotation_ends_on_another_line(name: str) -> None:
    assert [line for line in page(name).splitlines() if line.count("`") % 2] == []


def test_every_template_is_a_page_or_is_used_by_one() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md.j2"))
    families = {path.name for path in FOLDER.glob("_*.md.j2")} - {"_default.md.j2", "_storm.md.j2"}
    assert [name for name in families if f'"alerts/{name}"' not in text] == []


def reasons() -> set[str]:
    """The codes of the policy's reasons. A denial has no level, and an alert that is denied has no prompt."""
    rules = [path.read_text(encoding="utf-8") for path in (ROOT / "policies" / "rules").rglob("*.rego")]
    return {code for rule in rules for code in re.findall(r'"code": "([a-z_]+)", "level"', rule)}


def test_the_prompt_has_each_reason_of_the_policy_in_words() -> None:
    text = (ROOT / "prompts" / "_reasons.md.j2").read_text(encoding="utf-8")
    words = dict(re.findall(r'^  "([a-z_]+)": "([^"]+)",$', text, re.MULTILINE))
    assert set(words) == reasons()
    assert len(set(words.values())) == len(words)
    assert not any("_" in each for each in words.values())


def test_a_reason_of_the_operators_own_rules_is_told_by_its_code() -> None:
    text = PROMPTS.get_template("_reasons.md.j2").render(reasons=[("HIGH", "full_moon"), ("LOW", "severity")])
    told = ["- HIGH: a rule of the operator (full_moon)", "- LOW: the severity of the alert's rule"]
    assert text.splitlines()[-2:] == told
