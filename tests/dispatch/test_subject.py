"""One test a line of the rule table, with the label shapes of kube-prometheus-stack and Rook."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.dispatch.subject import (
    CEPH_RULES,
    HOST_RULE,
    INSTANCE_RULE,
    POD_RULE,
    STORAGE_RULES,
    WORKLOAD_RULES,
    identify,
    subject,
)
from function.shared.event import Subject
from function.shared.resource import is_name

KSM = {
    "job": "kube-state-metrics",
    "pod": "kps-kube-state-metrics-5d8f7c9b6-x2vqp",
    "container": "kube-state-metrics",
    "service": "kps-kube-state-metrics",
    "instance": "10.244.1.9:8080",
}
NODE_EXPORTER = {
    "job": "node-exporter",
    "pod": "kps-prometheus-node-exporter-7xk2p",
    "container": "node-exporter",
    "namespace": "monitoring",
    "instance": "10.0.4.12:9100",
}
KUBELET = {"job": "kubelet", "instance": "10.0.4.12:10250", "metrics_path": "/metrics"}
ROOK_MGR = {
    "job": "rook-ceph-mgr",
    "pod": "rook-ceph-mgr-a-6b5f7d-abcde",
    "instance": "10.244.2.7:9283",
    "namespace": "rook-ceph",
    "type": "ceph_default",
}

CASES = {
    # what names the subject, in the order of the table
    "KubePersistentVolumeFillingUp": (
        {**KUBELET, "node": "w2", "namespace": "f3iai", "persistentvolumeclaim": "typedb-data"},
        Subject("k8s_pvc", "f3iai", "typedb-data"),
    ),
    "KubePersistentVolumeErrors": (
        {**KSM, "persistentvolume": "pvc-0a1b", "phase": "Failed"},
        Subject("k8s_pv", "", "pvc-0a1b"),
    ),
    "CephOSDDown (by daemon)": ({**ROOK_MGR, "ceph_daemon": "osd.3"}, Subject("ceph", "", "osd.3")),
    "CephPoolNearFull (by pool)": ({**ROOK_MGR, "pool_id": "7"}, Subject("ceph", "", "7")),
    "CephOSDNearFull (by health code)": (
        {**ROOK_MGR, "name": "OSD_NEARFULL"},
        Subject("ceph", "", "OSD_NEARFULL"),
    ),
    "KubeJobFailed": (
        {**KSM, "namespace": "shop", "job_name": "report-28"},
        Subject("k8s_job", "shop", "report-28"),
    ),
    "a CronJob that is late": (
        {**KSM, "namespace": "shop", "cronjob": "report"},
        Subject("k8s_cronjob", "shop", "report"),
    ),
    "KubeDeploymentReplicasMismatch": (
        {**KSM, "namespace": "shop", "deployment": "checkout"},
        Subject("k8s_deployment", "shop", "checkout"),
    ),
    "KubeStatefulSetReplicasMismatch": (
        {**KSM, "namespace": "f3iai", "statefulset": "typedb"},
        Subject("k8s_statefulset", "f3iai", "typedb"),
    ),
    "KubeStatefulSetUpdateNotRolledOut (aggregated)": (
        {"namespace": "f3iai", "statefulset": "typedb", "job": "kube-state-metrics"},
        Subject("k8s_statefulset", "f3iai", "typedb"),
    ),
    "KubeDaemonSetRolloutStuck": (
        {**KSM, "namespace": "logs", "daemonset": "fluent"},
        Subject("k8s_daemonset", "logs", "fluent"),
    ),
    "a ReplicaSet without an owner": (
        {**KSM, "namespace": "shop", "replicaset": "checkout-5d8"},
        Subject("k8s_replicaset", "shop", "checkout-5d8"),
    ),
    "KubeHpaMaxedOut": (
        {**KSM, "namespace": "shop", "horizontalpodautoscaler": "checkout"},
        Subject("k8s_hpa", "shop", "checkout"),
    ),
    "KubePdbNotEnoughHealthyPods": (
        {**KSM, "namespace": "shop", "poddisruptionbudget": "checkout"},
        Subject("k8s_pdb", "shop", "checkout"),
    ),
    "KubeQuotaAlmostFull": (
        {**KSM, "namespace": "shop", "resourcequota": "team", "resource": "pods"},
        Subject("k8s_resourcequota", "shop", "team"),
    ),
    "KubeNodeNotReady": (
        {**KSM, "namespace": "monitoring", "node": "w2", "condition": "Ready"},
        Subject("k8s_node", "", "w2"),
    ),
    "KubeletTooManyPods": ({**KUBELET, "node": "w2"}, Subject("k8s_node", "", "w2")),
    # the pod, where it is one
    "KubePodCrashLooping": (
        {**KSM, "namespace": "shop", "pod": "checkout-5d8-x", "container": "app", "uid": "1-2"},
        Subject("k8s_pod", "shop", "checkout-5d8-x"),
    ),
    "KubePodNotReady (aggregated)": (
        {"namespace": "shop", "pod": "checkout-5d8-x", "job": "kube-state-metrics"},
        Subject("k8s_pod", "shop", "checkout-5d8-x"),
    ),
    "CPUThrottlingHigh": (
        {"namespace": "shop", "pod": "checkout-5d8-x", "container": "app"},
        Subject("k8s_pod", "shop", "checkout-5d8-x"),
    ),
    "an application's own metric that has a label node": (
        {
            "namespace": "shop",
            "pod": "queue-0",
            "node": "rabbit-0",
            "job": "queue",
            "instance": "10.1.1.1:80",
        },
        Subject("k8s_pod", "shop", "queue-0"),
    ),
    "PrometheusBadConfig: the target is the subject": (
        {
            "namespace": "monitoring",
            "pod": "prometheus-kps-0",
            "job": "kps-prometheus",
            "instance": "10.2.2.2:9090",
        },
        Subject("k8s_pod", "monitoring", "prometheus-kps-0"),
    ),
    "KubePodCrashLooping on kube-state-metrics itself": (
        {**KSM, "namespace": "monitoring", "uid": "1-2"},
        Subject("k8s_pod", "monitoring", KSM["pod"]),
    ),
    # instance, where it names anything
    "NodeFilesystemSpaceFillingUp": (
        {**NODE_EXPORTER, "device": "/dev/vda"},
        Subject("host", "", "10.0.4.12"),
    ),
    "NodeFilesystemSpaceFillingUp relabelled with its node": (
        {**NODE_EXPORTER, "node": "w2"},
        Subject("k8s_node", "", "w2"),
    ),
    "node-exporter on IPv6": (
        {"job": "node-exporter", "instance": "[fe80::1]:9100"},
        Subject("host", "", "[fe80::1]"),
    ),
    "node-exporter on IPv6 without a port": (
        {"job": "node-exporter", "instance": "fe80::1"},
        Subject("host", "", "fe80::1"),
    ),
    "node-exporter at nowhere": ({"job": "node-exporter", "instance": ":9100"}, Subject("host", "", ":9100")),
    "a tenant's pod that is named after an exporter": (
        {
            "job": "kubelet",
            "namespace": "shop",
            "pod": "my-node-exporter-0",
            "node": "w2",
            "instance": "10.0.4.12:10250",
        },
        Subject("k8s_pod", "shop", "my-node-exporter-0"),
    ),
    "node-exporter outside the cluster": (
        {"job": "node-exporter", "instance": "db1.example:9100"},
        Subject("host", "", "db1.example"),
    ),
    "etcdMembersDown": (
        {"job": "kube-etcd", "namespace": "kube-system", "instance": "10.0.4.1:2381"},
        Subject("instance", "kube-system", "10.0.4.1:2381"),
    ),
    # nothing
    "an alert of kube-state-metrics about a namespace": (
        {**KSM, "namespace": "shop", "phase": "Terminating"},
        Subject("", "shop", ""),
    ),
    "the same, scraped without the exporter's pod (knative/monitoring)": (
        {"job": KSM["job"], "instance": KSM["instance"], "namespace": "shop", "phase": "Terminating"},
        Subject("", "shop", ""),
    ),
    "CephHealthError by the manager without a subject": (ROOK_MGR, Subject("", "rook-ceph", "")),
    "TargetDown": ({"job": "checkout", "namespace": "shop", "service": "checkout"}, Subject("", "shop", "")),
    "Watchdog": ({}, Subject()),
    # what is no name
    "a claim whose name no object can have": (
        {"namespace": "f3iai", "persistentvolumeclaim": "x; rm"},
        Subject("unknown_k8s_pvc", "f3iai", "x; rm"),
    ),
    "a namespace that no object can have": (
        {"namespace": "../x", "persistentvolumeclaim": "data"},
        Subject("unknown_k8s_pvc", "../x", "data"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_subject_of(case: str) -> None:
    labels, expected = CASES[case]
    assert subject(labels) == expected


def test_every_line_of_the_table_names_a_subject_in_some_case() -> None:
    table = (*STORAGE_RULES, *CEPH_RULES, *WORKLOAD_RULES, POD_RULE, HOST_RULE, INSTANCE_RULE)
    used = {
        (rule.label, rule.resource_type)
        for labels, expected in CASES.values()
        for rule in table
        if rule.resource_type == expected.resource_type and expected.resource_id in labels.get(rule.label, "")
    }
    assert {(rule.label, rule.resource_type) for rule in table} == used


def test_an_empty_label_names_nothing() -> None:
    assert subject({"persistentvolumeclaim": "", "pod": "p", "namespace": "n"}) == Subject(
        "k8s_pod", "n", "p"
    )


@pytest.mark.parametrize("name", ["a", "typedb-data", "a.b", "0", "a" * 253])
def test_names_of_objects_are_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", ["", "A", "-a", "a-", "a_b", "a b", "a\n", "ä", "a" * 254, "a/b"])
def test_other_texts_are_no_names(name: str) -> None:
    assert not is_name(name)


LABELS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=6)


@given(LABELS, st.text(), st.text())
def test_identity_of_a_resource_ignores_every_other_label(
    labels: dict[str, str], start: str, node: str
) -> None:
    about = Subject("k8s_pvc", "f3iai", "typedb-data")
    noise = labels | {"node": node, "severity": start}
    noise.pop("alertname", None)
    assert identify(about, {"alertname": "A"}, "fmc") == identify(about, noise | {"alertname": "A"}, "fmc")


@given(LABELS)
def test_identity_without_a_resource_ignores_the_order_and_the_volatile_labels(
    labels: dict[str, str],
) -> None:
    turned = dict(reversed(labels.items()))
    moved = turned | {"severity": "critical", "prometheus_replica": "1"}
    for volatile in ("severity", "prometheus_replica"):
        labels.pop(volatile, None)
    assert identify(Subject(), labels, "fmc") == identify(Subject(), moved, "fmc")


def test_parts_of_an_identity_cannot_run_into_each_other() -> None:
    one = identify(Subject("t", "ab", "c"), {"alertname": "A"}, "fmc")
    other = identify(Subject("t", "a", "bc"), {"alertname": "A"}, "fmc")
    assert one != other


def test_services_part_identities() -> None:
    one, other = ({"alertname": "HighErrorRate", "service": service} for service in ("checkout", "payments"))
    assert identify(subject(one), one, "fmc") != identify(subject(other), other, "fmc")


def test_the_disks_of_a_host_part_identities_and_the_pod_of_its_exporter_does_not() -> None:
    root = NODE_EXPORTER | {"alertname": "NodeFilesystemSpaceFillingUp", "mountpoint": "/"}
    rescheduled, var = root | {"pod": "kps-prometheus-node-exporter-zzzzz"}, root | {"mountpoint": "/var"}
    first, same, other = (identify(subject(labels), labels, "fmc") for labels in (root, rescheduled, var))
    assert first == same != other


def test_an_exporter_that_moved_tells_of_the_same_problem() -> None:
    labels = KSM | {"alertname": "NamespaceStuck", "namespace": "shop", "phase": "Terminating"}
    moved = labels | {"pod": "kps-kube-state-metrics-zzzzz", "instance": "10.244.9.9:8080"}
    assert identify(subject(labels), labels, "fmc") == identify(subject(moved), moved, "fmc")


def test_resources_of_two_kinds_with_a_name_that_is_none_part_identities() -> None:
    claim, deployment = (
        {"namespace": "f3iai", kind: "A_b"} for kind in ("persistentvolumeclaim", "deployment")
    )
    assert identify(subject(claim), claim, "fmc") != identify(subject(deployment), deployment, "fmc")


def test_cluster_and_alertname_part_identities() -> None:
    about = Subject("k8s_pvc", "f3iai", "typedb-data")
    found = {identify(about, {"alertname": name}, cluster) for name in "AB" for cluster in ("x", "y")}
    assert len(found) == 4
