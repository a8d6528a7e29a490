"""Our dashboard and our alerts as the programs see them: Prometheus, promtool, Alertmanager, kustomize."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from function.runner.report.promql import selectors
from tests.monitoring.ours import DASHBOARD, EXPRESSIONS, FOLDER, GROUPS, RULES
from tests.monitoring.test_dashboard import COMPONENTS, METRICS
from tests.real.components import alertmanager, find, prometheus, wait_until
from tests.real.conftest import need

HERE = Path(__file__).parent
STEP = 60
STEPS = 60
VARIABLES = {"$__rate_interval": "5m", "$__range": "1h"}
"""What Grafana puts in."""
ROUTE = """
route:
  receiver: people
  group_wait: 1s
  routes:
    - matchers: [alertname="PVCUsageHigh"]
      receiver: sre-dispatch
receivers:
  - name: people
    webhook_configs: [{url: "http://127.0.0.1:9/"}]
  - name: sre-dispatch
    webhook_configs: [{url: "http://127.0.0.1:9/alertmanager"}]
"""


# What Prometheus answers


def openmetrics(text: str, end: int) -> str:
    """The series of series.prom as promtool reads them: a sample a minute for an hour, up to `end`."""
    samples: dict[str, list[str]] = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        series, value = line.rsplit(" ", 1)
        metric = series.partition("{")[0]
        for step in range(STEPS + 1):
            at = end - (STEPS - step) * STEP
            samples.setdefault(metric, []).append(f"{series} {_value(value, step, end)} {at}")
    families = (f"# TYPE {metric} unknown\n" + "\n".join(of) for metric, of in samples.items())
    return "\n".join([*families, "# EOF\n"])


def _value(text: str, step: int, end: int) -> float:
    """A number, a number that grows by one a minute (`+`), or seconds before the end (`now-`)."""
    if text.startswith("now-"):
        return end - float(text.removeprefix("now-"))
    return float(text.rstrip("+")) + (step if text.endswith("+") else 0)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A Prometheus with every series that the stack has, and the time of the last sample."""
    need("prometheus", "promtool")
    end = int(time.time()) // STEP * STEP - STEP
    series = openmetrics((HERE / "series.prom").read_text(encoding="utf-8"), end)
    with prometheus(tmp_path_factory.mktemp("stack"), series) as url:
        yield url, end


def asked(url: str, path: str, **parameters: str) -> Any:
    reply = httpx.get(f"{url}/api/v1/{path}", params=parameters, timeout=10, trust_env=False)
    told = reply.json()
    assert told["status"] == "success", told
    return told["data"]


def filled(expression: str) -> str:
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    return expression


@pytest.mark.parametrize("name", [name for name in EXPRESSIONS if name not in RULES])
def test_every_panel_shows_something(stack: tuple[str, int], name: str) -> None:
    url, end = stack
    result = asked(url, "query", query=filled(EXPRESSIONS[name]), time=str(end))["result"]
    assert result and all(sample["value"][1] != "NaN" for sample in result)


@pytest.mark.parametrize("name", RULES)
def test_every_selector_of_an_alert_finds_the_series_of_a_stack(stack: tuple[str, int], name: str) -> None:
    """An alert that is silent is silent for its condition, not for a label that nobody has."""
    url, end = stack
    tree = asked(url, "parse_query", query=RULES[name]["expr"])
    for selector in selectors(tree):
        matchers = (f"{of['name']}{of['type']}{json.dumps(of['value'])}" for of in selector["matchers"])
        query = f"{{{','.join(matchers)}}}"
        assert asked(url, "query", query=query, time=str(end))["result"], query


def test_a_table_has_the_columns_that_the_dashboard_names(stack: tuple[str, int]) -> None:
    url, end = stack
    for panel in DASHBOARD["panels"]:
        if panel["type"] == "table":
            (target,) = panel["targets"]
            found = asked(url, "query", query=target["expr"], time=str(end))["result"]
            labels = {label for sample in found for label in sample["metric"]}
            (organize,) = panel["transformations"]
            named = set(organize["options"]["renameByName"]) - {"Value"}
            assert labels == named


# When the alerts fire


def started(number: int, fires: bool) -> dict[str, Any]:
    """The test of an alert for so many Jobs that were started within an hour, all of which have ended."""
    jobs = [f'{{namespace="sre-agents",job_name="sre-{each}"' for each in range(number)]
    series = [{"series": f"kube_job_created{job}}}", "values": "0x70"} for job in jobs]
    series += [{"series": f'kube_job_complete{job},condition="true"}}', "values": "1x70"} for job in jobs]
    series += [{"series": 'kube_job_created{namespace="shop",job_name="import"}', "values": "0x70"}]
    spent = {
        "exp_labels": {"budget": "max_started_per_hour", "part_of": "sre-dispatch", "severity": "warning"},
        "exp_annotations": {
            "summary": "The agents' budget is spent (max_started_per_hour), and alerts wait."
        },
    }
    at = {"29m": [], "31m": [spent] if fires else [], "61m": []}
    name = f"{number} started within an hour {'spend' if fires else 'leave'} the budget"
    tests = [
        {"eval_time": when, "alertname": "SREDispatchBudgetSpent", "exp_alerts": alerts}
        for when, alerts in at.items()
    ]
    return {"name": name, "interval": "1m", "input_series": series, "alert_rule_test": tests}


