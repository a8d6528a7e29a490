"""What people give Prometheus, Alertmanager and Kubernetes, judged by the real ones."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from function.runner.report.promql import conditions
from function.shared.event import Subject
from tests.harness.components import ApiServer, Broken, alertmanager, api_server, find, need, wait_until
from tests.harness.helm import MONITORING, MORE, PATCH, VALUES, configuration, load, merged
from tests.harness.loopback import serving
from tests.harness.process import ROOT
from tests.harness.reading import subject_of
from tests.harness.receivers import Receivers, received
from tests.harness.rules import ruled

pytestmark = pytest.mark.real

PROMTOOL = Path(__file__).with_name("promtool")
COMPONENTS = ROOT / "knative" / "components"
RULES = {
    "specified": MONITORING / "pvc-usage-alerts.yaml",
    "better": COMPONENTS / "volume-alerts" / "pvc-usage-alerts.yaml",
    "node-and-pod": COMPONENTS / "node-and-pod-alerts" / "node-and-pod-alerts.yaml",
}
CLAIM = {"namespace": "f3iai", "persistentvolumeclaim": "typedb-data"}


# Rules


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [find("promtool"), *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def rules_of(path: Path) -> list[Any]:
    return [rule for group in load(path)["spec"]["groups"] for rule in group["rules"]]


def judged(name: str, spec: Any, folder: Path) -> subprocess.CompletedProcess[str]:
    """What promtool says of the rules by the tests of that name."""
    (folder / "rules.yml").write_text(json.dumps(spec), encoding="utf-8")  # JSON is YAML
    shutil.copy(PROMTOOL / f"{name}.yaml", folder / "tests.yaml")
    return promtool("test", "rules", folder / "tests.yaml")


@pytest.mark.parametrize("name", RULES)
def test_promtool_accepts_the_rules(name: str, tmp_path: Path) -> None:
    need("promtool")
    (tmp_path / "rules.yml").write_text(json.dumps(load(RULES[name])["spec"]), encoding="utf-8")
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", tmp_path / "rules.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", RULES)
def test_the_rules_fire_at_their_boundaries(name: str, tmp_path: Path) -> None:
    need("promtool")
    done = judged(name, load(RULES[name])["spec"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


CHANGES = [
    ("specified", "> 75", ">= 75"),
    ("specified", "> 90", ">= 90"),
    ("specified", '"for": "10m"', '"for": "9m"'),
    ("specified", '"for": "5m"', '"for": "4m"'),
    ("specified", "kubelet_volume_stats_capacity_bytes)", "(kubelet_volume_stats_capacity_bytes > 0))"),
    ("specified", r"$labels.namespace", r"$labels.node"),
    ("better", 'percent > 60"', 'percent >= 60"'),
    ("better", "percent > 75", "percent >= 75"),
    ("better", "percent > 90", "percent > 95"),
    ("better", '"keep_firing_for": "15m"', '"keep_firing_for": "5m"'),
    (
        "better",
        "max by (namespace, persistentvolumeclaim)",
        "max by (namespace, persistentvolumeclaim, node)",
    ),
    ("better", r"and kubelet_volume_stats_used_bytes{job=\"kubelet\"} > 0", ""),
    ("better", r"capacity_bytes{job=\"kubelet\"} > 0", r"capacity_bytes{job=\"kubelet\"}"),
    ("better", r"stats_inodes{job=\"kubelet\"} > 0", r"stats_inodes{job=\"kubelet\"}"),
    ("better", r"{job=\"kubelet\"}", ""),
    ("better", "ReadOnlyMany", "ReadWriteMany"),
    ("better", "label_excluded_from_alerts", "label_other"),
    ("better", 'label_excluded_from_alerts=\\"true\\"', 'label_excluded_from_alerts!=\\"\\"'),
    ("better", "group by (namespace, persistentvolumeclaim)", "group by (persistentvolumeclaim)"),
    ("better", "percent > 60 and", "percent > 0 and"),
    ("better", "24 * 3600", "96 * 3600"),
    ("node-and-pod", "max by (node)", "max by (node, pod)"),
    ("node-and-pod", '{condition=\\"DiskPressure\\", ', "{"),
    ("node-and-pod", "[5m]", "[2m]"),
    ("node-and-pod", '{reason=\\"CrashLoopBackOff\\"}', ""),
    ("node-and-pod", '"for": "10m"', '"for": "2m"'),
]


@pytest.mark.parametrize(("name", "said", "instead"), CHANGES, ids=lambda text: text[:40])
def test_a_rule_that_is_changed_fails_its_tests(name: str, said: str, instead: str, tmp_path: Path) -> None:
    need("promtool")
    text = json.dumps(load(RULES[name])["spec"])
    assert said in text
    assert judged(name, json.loads(text.replace(said, instead)), tmp_path).returncode


def test_after_a_restart_the_alert_of_ten_minutes_is_back_without_its_wait(tmp_path: Path) -> None:
    """Prometheus restores the wait of rules that wait ten minutes (--rules.alert.for-grace-period) or longer.

    PVCUsageCritical waits five: the chart's Prometheus, 3.11, has it wait anew, later ones restore it if it
    fired. Here a minute is 0.4 seconds.
    """
    need("prometheus")
    rules = deepcopy(rules_of(RULES["specified"]))
    for rule in rules:
        rule["for"] = {"10m": "4s", "5m": "2s"}[rule["for"]]
    with ruled(tmp_path, rules, flags=["--rules.alert.for-grace-period=4s"]) as prometheus:
        labels = 'namespace="f3iai",persistentvolumeclaim="typedb-data"'
        prometheus.exporter.samples = {
            f"kubelet_volume_stats_used_bytes{{{labels}}}": "95",
            f"kubelet_volume_stats_capacity_bytes{{{labels}}}": "100",
        }

        def since(name: str) -> str:
            (rule,) = prometheus.alerting(name)
            firing = [alert for alert in rule["alerts"] if alert["state"] == "firing"]
            return str(firing[0]["activeAt"])[:19] if firing else ""  # stored to the second

        names = ("PVCUsageHigh", "PVCUsageCritical")
        wait_until(lambda: all(map(since, names)), "both to fire")
        before = since("PVCUsageHigh")
        prometheus.restart()
        wait_until(lambda: all(map(since, names)), "both to fire again")
        assert since("PVCUsageHigh") == before


def test_a_run_can_be_verified_for_every_alert_that_starts_one(tmp_path: Path) -> None:
    """By a comparison in its expression, of which the good side is known."""
    need("prometheus")
    alerts = [rule for path in RULES.values() for rule in rules_of(path) if "alert" in rule]
    with ruled(tmp_path, []) as prometheus:
        for alert in alerts:
            asked = {"query": alert["expr"]}
            url = f"{prometheus.url}/api/v1/parse_query"
            told = httpx.post(url, data=asked, timeout=10, trust_env=False).json()
            assert next(each["op"] for each in conditions(told["data"])) in (">", "==", ">="), alert


# Scrapes


def relabelings(told: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A ServiceMonitor's as Prometheus has them."""
    return [
        {re.sub("[A-Z]", lambda big: "_" + big.group().lower(), key): value for key, value in each.items()}
        for each in told
    ]


