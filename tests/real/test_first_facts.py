"""What an on-call person wants to know first about stock alerts, as the world model tells it from a real API
server with its own ServiceAccount, and from a real Prometheus."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from function.dispatch import enrich, render
from function.dispatch.model import Facts
from tests.harness.components import ApiServer, api_server, need, prometheus
from tests.harness.fakes import event as an_event
from tests.harness.manifests import MANIFESTS
from tests.harness.reading import subject_of
from tests.harness.worldmodel import WorldModel, world_model

pytestmark = [pytest.mark.real]

SHOP = {"namespace": "shop"}
WEB = {"app": "web"}
KSM = {"job": "kube-state-metrics", "instance": "10.0.0.9:8080", **SHOP}
ETCD = 'namespace="shop",pod="etcd-cp1",job="kube-etcd",service="kube-etcd",instance="10.0.0.2:2381"'
UNIT = 'instance="10.0.0.5:9100",name="chrony.service",state="failed"'
WEBHOOK = 'name="guard.example.com",error_type="calling_webhook_error",job="apiserver"'
CLAIM = 'namespace="shop",persistentvolumeclaim="data",job="kubelet"'
API_SERVER = 'job="apiserver",instance="10.0.0.2:6443"'
FSYNC = "etcd_disk_wal_fsync_duration_seconds_bucket"
CANARY = "canary-value"
"""The value of a variable, which nobody may see."""


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


def template(image: str, memory: str, **variables: str) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": image,
        "resources": {"limits": {"memory": memory, "cpu": "500m"}},
        "env": [{"name": name, "value": value} for name, value in variables.items()],
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "timeoutSeconds": 2},
    }
    return {"metadata": {"labels": WEB}, "spec": {"containers": [container]}}


NEW = template("web:2", "512Mi", MODE=CANARY, TOKEN_FILE="/token")
OLD = template("web:1", "1Gi", MODE="old-" + CANARY)


def made(kind: str, name: str, api: str = "apps/v1", owner: str = "", **parts: Any) -> dict[str, Any]:
    cluster_wide = kind in ("APIService", "Namespace", "Node", "PersistentVolume")
    metadata = {"name": name, **({} if cluster_wide else SHOP)}
    metadata |= {part: parts.pop(part) for part in ("labels", "annotations") if part in parts}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "owner": owner, **parts}


def replica_set(name: str, revision: int, of: dict[str, Any], desired: int, ready: int) -> dict[str, Any]:
    return made(
        "ReplicaSet",
        name,
        owner="Deployment/web",
        labels=WEB,
        annotations={"deployment.kubernetes.io/revision": str(revision)},
        spec={"replicas": desired, "selector": {"matchLabels": WEB}, "template": of},
        status={"replicas": desired, "readyReplicas": ready, "availableReplicas": ready},
    )


def pod(name: str, of: dict[str, Any], owner: str, **status: Any) -> dict[str, Any]:
    spec = {**of["spec"], "nodeName": "w5"}
    return made("Pod", name, "v1", owner, labels=of["metadata"]["labels"], spec=spec, status=status)


def ended(code: int, reason: str, message: str) -> dict[str, Any]:
    times = {"startedAt": ago(minutes=12), "finishedAt": ago(minutes=10)}
    return {"terminated": {"exitCode": code, "reason": reason, "message": message, **times}}


def container(state: dict[str, Any], restarts: int, ready: bool, **last: Any) -> dict[str, Any]:
    named = {"name": "main", "image": "web:2", "imageID": "", "restartCount": restarts, "ready": ready}
    return {**named, "state": state, **last}


def condition(kind: str, status: str, reason: str = "") -> dict[str, Any]:
    return {"type": kind, "status": status, **({"reason": reason} if reason else {})}


def serving(ready: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    return {"phase": "Running", "conditions": [ready], "containerStatuses": [status]}


def ground() -> list[dict[str, Any]]:
    return [
        made("Namespace", "shop", "v1"),
        made("ServiceAccount", "default", "v1"),
        made(
            "Node",
            "w5",
            "v1",
            status={
                "conditions": [condition("Ready", "True"), condition("DiskPressure", "True")],
                "addresses": [{"type": "InternalIP", "address": "10.0.0.5"}],
                "allocatable": {"cpu": "4", "memory": "16Gi"},
            },
        ),
    ]


def shop() -> list[dict[str, Any]]:
    """A Deployment whose new ReplicaSet crashes on a node that runs full, and what is around it."""
    crashed = container(
        {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
        7,
        ready=False,
        lastState=ended(1, "Error", "reading settings\nFATAL: MODE is unknown"),
    )
    unready, well = condition("Ready", "False", "ContainersNotReady"), condition("Ready", "True")
    fine = container({"running": {"startedAt": ago(days=3)}}, 0, ready=True)
    return [
        *ground(),
        made(
            "Deployment",
            "web",
            spec={"replicas": 3, "selector": {"matchLabels": WEB}, "template": NEW},
            status={"replicas": 3, "readyReplicas": 1, "availableReplicas": 1, "unavailableReplicas": 2},
        ),
        replica_set("web-1", 1, OLD, 1, 1),
        replica_set("web-2", 2, NEW, 2, 0),
        pod("web-2-a", NEW, "ReplicaSet/web-2", **serving(unready, crashed)),
        pod("web-1-b", OLD, "ReplicaSet/web-1", **serving(well, fine)),
        made("Service", "web", "v1", spec={"selector": WEB, "ports": [{"port": 80, "targetPort": "htpp"}]}),
        made(
            "EndpointSlice",
            "web-x",
            "discovery.k8s.io/v1",
            labels={"kubernetes.io/service-name": "web"},
            addressType="IPv4",
            ports=[],
            endpoints=[{"addresses": ["10.0.1.2"], "conditions": {"ready": False}}],
        ),
        etcd_member(),
        made(
            "Service",
            "kube-etcd",
            "v1",
            spec={"selector": {"component": "etcd"}, "ports": [{"port": 2381}], "clusterIP": "None"},
        ),
        *batch(),
        *around(),
        autoscaler(),
    ]


def api_of(service: str) -> dict[str, Any]:
    """An API without an endpoint, as the API server's own controller says."""
    lacks = {"reason": "MissingEndpoints", "message": "no endpoints", "lastTransitionTime": ago(hours=1)}
    spec = {
        "service": {"name": service, **SHOP},
        "group": "metrics.k8s.io",
        "version": "v1beta1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "insecureSkipTLSVerify": True,
    }
    status = {"conditions": [{**condition("Available", "False"), **lacks}]}
    return made("APIService", "v1beta1.metrics.k8s.io", "apiregistration.k8s.io/v1", spec=spec, status=status)