def cases() -> dict[str, Any]:
    """What stands beside this file, and the two that take many Jobs."""
    told: dict[str, Any] = yaml.safe_load((HERE / "sre-dispatch-alerts.yaml").read_text(encoding="utf-8"))
    told["tests"] += [started(19, fires=False), started(20, fires=True)]
    return told


def promtool(*arguments: str, folder: Path) -> None:
    need("promtool")
    command = [str(find("promtool")), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_where_it_should_and_not_where_it_should_not(tmp_path: Path) -> None:
    groups = deepcopy(GROUPS)
    for rule in (rule for group in groups for rule in group["rules"]):
        rule["annotations"] = {"summary": rule["annotations"]["summary"]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(cases()), encoding="utf-8")
    promtool("test", "rules", "tests.yml", folder=tmp_path)


def test_each_alert_is_seen_to_fire_and_to_be_silent() -> None:
    tried = [
        (each["alertname"], bool(each.get("exp_alerts")))
        for test in cases()["tests"]
        for each in test["alert_rule_test"]
    ]
    assert set(tried) == {(name, fires) for name in RULES for fires in (True, False)}


def test_promtool_finds_nothing_wrong_with_the_rules(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": GROUPS}), encoding="utf-8")
    promtool("check", "rules", "--lint=all", "--lint-fatal", "rules.yml", folder=tmp_path)


# What Alertmanager exports


def exported(url: str) -> dict[str, set[str]]:
    """The labels of each series of ours, as they are on the page that Prometheus reads."""
    page = httpx.get(f"{url}/metrics", timeout=10, trust_env=False).text
    labels: dict[str, set[str]] = {}
    for name, told in re.findall(r"^(\w+)\{(.*)\} ", page, re.M):
        if name in METRICS:
            labels.setdefault(name, set()).update(re.findall(r'(\w+)="', told))
    return labels


def test_alertmanager_counts_by_receiver_before_it_ever_sent_anything(tmp_path: Path) -> None:
    need("alertmanager")
    flags = ["--enable-feature=receiver-name-in-metrics"]
    with alertmanager(tmp_path, ROUTE, flags=flags) as url:
        page = httpx.get(f"{url}/metrics", timeout=10, trust_env=False).text
        assert exported(url) == {name: set(of) for name, of in COMPONENTS["alertmanager"].items()}
    for receiver in ("people", "sre-dispatch"):
        assert (
            f'alertmanager_notifications_total{{integration="webhook",receiver_name="{receiver}"}} 0' in page
        )


def test_without_the_feature_only_the_receiver_is_not_named(tmp_path: Path) -> None:
    need("alertmanager")
    with alertmanager(tmp_path, ROUTE) as url:
        expected = {name: set(of) - {"receiver_name"} for name, of in COMPONENTS["alertmanager"].items()}
        assert exported(url) == expected


def test_no_series_of_alertmanagers_names_a_notice(tmp_path: Path) -> None:
    """So the dashboard asks Alertmanager itself, and no rule can count notices."""
    need("alertmanager")
    flags = ["--enable-feature=receiver-name-in-metrics,alert-names-in-metrics"]
    with alertmanager(tmp_path, ROUTE, flags=flags) as url:
        notice = [{"labels": {"alertname": "SREDispatchNeedsPerson", "outcome": "blocked"}}]
        httpx.post(f"{url}/api/v2/alerts", json=notice, timeout=10, trust_env=False).raise_for_status()

        def tried() -> bool:
            page = httpx.get(f"{url}/metrics", timeout=10, trust_env=False).text
            return bool(re.search(r'requests_total\{.*receiver_name="people"\} [1-9]', page))

        wait_until(tried, "the notice to be sent on")
        page = httpx.get(f"{url}/metrics", timeout=10, trust_env=False).text
        found = httpx.get(f"{url}/api/v2/alerts/groups", timeout=10, trust_env=False).json()
    assert "SREDispatchNeedsPerson" not in page
    assert [alert["labels"]["outcome"] for group in found for alert in group["alerts"]] == ["blocked"]


# What is applied


def test_kustomize_makes_the_config_map_with_the_dashboard_as_it_is() -> None:
    need("kubectl")
    command = [str(find("kubectl")), "kustomize", str(FOLDER)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    made = [found for found in yaml.safe_load_all(done.stdout) if found["kind"] == "ConfigMap"]
    (found,) = (found for found in made if found["metadata"]["name"] == "sre-dispatch-dashboard")
    assert found["metadata"]["namespace"] == "monitoring"
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(found["data"]["sre-dispatch.json"]) == DASHBOARD