def scraped(
    folder: Path, scrape: Mapping[str, Any], target: Mapping[str, str], series: str
) -> Mapping[str, str]:
    """The labels of the series as an alert about it has them."""
    rule = {"alert": "Seen", "expr": series.partition("{")[0]}
    with ruled(folder, [rule], labels=target, scrape=scrape) as prometheus:
        prometheus.exporter.samples = {series: "1"}
        wait_until(
            lambda: bool(prometheus.alerting("Seen")[0]["alerts"]), "the series to be scraped", every=0.2
        )
        labels: Mapping[str, str] = prometheus.alerting("Seen")[0]["alerts"][0]["labels"]
        return labels


TARGET = {
    "namespace": "monitoring",
    "pod": "kube-prom-stack-kube-state-metrics-5d8f7c9b6-x2vqp",
    "service": "kube-prom-stack-kube-state-metrics",
    "endpoint": "http",
    "container": "kube-state-metrics",
    "job": "kube-state-metrics",
    "__meta_kubernetes_pod_node_name": "fmc-worker-2",
}
SEEN = {
    'kube_node_spec_unschedulable{node="w3"}': Subject("k8s_node", "", "w3"),
    'kube_deployment_spec_paused{namespace="shop",deployment="checkout"}': Subject(
        "k8s_deployment", "shop", "checkout"
    ),
    'kube_pod_restart{namespace="shop",pod="checkout-0",container="app",uid="1"}': Subject(
        "k8s_pod", "shop", "checkout-0"
    ),
    'kube_namespace_status_phase{namespace="shop",phase="Terminating"}': Subject("", "shop", ""),
}


