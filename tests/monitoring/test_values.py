"""The values files as Helm lays them over the chart's: nothing that we need is replaced away."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from function.dispatch.adapters.notify import NOTICE_ALERT
from function.dispatch.pipeline import SOFT_DEADLINE_SECONDS
from tests.monitoring.helm import CHART, MONITORING, MORE, PATCH, VALUES, configuration, load, merge, merged
from tests.process import ROOT

BOTH = (VALUES, PATCH)
ALL = (VALUES, PATCH, MORE)
OURS = pytest.mark.parametrize("files", [BOTH, ALL], ids=["both", "with more routes"])
CLASS = "ceph-rbd"


def receivers(config: Any) -> dict[str, Any]:
    return {told["name"]: told for told in config["receivers"]}


def test_maps_merge_and_lists_are_replaced() -> None:
    under = {"map": {"kept": 1, "changed": 1}, "list": [1, 2], "map or list": {"a": 1}}
    over = {"map": {"changed": 2}, "list": [3], "map or list": [1], "new": None}
    assert merge(under, over) == {
        "map": {"kept": 1, "changed": 2},
        "list": [3],
        "map or list": [1],
        "new": None,
    }


@OURS
def test_every_receiver_of_a_route_is_there(files: Any) -> None:
    config = configuration(*files)
    named = {config["route"]["receiver"], *(route["receiver"] for route in config["route"]["routes"])}
    assert named == set(receivers(config)) == {"null", "sre-dispatch", "people"}


@OURS
def test_what_the_chart_routes_and_inhibits_is_still_there(files: Any) -> None:
    stock, config = load(CHART)["alertmanager"]["config"], configuration(*files)
    assert config["route"]["receiver"] == "null"  # and no agent for the alerts that the chart ships
    assert config["route"]["routes"][0] == stock["route"]["routes"][0]
    assert config["templates"] == stock["templates"]
    assert config["global"] == stock["global"]
    pairs = [(rule["target_matchers"], rule.get("equal")) for rule in config["inhibit_rules"]]
    for rule in stock["inhibit_rules"]:
        narrowed = [*rule["target_matchers"], "alertname != PVCUsageRising"]
        assert {str((matchers, rule.get("equal"))) for matchers in (rule["target_matchers"], narrowed)} & set(
            map(str, pairs)
        )


def test_the_chart_by_itself_and_the_first_file_alone_have_no_receiver_of_ours() -> None:
    assert set(receivers(configuration(VALUES))) == {"null"}


def test_the_receiver_is_the_specified_one() -> None:
    config = configuration(*BOTH)
    (webhook,) = receivers(config)["sre-dispatch"]["webhook_configs"]
    assert webhook == {
        "url": "http://sre-dispatch.f3iai.svc.cluster.local/alertmanager",
        "send_resolved": False,
        "timeout": "14s",
        "http_config": {
            "follow_redirects": False,
            "authorization": {
                "type": "Bearer",
                "credentials_file": "/etc/alertmanager/secrets/sre-dispatch/token",
            },
        },
    }
    assert merged(*BOTH)["alertmanager"]["alertmanagerSpec"]["secrets"] == ["sre-dispatch"]
    assert SOFT_DEADLINE_SECONDS < 14


@OURS
def test_the_route_is_the_specified_one(files: Any) -> None:
    route = configuration(*files)["route"]
    told = {key: route[key] for key in ("group_by", "group_wait", "group_interval", "repeat_interval")}
    assert told == {
        "group_by": ["namespace", "alertname"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "4h",
    }
    (ours,) = [child for child in route["routes"] if child["receiver"] == "sre-dispatch"]
    assert ours["continue"] is True
    assert set(ours) == {"receiver", "continue", "matchers"}  # all else is the root's


def test_the_matcher_is_the_specified_one() -> None:
    routes = configuration(*BOTH)["route"]["routes"]
    (ours,) = [child for child in routes if child["receiver"] == "sre-dispatch"]
    assert ours["matchers"] == ['alertname =~ "PVCUsageHigh|PVCUsageCritical"']


@OURS
def test_our_own_alerts_are_taken_by_people_before_the_dispatcher_is_asked(files: Any) -> None:
    routes = configuration(*files)["route"]["routes"]
    dispatch = next(place for place, route in enumerate(routes) if route["receiver"] == "sre-dispatch")
    before = [route for route in routes[:dispatch] if route["receiver"] == "people"]
    assert [route["matchers"] for route in before] == [
        ['part_of = "sre-dispatch"'],
        [f'alertname = "{NOTICE_ALERT}"'],
    ]
    assert not any(route.get("continue") for route in before)


def test_more_routes_differ_in_the_matcher_and_in_what_inhibits_and_in_nothing_else() -> None:
    both, more = configuration(*BOTH), configuration(*ALL)
    for config in (both, more):
        for route in config["route"]["routes"]:
            if route["receiver"] == "sre-dispatch":
                route.pop("matchers")
        config.pop("inhibit_rules")
    assert both == more


def test_volumes_have_the_specified_sizes_and_class() -> None:
    values = merged(*BOTH)
    claims = [
        values["prometheus"]["prometheusSpec"]["storageSpec"]["volumeClaimTemplate"]["spec"],
        values["alertmanager"]["alertmanagerSpec"]["storage"]["volumeClaimTemplate"]["spec"],
    ]
    assert [claim["resources"]["requests"]["storage"] for claim in claims] == ["50Gi", "5Gi"]
    assert {claim["storageClassName"] for claim in claims} == {CLASS}
    disk = values["grafana"]["persistence"]
    assert (disk["enabled"], disk["size"], disk["storageClassName"]) == (True, "10Gi", CLASS)


def test_a_full_prometheus_stays_below_the_alert_for_its_own_volume() -> None:
    spec = merged(*BOTH)["prometheus"]["prometheusSpec"]
    assert spec["retention"] == "15d"
    most = int(spec["retentionSize"].removesuffix("GB")) * 1.1  # Prometheus counts in powers of two
    assert most < 0.75 * 0.98 * 50  # ext4 keeps about 2 % for itself


def test_grafana_is_replaced_before_its_volume_is_mounted_again() -> None:
    grafana = merged(*BOTH)["grafana"]
    assert grafana["deploymentStrategy"]["type"] == "Recreate"
    assert grafana["image"]["tag"] == "12.4.2"
    assert grafana["grafana.ini"]["server"]["root_url"] == "http://grafana.vitro.lan"


def test_nothing_that_the_dashboards_need_is_switched_off() -> None:
    def switches(values: Any) -> list[Any]:
        return [
            found
            for key, value in values.items()
            for found in ([value] if "nabled" in key else switches(value) if isinstance(value, dict) else [])
        ]

    assert set(switches(load(VALUES))) == {True}


def test_the_exporters_pod_is_kept_off_what_it_tells_and_its_own_labels_stay() -> None:
    values = merged(*BOTH)
    http = values["kube-state-metrics"]["prometheus"]["monitor"]["http"]
    assert http["honorLabels"] is True
    assert http["relabelings"] == [{"action": "labeldrop", "regex": "(pod|service|endpoint|container)"}]
    (node,) = values["prometheus-node-exporter"]["prometheus"]["monitor"]["relabelings"]
    assert node["targetLabel"] == "node"


@pytest.mark.parametrize("arguments", [(), (f"MORE={MORE}",)])
def test_make_always_gives_helm_both_files_in_their_order(arguments: tuple[str, ...]) -> None:
    make = ["make", "-n", "--no-print-directory", "monitoring", "CHART=a-chart", *arguments]
    done = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True)
    words = " ".join(done.stdout.replace("\\\n", " ").partition("kubectl")[0].split())
    files = [str(path) for path in (VALUES.relative_to(ROOT), PATCH.relative_to(ROOT))]
    files += [str(MORE)] if arguments else []
    command = "helm upgrade --install kube-prom-stack a-chart --version 83.4.1 -n monitoring"
    assert words == " -f ".join([command, *files])


def test_make_says_when_no_chart_is_named() -> None:
    done = subprocess.run(["make", "-n", "monitoring"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode and "CHART= is missing" in done.stderr


def test_the_readme_names_every_file() -> None:
    text = (MONITORING / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in (VALUES, PATCH, MORE) if path.name not in text] == []
