"""Our dashboard, alerts and runbooks agree with each other, with what is installed, and with who exports."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import pytest
import yaml

from function.dispatch.adapters.notify import NOTICE_ALERT
from tests.monitoring.ours import DASHBOARD, EXPRESSIONS, FOLDER, PANELS, RULES, RUNBOOKS
from tests.process import ROOT, TIER_FILES

COMPONENTS: dict[str, dict[str, list[str]]] = yaml.safe_load(
    (ROOT / "tests" / "monitoring" / "metrics.yaml").read_text(encoding="utf-8")
)
METRICS = {name: labels for metrics in COMPONENTS.values() for name, labels in metrics.items()}
SELECTOR = re.compile(r"\b([A-Za-z_]\w*)\{([^{}]*)\}")
MATCHER = re.compile(r'(\w+)(?:=~|!~|!=|=)"')
GROUPING = re.compile(r"\b(?:by|on|group_left) \(([^()]*)\)")
MADE = re.compile(r'\), "(\w+)", "')
"""The label that label_replace makes."""
HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
THRESHOLD = {"Active agents": "max_active", "Started in the last hour": "max_started_per_hour"}

by_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
by_rule = pytest.mark.parametrize("name", RULES)


def manifests(path: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((ROOT / "knative" / path).read_text(encoding="utf-8")))


def budget() -> dict[str, Any]:
    path = ROOT / "policies" / "config" / "budget" / "data.yaml"
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def runbook(name: str) -> str:
    return (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")


# The dashboard


def test_the_dashboard_has_an_address_of_its_own_and_nothing_of_one_grafana() -> None:
    assert (DASHBOARD["uid"], DASHBOARD["refresh"]) == ("sre-dispatch", "1m")
    assert not DASHBOARD.keys() & {"id", "version", "iteration", "gnetId", "__inputs", "__requires"}
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == (
        "datasource",
        "datasource",
        "prometheus",
    )
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


@by_panel
def test_a_panel_says_what_it_shows_in_which_unit_and_asks_the_chosen_prometheus(panel: Any) -> None:
    assert panel["title"] and panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in {"none", "s", "percentunit"}
    sources = [panel, *panel["targets"]] if panel["type"] != "alertGroups" else []
    assert all(of["datasource"] == {"type": "prometheus", "uid": "${datasource}"} for of in sources)


def test_panels_lie_side_by_side() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, two in combinations(places, 2):
        beside = one["x"] + one["w"] <= two["x"] or two["x"] + two["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= two["y"] or two["y"] + two["h"] <= one["y"]


def test_the_notices_are_asked_of_alertmanager_by_the_name_that_the_function_gives_them() -> None:
    (panel,) = (panel for panel in PANELS if panel["type"] == "alertGroups")
    assert panel["options"]["labels"] == f'alertname="{NOTICE_ALERT}"'
    assert NOTICE_ALERT not in str(EXPRESSIONS)  # it is never Prometheus'


def test_the_dashboard_turns_red_where_the_policys_budget_ends() -> None:
    for title, key in THRESHOLD.items():
        (panel,) = (panel for panel in PANELS if panel["title"] == title and panel["type"] == "stat")
        last = panel["fieldConfig"]["defaults"]["thresholds"]["steps"][-1]
        assert last == {"color": "red", "value": budget()[key]}


def test_grafana_is_given_the_dashboard_under_the_label_that_it_looks_for() -> None:
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
    (made,) = kustomization["configMapGenerator"]
    assert made["namespace"] == "monitoring"
    assert made["options"]["disableNameSuffixHash"] is True
    assert made["options"]["labels"] == {
        "app.kubernetes.io/part-of": "sre-dispatch",
        "grafana_dashboard": "1",
    }


# What is asked


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_only_series_and_labels_are_asked_for_that_somebody_exports(name: str) -> None:
    expression = EXPRESSIONS[name]
    selected = SELECTOR.findall(expression)
    assert selected
    for metric, matchers in selected:
        assert set(MATCHER.findall(matchers)) <= set(METRICS[metric])
    assert not re.search(r"\b(kube_|alertmanager_|ALERTS)", SELECTOR.sub("", expression))
    known = {label for metric, _ in selected for label in METRICS[metric]} | set(MADE.findall(expression))
    grouped = {label.strip() for labels in GROUPING.findall(expression) for label in labels.split(",")}
    assert grouped - {""} <= known


def test_no_series_is_listed_that_nobody_asks_for() -> None:
    asked = {metric for expression in EXPRESSIONS.values() for metric, _ in SELECTOR.findall(expression)}
    assert asked == set(METRICS)


def test_what_is_asked_for_by_name_is_installed_by_that_name() -> None:
    text = " ".join(EXPRESSIONS.values())
    installed = [
        found["metadata"]["name"]
        for path in ("base/opa.yaml", "worldmodel/worldmodel.yaml")
        for found in manifests(path)
        if found["kind"] == "Deployment"
    ]
    assert set(re.findall(r'deployment="([^"]+)"', text)) == set(installed)
    quotas = {
        found["metadata"]["name"]
        for found in manifests("base/agents.yaml")
        if found["kind"] == "ResourceQuota"
    }
    assert set(re.findall(r'resourcequota="([^"]+)"', text)) == quotas
    assert set(re.findall(r'\bnamespace="([^"]+)"', text)) == {"sre-agents", "f3iai"}
    containers = set(re.findall(r'container=~?"([^"]+)"', text))
    (tier,) = (found for found in manifests("tiers/investigate.yaml") if found["kind"] == "CronJob")
    pod = tier["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert {name for names in containers for name in names.split("|")} <= {
        container["name"] for container in pod["containers"]
    }


# The alerts


@by_rule
def test_an_alert_is_for_people_and_says_what_it_is_about(name: str) -> None:
    rule = RULES[name]
    assert name.startswith("SREDispatch")
    assert rule["labels"]["part_of"] == "sre-dispatch"
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"knative/monitoring/runbooks/{name}.md"


@by_rule
def test_how_long_an_alert_waits_has_a_reason(name: str) -> None:
    text = (FOLDER / "sre-dispatch-alerts.yaml").read_text(encoding="utf-8")
    before = text.partition(f"- alert: {name}\n")[0].rstrip().rsplit("\n", 1)[-1]
    assert before.strip().startswith("# ")


def test_prometheus_reads_the_alerts_by_the_name_of_the_release() -> None:
    (rule,) = manifests("monitoring/sre-dispatch-alerts.yaml")
    assert rule["metadata"]["namespace"] == "monitoring"
    assert rule["metadata"]["labels"] == {
        "app.kubernetes.io/part-of": "sre-dispatch",
        "release": "kube-prom-stack",
    }


def test_the_budget_is_spent_where_the_policy_says_so() -> None:
    expression = RULES["SREDispatchBudgetSpent"]["expr"]
    for key in ("max_active", "max_started_per_hour"):
        (number,) = re.findall(rf'>= (\d+),\s+"budget", "{key}"', expression)
        assert int(number) == budget()[key]


@pytest.mark.parametrize("path", TIER_FILES, ids=lambda path: path.stem)
def test_overdue_is_what_has_outlived_its_tiers_deadline_and_last_words(path: Any) -> None:
    (tier,) = (found for found in manifests(f"tiers/{path.name}") if found["kind"] == "CronJob")
    job = tier["spec"]["jobTemplate"]["spec"]
    pod = job["template"]["spec"]
    end = pod["activeDeadlineSeconds"] + pod["terminationGracePeriodSeconds"]
    assert f"> {end}\n" in RULES["SREDispatchAgentOverdue"]["expr"]
    waiting = int(RULES["SREDispatchAgentWaiting"]["for"].rstrip("m")) * 60
    assert job["activeDeadlineSeconds"] - pod["activeDeadlineSeconds"] >= waiting


# The runbooks


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert {path.name for path in RUNBOOKS.iterdir()} == {f"{name}.md" for name in (*RULES, NOTICE_ALERT)}


@pytest.mark.parametrize("name", [*RULES, NOTICE_ALERT])
def test_a_runbook_has_the_four_parts_and_something_in_each(name: str) -> None:
    title, *parts = re.split(r"^#+ ", runbook(name), flags=re.M)[1:]
    assert title.strip() == name
    assert [part.partition("\n")[0] for part in parts] == HEADINGS
    assert all(part.partition("\n")[2].strip() for part in parts)


@pytest.mark.parametrize("name", [*RULES, NOTICE_ALERT])
def test_a_runbooks_commands_name_a_namespace_that_is_ours_or_the_stacks(name: str) -> None:
    commands = re.findall(r"^    (kubectl .*)$", runbook(name), re.M)
    for command in commands:
        if not re.match(r"kubectl (describe|get) nodes?\b|kubectl cordon|kubectl drain", command):
            assert re.search(r" -n (sre-agents|f3iai|monitoring) ", command), command


@pytest.mark.parametrize("name", [*RULES, NOTICE_ALERT])
def test_a_runbook_names_no_file_that_is_not_there(name: str) -> None:
    named = re.findall(r"`((?:function|policies|prompts|knative|tests)/[\w./-]*)`", runbook(name))
    assert [path for path in named if not (ROOT / path).exists()] == []