@pytest.mark.parametrize("series", SEEN)
def test_kube_state_metrics_is_not_the_subject_of_what_it_tells(series: str, tmp_path: Path) -> None:
    need("prometheus")
    told = merged(VALUES, PATCH)["kube-state-metrics"]["prometheus"]["monitor"]["http"]
    scrape = {"honor_labels": told["honorLabels"], "relabel_configs": relabelings(told["relabelings"])}
    labels = scraped(tmp_path, scrape, TARGET, series)
    assert TARGET["pod"] not in labels.values() and "endpoint" not in labels
    assert subject_of(labels) == SEEN[series]


def test_what_node_exporter_tells_is_about_its_node(tmp_path: Path) -> None:
    need("prometheus")
    told = merged(VALUES, PATCH)["prometheus-node-exporter"]["prometheus"]["monitor"]["relabelings"]
    target = TARGET | {"job": "node-exporter", "pod": "kube-prom-stack-prometheus-node-exporter-7xk2p"}
    series = 'node_filesystem_avail_bytes{mountpoint="/"}'
    labels = scraped(tmp_path, {"relabel_configs": relabelings(told)}, target, series)
    assert subject_of(labels) == Subject("k8s_node", "", "fmc-worker-2")
    assert labels["pod"] == target["pod"]  # the stock recording rules join by it


# Routes


ROUTED = {
    "Watchdog": ({"severity": "none"}, "null"),
    "InfoInhibitor": ({"severity": "none", "namespace": "f3iai"}, "null"),
    "KubePodCrashLooping": ({"severity": "warning", "namespace": "shop"}, "null"),
    "KubeAPIDown": ({"severity": "critical"}, "people"),
    "PVCUsageHigh": (CLAIM | {"severity": "warning"}, "sre-dispatch"),
    "PVCUsageCritical": (CLAIM | {"severity": "critical"}, "sre-dispatch,people"),
    "PVCUsageHighX": (CLAIM | {"severity": "warning"}, "null"),
    "XPVCUsageHigh": (CLAIM | {"severity": "warning"}, "null"),
    "pvcusagehigh": (CLAIM | {"severity": "warning"}, "null"),
    "SREDispatchNeedsPerson": ({"severity": "warning", "about": "PVCUsageHigh"}, "people"),
    "SREDispatchDown": ({"severity": "critical", "part_of": "sre-dispatch"}, "people"),
    "PVCUsageHigh of ours": (CLAIM | {"severity": "warning", "part_of": "sre-dispatch"}, "people"),
}
MORE_ROUTED = ROUTED | {
    "PVCUsageRising": (CLAIM | {"severity": "info"}, "sre-dispatch"),
    "PVCInodesHigh": (CLAIM | {"severity": "warning"}, "sre-dispatch"),
    "PVCFillsWithinDay": (CLAIM | {"severity": "warning"}, "sre-dispatch"),
    "NodeDiskPressure": ({"node": "w2", "severity": "warning"}, "sre-dispatch"),
    "PodCrashLooping": ({"namespace": "shop", "pod": "x", "severity": "warning"}, "sre-dispatch"),
}
FILES = {"both": ((VALUES, PATCH), ROUTED), "more": ((VALUES, PATCH, MORE), MORE_ROUTED)}


def amtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [find("amtool"), *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def written(config: Any, folder: Path) -> Path:
    path = folder / "alertmanager.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", FILES)