def around() -> list[dict[str, Any]]:
    """A stopped workload, a policy, a pod that waits for a volume of another zone, and DNS that is down."""
    zone = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["eu-1b"]}
    mode = {"accessModes": ["ReadWriteOnce"], "storageClassName": "zonal"}
    waits = template("search:1", "1Gi")["spec"] | {
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    }
    dns = made(
        "EndpointSlice",
        "kube-dns-x",
        "discovery.k8s.io/v1",
        labels={"kubernetes.io/service-name": "kube-dns"},
        addressType="IPv4",
        ports=[],
        endpoints=[{"addresses": ["10.0.1.53"], "conditions": {"ready": False}}],
    )
    dns["metadata"]["namespace"] = "kube-system"
    peer = {"podSelector": {"matchLabels": {"app": "front"}}}
    return [
        dns,
        made(
            "StatefulSet",
            "search",
            annotations={"kubernetes.io/change-cause": "CHG-7"},
            spec={
                "replicas": 0,
                "serviceName": "search",
                "selector": {"matchLabels": WEB},
                "template": template("search:1", "1Gi"),
            },
        ),
        made(
            "NetworkPolicy",
            "web",
            "networking.k8s.io/v1",
            spec={
                "podSelector": {"matchLabels": WEB},
                "policyTypes": ["Ingress"],
                "ingress": [{"from": [peer], "ports": [{"port": 8080}]}],
            },
        ),
        made(
            "PersistentVolume",
            "pv-1",
            "v1",
            spec={
                **mode,
                "capacity": {"storage": "1Gi"},
                "hostPath": {"path": "/data"},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [zone]}]}},
            },
        ),
        made(
            "PersistentVolumeClaim",
            "data",
            "v1",
            spec={**mode, "volumeName": "pv-1", "resources": {"requests": {"storage": "1Gi"}}},
            status={"phase": "Bound"},
        ),
        api_of("search"),
        made("Pod", "search-0", "v1", spec=waits, status={"phase": "Pending"}),
        made("Service", "search", "v1", spec={"selector": {"app": "search"}, "ports": [{"port": 80}]}),
        made(
            "ResourceQuota",
            "shop",
            "v1",
            spec={"hard": {"count/jobs.batch": "1"}},
            status={"hard": {"count/jobs.batch": "1"}, "used": {"count/jobs.batch": "1"}},
        ),
        made(
            "Event",
            "search.1",
            "v1",
            involvedObject={"kind": "StatefulSet", "name": "search", **SHOP},
            type="Normal",
            reason="ScalingReplicaSet",
            message="Scaled down from 2 to 0",
            lastTimestamp=ago(minutes=9),
        ),
    ]