def test_amtool_accepts_the_configuration(name: str, tmp_path: Path) -> None:
    need("amtool")
    done = amtool("check-config", written(configuration(*FILES[name][0]), tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", FILES)
def test_each_alert_reaches_whom_it_is_for(name: str, tmp_path: Path) -> None:
    need("amtool")
    files, table = FILES[name]
    path = written(configuration(*files), tmp_path)

    def reached(alert: str, labels: Mapping[str, str]) -> str:
        told = [f"{key}={value}" for key, value in {"alertname": alert.partition(" ")[0], **labels}.items()]
        return amtool("config", "routes", "test", f"--config.file={path}", *told).stdout.strip()

    assert {alert: reached(alert, labels) for alert, (labels, _) in table.items()} == {
        alert: receivers for alert, (_, receivers) in table.items()
    }


def broken(change: str) -> Any:
    config = deepcopy(configuration(VALUES, PATCH))
    match change:
        case "the receiver null left out":
            config["receivers"] = config["receivers"][1:]
        case "the receiver null without quotes":
            config["receivers"][0]["name"] = None
        case "a key that Alertmanager does not know":
            config["receivers"][1]["webhook_configs"][0]["retries"] = 1
    return config


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("the receiver null left out", 'undefined receiver "null" used in route'),
        ("the receiver null without quotes", "missing name in receiver"),
        ("a key that Alertmanager does not know", "field retries not found"),
    ],
)
def test_amtool_refuses(change: str, complaint: str, tmp_path: Path) -> None:
    need("amtool")
    done = amtool("check-config", written(broken(change), tmp_path))
    assert done.returncode and complaint in done.stdout + done.stderr


# Deliveries


@contextmanager
def notified(folder: Path, *files: Path) -> Iterator[tuple[str, Receivers]]:
    """An Alertmanager with our configuration, its receivers on loopback and its first wait a second."""
    config = deepcopy(configuration(*files))
    (folder / "token").write_text("a-token", encoding="utf-8")
    with serving(Receivers()) as receivers:
        config["route"]["group_wait"] = "1s"
        received(config, f"{receivers.url}/alertmanager", folder / "token", f"{receivers.url}/people")
        with alertmanager(folder, yaml.safe_dump(config)) as url:
            yield url, receivers


def fire(url: str, *alerts: Mapping[str, str]) -> None:
    now = datetime.now(UTC).isoformat()
    told = [{"labels": labels, "startsAt": now} for labels in alerts]
    httpx.post(f"{url}/api/v2/alerts", json=told, timeout=5, trust_env=False).raise_for_status()


def inhibited(url: str) -> set[tuple[str, str]]:
    told = httpx.get(f"{url}/api/v2/alerts", timeout=5, trust_env=False).json()
    return {
        (alert["labels"]["alertname"], alert["labels"].get("persistentvolumeclaim", ""))
        for alert in told
        if alert["status"]["inhibitedBy"]
    }


def volume(name: str, severity: str, claim: str = "typedb-data") -> dict[str, str]:
    return {"alertname": name, "severity": severity, "namespace": "f3iai", "persistentvolumeclaim": claim}


def test_a_critical_volume_is_one_delivery_and_hides_no_other_volume(tmp_path: Path) -> None:
    need("alertmanager")
    with notified(tmp_path, VALUES, PATCH) as (url, receivers):
        fire(
            url,
            volume("PVCUsageHigh", "warning"),
            volume("PVCUsageCritical", "critical"),
            volume("PVCUsageHigh", "warning", "postgres-data"),
            {"alertname": "Watchdog", "severity": "none"},
            {"alertname": "KubeJobFailed", "severity": "warning", "namespace": "f3iai"},
        )
        critical, other = ("PVCUsageCritical", "typedb-data"), ("PVCUsageHigh", "postgres-data")
        wait_until(
            lambda: len(receivers.told["/alertmanager"]) >= 2 and bool(receivers.told["/people"]),
            "the deliveries",
        )
        assert inhibited(url) == {("PVCUsageHigh", "typedb-data")}
    assert sorted(receivers.told["/alertmanager"]) == sorted([critical, other])
    assert receivers.told["/people"] == [critical]
    assert receivers.credentials == {"/alertmanager": {"Bearer a-token"}, "/people": {""}}


def test_what_is_enrolled_for_autonomy_is_not_silenced_by_the_stock_info_inhibitor(tmp_path: Path) -> None:
    need("alertmanager")
    with notified(tmp_path, VALUES, PATCH, MORE) as (url, receivers):
        fire(
            url,
            {"alertname": "InfoInhibitor", "severity": "none", "namespace": "f3iai"},
            volume("PVCUsageRising", "info"),
            volume("PVCUsageRising", "info", "filling"),
            volume("PVCFillsWithinDay", "warning", "filling"),
            {"alertname": "CPUThrottlingHigh", "severity": "info", "namespace": "f3iai"},
        )
        wait_until(lambda: len(receivers.told["/alertmanager"]) >= 2, "the deliveries")
        assert inhibited(url) == {
            ("InfoInhibitor", ""),
            ("CPUThrottlingHigh", ""),
            ("PVCUsageRising", "filling"),
        }
    assert sorted(receivers.told["/alertmanager"]) == [
        ("PVCFillsWithinDay", "filling"),
        ("PVCUsageRising", "typedb-data"),
    ]


# Objects


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    need("etcd", "kube-apiserver", "kubectl")
    with api_server(tmp_path_factory.mktemp("monitoring")) as api:
        api.kubectl("create", "namespace", "monitoring")
        yield api