def etcd_member() -> dict[str, Any]:
    member = template("etcd:3", "1Gi")
    member["metadata"]["labels"] = {"component": "etcd"}
    return {**pod("etcd-cp1", member, ""), "status": {"phase": "Running"}}


def batch() -> list[dict[str, Any]]:
    once = {
        "metadata": {"labels": {"job": "backup-1"}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "backup:1"}]},
    }
    full = container(ended(3, "Error", "dumping\nno space left on device"), 0, ready=False)
    return [
        made(
            "CronJob",
            "backup",
            "batch/v1",
            spec={"schedule": "0 3 1 1 *", "jobTemplate": {"spec": {"template": once}}},
            status={"lastScheduleTime": ago(hours=1), "lastSuccessfulTime": ago(days=8)},
        ),
        made(
            "Job",
            "backup-1",
            "batch/v1",
            "CronJob/backup",
            spec={
                "backoffLimit": 0,
                "manualSelector": True,
                "selector": {"matchLabels": {"job": "backup-1"}},
                "template": once,
            },
            status={
                "startTime": ago(hours=1),
                "failed": 1,
                "conditions": [
                    condition("FailureTarget", "True", "BackoffLimitExceeded"),
                    condition("Failed", "True", "BackoffLimitExceeded"),
                ],
            },
        ),
        pod("backup-1-x", once, "Job/backup-1", phase="Failed", containerStatuses=[full]),
    ]


def autoscaler() -> dict[str, Any]:
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
    now = {"name": "cpu", "current": {"averageUtilization": 143, "averageValue": "1"}}
    return made(
        "HorizontalPodAutoscaler",
        "web",
        "autoscaling/v2",
        spec={
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 2,
            "maxReplicas": 3,
            "metrics": [{"type": "Resource", "resource": cpu}],
        },
        status={
            "currentReplicas": 3,
            "desiredReplicas": 3,
            "currentMetrics": [{"type": "Resource", "resource": now}],
            "conditions": [condition("ScalingLimited", "True", "TooManyReplicas")],
        },
    )


def put(api: ApiServer, objects: list[dict[str, Any]]) -> None:
    """Writes the objects, and the states that kubelets and controllers would write."""
    uids: dict[str, dict[str, Any]] = {}
    for each in objects:
        state, owner = each.pop("status", None), each.pop("owner")
        if owner:
            each["metadata"]["ownerReferences"] = [uids[owner]]
        named = f"{each['kind']}/{each['metadata']['name']}"
        told = api.kubectl("apply", "--server-side", "-o", "json", "-f", "-", stdin=json.dumps(each))
        uids[named] = {
            "apiVersion": each["apiVersion"],
            "kind": each["kind"],
            "name": each["metadata"]["name"],
            "uid": json.loads(told)["metadata"]["uid"],
            "controller": True,
        }
        if state:
            where = ["-n", "shop"] if "namespace" in each["metadata"] else []
            patch = json.dumps({"status": state})
            api.kubectl("patch", *where, named, "--subresource=status", "--type=merge", f"--patch={patch}")