def built(folder: Path) -> list[Any]:
    """What `kubectl apply -k` would apply."""
    done = subprocess.run(
        [find("kubectl"), "kustomize", folder], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    """A kustomization of somebody who wants all of it."""
    need("kubectl")
    here = tmp_path / "ours"
    here.mkdir()
    names = ("alertmanager-open", "volume-alerts", "node-and-pod-alerts")
    told = {
        "resources": [relative(MONITORING, here)],
        "components": [relative(COMPONENTS / name, here) for name in names],
    }
    (here / "kustomization.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
    return here


def relative(path: Path, here: Path) -> str:
    """Kustomize takes no absolute paths."""
    return "/".join([*[".."] * (len(here.resolve().parts) - 1), *path.resolve().parts[1:]])


def test_the_api_server_takes_every_object_of_a_kind_that_it_has(
    cluster: ApiServer, everything: Path
) -> None:
    for folder in (MONITORING, ROOT / "knative" / "overlays" / "monitoring", everything):
        known = [told for told in built(folder) if told["kind"] == "NetworkPolicy"]
        text = yaml.safe_dump_all(known)
        command = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
        told = cluster.kubectl(*command, stdin=text)
        assert told.count("serverside-applied") == len(known) == 10


def test_the_api_server_refuses_a_policy_with_a_field_that_it_does_not_know(cluster: ApiServer) -> None:
    policy = next(told for told in built(MONITORING) if told["kind"] == "NetworkPolicy")
    policy["spec"]["podSelektor"] = {}
    with pytest.raises(Broken, match="podSelektor"):
        cluster.kubectl(
            "apply",
            "--server-side",
            "--dry-run=server",
            "--validate=strict",
            "-f",
            "-",
            stdin=yaml.safe_dump(policy),
        )


def test_the_components_lie_over_the_rest_as_they_say(everything: Path) -> None:
    rules = {
        told["metadata"]["name"]: told["spec"]
        for told in built(everything)
        if told["kind"] == "PrometheusRule"
    }
    assert rules == {
        "pvc-usage-alerts": load(RULES["better"])["spec"],
        "node-and-pod-alerts": load(RULES["node-and-pod"])["spec"],
        "sre-dispatch-alerts": load(MONITORING / "sre-dispatch-alerts.yaml")["spec"],
    }


def test_the_overlay_keeps_alertmanager_closed_to_others() -> None:
    need("kubectl")
    (policy,) = [
        told
        for told in built(ROOT / "knative" / "overlays" / "monitoring")
        if told["metadata"]["name"] == "allow-alertmanager-ingress"
    ]
    callers, reloader = policy["spec"]["ingress"]
    assert all("podSelector" in caller for caller in callers["from"]) and callers["ports"] == [{"port": 9093}]
    assert reloader["ports"] == [{"port": 8080}]


# What Helm renders. It is not among the programs that are built here, so its output is written by hand.


def claim(size: str) -> dict[str, Any]:
    return {"storageClassName": "ceph-rbd", "resources": {"requests": {"storage": size}}}


def named(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "labels": more.pop("labels", {})}, **more}


def rendered() -> list[Any]:
    values, full = merged(VALUES, PATCH), "kube-prom-stack-kube-prome"
    spec = values["prometheus"]["prometheusSpec"]
    grafana = {"name": "grafana", "image": f"docker.io/grafana/grafana:{values['grafana']['image']['tag']}"}
    secret = base64.b64encode(yaml.safe_dump(values["alertmanager"]["config"]).encode()).decode()
    return [
        named("Secret", f"alertmanager-{full}-alertmanager", data={"alertmanager.yaml": secret}),
        named("Secret", "another", data={"alertmanager.yaml": base64.b64encode(b"route: {}").decode()}),
        named("Secret", "empty", data=None),
        named(
            "Prometheus",
            f"{full}-prometheus",
            spec={
                "retention": spec["retention"],
                "retentionSize": spec["retentionSize"],
                "storage": spec["storageSpec"],
                "ruleSelector": {"matchLabels": {"release": "kube-prom-stack"}},
            },
        ),
        named(
            "Alertmanager",
            f"{full}-alertmanager",
            spec={key: values["alertmanager"]["alertmanagerSpec"][key] for key in ("secrets", "storage")},
        ),
        named(
            "Deployment",
            "kube-prom-stack-grafana",
            spec={
                "strategy": values["grafana"]["deploymentStrategy"],
                "template": {"spec": {"containers": [{"name": "sidecar", "image": "x:1"}, grafana]}},
            },
        ),
        named("PersistentVolumeClaim", "kube-prom-stack-grafana", spec=claim("10Gi")),
        *(named("ConfigMap", f"dashboard-{n}", labels={"grafana_dashboard": "1"}) for n in range(28)),
        named("ConfigMap", "no-dashboard"),
    ]


def checked(objects: Sequence[Any], folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "rendered.yaml").write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    return check("--rendered", folder / "rendered.yaml", path=find("amtool").parent)


def check(*arguments: str | Path, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, MONITORING / "check", *arguments],
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_check_finds_nothing_wrong_with_what_was_meant(tmp_path: Path) -> None:
    need("amtool")
    done = checked(rendered(), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "receivers of PVCUsageCritical: sre-dispatch,people" in done.stdout


def without(place: int) -> list[Any]:
    objects = rendered()
    del objects[place]
    return objects


@pytest.mark.parametrize(
    ("place", "what"),
    [
        (0, "Secrets with our receiver: []"),
        (3, "retention: (None, None)"),
        (4, "Alertmanager's Secrets: None"),
        (5, "Grafana's strategy: None"),
        (6, "Grafana's volume: (None, None)"),
        (-2, "dashboards: 27"),
    ],
)
def test_the_check_says_what_is_missing(place: int, what: str, tmp_path: Path) -> None:
    need("amtool")
    done = checked(without(place), tmp_path)
    assert done.returncode == 1 and f"FAIL  {what}, expected " in done.stdout


def test_the_check_says_who_gets_an_alert_that_is_another_ones(tmp_path: Path) -> None:
    need("amtool")
    objects = rendered()
    config = deepcopy(configuration(VALUES, PATCH))
    config["route"]["receiver"] = "sre-dispatch"
    objects[0]["data"]["alertmanager.yaml"] = base64.b64encode(yaml.safe_dump(config).encode()).decode()
    done = checked(objects, tmp_path)
    assert done.returncode == 1
    assert "FAIL  receivers of PVCUsageHighX: sre-dispatch, expected null" in done.stdout


def test_the_check_says_which_program_is_missing(tmp_path: Path) -> None:
    done = check("a-chart", path=tmp_path)
    assert done.returncode == 1 and done.stderr == "helm is not on PATH: install it, or add it to PATH\n"


def test_the_check_says_when_the_configuration_is_refused(tmp_path: Path) -> None:
    need("amtool")
    objects = rendered()
    config = broken("the receiver null left out")
    objects[0]["data"]["alertmanager.yaml"] = base64.b64encode(yaml.safe_dump(config).encode()).decode()
    done = checked(objects, tmp_path)
    assert done.returncode == 1 and 'undefined receiver "null"' in done.stderr