def series(now: float) -> str:
    """Throttling that began half an hour ago, a disk that filled in a day, and a target that is down."""
    times = [int(now) - back for back in range(25 * 3600 + 600, -1, -60)]
    late = now - 1800

    def rows(name: str, labels: str, value: Callable[[int], float]) -> list[str]:
        return [f"# TYPE {name} gauge", *(f"{name}{{{labels}}} {value(at)} {at}" for at in times)]

    main = 'namespace="shop",pod="web-2-a",container="main"'
    disk = 'instance="10.0.0.5:9100",mountpoint="/var",device="sda1",fstype="ext4"'
    free = lambda at: 2**30 * (5 + 55 * (now - at) / 86_400)  # noqa: E731
    lines = [
        *rows("container_cpu_usage_seconds_total", main, lambda at: at * 0.1 + max(0, at - late) * 0.4),
        *rows("container_cpu_cfs_throttled_periods_total", main, lambda at: max(0, at - late) * 9),
        *rows("container_cpu_cfs_periods_total", main, lambda at: at * 10),
        *rows("node_filesystem_size_bytes", disk, lambda _: 100 * 2**30),
        *rows("node_filesystem_avail_bytes", disk, free),
        *rows("container_fs_usage_bytes", 'node="w5",' + main, lambda _: 3 * 2**30),
        *rows("apiserver_request_total", f'{API_SERVER},verb="LIST",code="500"', lambda at: at * 3),
        *rows("etcd_server_has_leader", ETCD, lambda _: 0),
        *rows("etcd_server_leader_changes_seen_total", ETCD, lambda at: max(0, at - late) / 600),
        *(
            row
            for le, share in (("0.004", 50), ("1", 90), ("+Inf", 100))
            for row in rows(FSYNC, f'{ETCD},le="{le}"', lambda at, share=share: at * share)  # type: ignore[misc]
        ),
        *rows("node_timex_sync_status", 'instance="10.0.0.5:9100"', lambda _: 0),
        *rows("node_systemd_unit_state", UNIT, lambda _: 1),
        *rows("container_memory_working_set_bytes", 'node="w5",' + main, lambda _: 2**30),
        *rows("kubelet_volume_stats_used_bytes", CLAIM, lambda _: 97),
        *rows("kubelet_volume_stats_capacity_bytes", CLAIM, lambda _: 100),
        *rows("kube_node_info", 'node="w5"', lambda _: 1),
        *rows("kube_node_spec_unschedulable", 'node="w5"', lambda _: 1),
        *rows("ALERTS", 'alertname="WebDown",namespace="shop",alertstate="firing"', lambda _: 1),
        *rows("ALERTS_FOR_STATE", 'alertname="WebDown",namespace="shop"', lambda _: late),
        *rows("apiserver_admission_webhook_rejection_count", WEBHOOK, lambda at: at * 2),
        *rows("up", 'namespace="shop",service="web",job="web",instance="10.0.1.2:8080"', lambda _: 0),
    ]
    return "\n".join([*lines, "# EOF\n"])


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API server without controllers, which would change the status of what is there."""
    need("etcd", "kube-apiserver", "kubectl")
    with api_server(tmp_path_factory.mktemp("api")) as api:
        api.kubectl("create", "namespace", "f3iai")
        for manifest in MANIFESTS:
            api.kubectl("apply", "-f", manifest)
        yield api


@pytest.fixture(scope="module")
def world(api: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorldModel]:
    need("prometheus", "promtool")
    put(api, shop())
    kubeconfig = api.kubeconfig_of("f3iai", "sre-dispatch-worldmodel", tmp_path_factory.mktemp("kubeconfig"))
    with (
        prometheus(tmp_path_factory.mktemp("prometheus"), series(time.time())) as url,
        world_model(
            tmp_path_factory.mktemp("world"), KUBECONFIG=str(kubeconfig), SRE_DISPATCH_PROMETHEUS_URL=url
        ) as started,
    ):
        yield started


ETCD_POD = {**SHOP, "job": "kube-etcd", "instance": "10.0.0.2:2381", "pod": "etcd-cp1"}
POD = {**KSM, "pod": "web-2-a", "uid": "u"}
NODE_EXPORTER = {"job": "node-exporter", "instance": "10.0.0.5:9100", "namespace": "monitoring"}
ALERTS: dict[str, tuple[dict[str, str], list[str]]] = {
    "KubePodCrashLooping": (
        {**POD, "container": "main"},
        ['"restarts": 7', '"exit_code": 1', "FATAL: MODE is unknown", '"image": "web:1 to web:2"'],
    ),
    "KubePodNotReady": (
        {**SHOP, "pod": "web-2-a", "job": "kube-state-metrics"},
        ['"target": "/ready http"', '"node_pressures": ["DiskPressure"]', '"siblings_ready": 1'],
    ),
    "KubeDeploymentReplicasMismatch": (
        {**KSM, "deployment": "web"},
        [
            '"name": "web-2"',
            '"desired": 2, "ready": 0',
            '"limits.memory: 1Gi to 512Mi"',
            '"variables_changed": ["MODE"]',
            '"variables_added": ["TOKEN_FILE"]',
        ],
    ),
    "NodeFilesystemAlmostOutOfSpace": (
        {**NODE_EXPORTER, "mountpoint": "/var", "device": "sda1"},
        ['"used_percent": 95', '"used_percent_a_day_ago": 40', '"pod": "web-2-a"', '"gib": 3.0'],
    ),
    "CPUThrottlingHigh": (
        {**SHOP, "pod": "web-2-a", "container": "main"},
        ['"limit_cores": 0.5', '"throttled_percent": 90', '"throttled_percent_an_hour_ago": 0.0'],
    ),
    "etcdInsufficientMembers": (
        ETCD_POD,
        ['"has_leader": false', '"leader_changes_in_an_hour": 3', '"fsync_p99_seconds": 1.0'],
    ),
    "etcdMembersDown": (
        {**SHOP, "job": "kube-etcd", "service": "kube-etcd", "container": "etcd"},
        ['"has_leader": false', '"fsync_p99_seconds": 1.0'],
    ),
    "KubeAPIErrorBudgetBurn": (
        {"long": "1h", "short": "5m"},
        [
            '"webhook": "guard.example.com", "errors_per_second": 2.0',
            '"verb": "LIST"',
            '"errors_per_second": 3.0',
            '"has_leader": false',
        ],
    ),
    "KubeJobFailed": (
        {**KSM, "job_name": "backup-1"},
        ["no space left on device", '"exit_code": 3', '"last_success_seconds_ago": 691'],
    ),
    "TargetDown": (
        {**SHOP, "job": "web", "service": "web"},
        ['"down": 1', '"ready_endpoints": 0', '"target": "htpp", "declared": false', "10.0.1.2:8080"],
    ),
    "KafkaConsumerLagHigh": (
        {**SHOP, "consumergroup": "orders"},
        [
            '"alertname": "WebDown", "namespace": "shop", "firing_seconds": 1',
            '"dns": {"service": "kube-dns", "ready_endpoints": 0, "unready_endpoints": 1',
            '"cordoned_nodes": 1',
            "web-2-a on w5, Running: main: waiting, CrashLoopBackOff",
            "FATAL: MODE is unknown",
            '"claim": "data", "of": "bytes", "used_percent": 97.0',
        ],
    ),
    "LatencyHigh": (
        {**SHOP, "service": "search"},
        [
            '"kind": "StatefulSet", "name": "search", "desired": 0, "ready": 0, "change_cause": "CHG-7"',
            '"policy": "web", "selects": "pods with app=web"',
            "from pods with app=front on port 8080",
            "Scaled down from 2 to 0",
            "search-0 is Pending with no labels",
        ],
    ),
    "KubePodNotScheduled": (
        {**SHOP, "pod": "search-0"},
        ["data is pv-1, which needs a node with topology.kubernetes.io/zone in eu-1b"],
    ),
    "KubeQuotaFullyUsed": (
        {**KSM, "resourcequota": "shop"},
        ["CronJob backup: 1 Jobs, 0 completed, such as backup-1"],
    ),
    "KubeAggregatedAPIDown": (
        {"name": "v1beta1.metrics.k8s.io", "namespace": "default"},
        ["Available=False", '"service": "search", "ready_endpoints": 0', '"change_cause": "CHG-7"'],
    ),
    "NodeClockSkewDetected": (
        NODE_EXPORTER,
        ['"clock_synchronised": false', '"failed_units": ["chrony.service"]', '"of": "memory"'],
    ),
    "KubeHpaMaxedOut": (
        {**KSM, "horizontalpodautoscaler": "web"},
        ['"minimum": 2, "maximum": 3, "current": 3', '"current_percent": 143', "TooManyReplicas"],
    ),
}


@pytest.fixture(scope="module")
def first_facts(world: WorldModel) -> Callable[[str], Facts]:
    def facts(alertname: str) -> Facts:
        about = subject_of({"alertname": alertname, **ALERTS[alertname][0]})
        named = ("resource_type", "namespace", "resource_id")
        asked = {name: getattr(about, name) for name in named} | {"alertname": alertname}
        return enrich.enrich(an_event(), lambda _: world.call("get_resource_context", asked))

    return facts


@pytest.mark.parametrize("alertname", ALERTS)
def test_the_first_facts_of_an_alert_are_there(first_facts: Callable[[str], Facts], alertname: str) -> None:
    known = first_facts(alertname)
    shown = "\n".join(map(render.line, known.items))
    assert {fact for fact in ALERTS[alertname][1] if fact not in shown} == set(), shown
    assert CANARY not in shown
    assert {*known.gaps} <= {"prometheus_no_series", "no_resource", "unknown_kind"}
