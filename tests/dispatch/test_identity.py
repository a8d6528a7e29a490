"""Which alerts are one problem."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from function.dispatch.identity import LONGEST, general, identify
from function.shared.event import Subject
from tests.harness.reading import RULES, identity_of, kept_of, subject_of

POD = {
    "alertname": "PodRestarts",
    "job": "cart",
    "instance": "10.1.1.1:8080",
    "namespace": "shop",
    "pod": "cart-7d8f9c5b74-qz7lp",
}
CLAIM = {
    "alertname": "PVCUsageHigh",
    "job": "kubelet",
    "instance": "10.0.4.12:10250",
    "node": "w2",
    "namespace": "f3iai",
    "persistentvolumeclaim": "typedb-data",
}
DISK = {
    "alertname": "NodeFilesystemSpaceFillingUp",
    "job": "node-exporter",
    "instance": "10.0.4.12:9100",
    "namespace": "monitoring",
    "pod": "kps-prometheus-node-exporter-7xk2p",
    "device": "/dev/sda1",
    "mountpoint": "/",
}
CONDITION = {
    "alertname": "KubeNodePressure",
    "job": "kube-state-metrics",
    "instance": "10.1.1.9:8080",
    "namespace": "monitoring",
    "pod": "kps-kube-state-metrics-5d8f7c9b6-x2vqp",
    "container": "kube-state-metrics",
    "node": "w2",
    "condition": "DiskPressure",
    "status": "true",
}
CERTIFICATE = {
    "alertname": "CertificateExpiresSoon",
    "job": "cert-manager",
    "instance": "10.1.1.2:9402",
    "namespace": "cert-manager",
    "pod": "cert-manager-6d8f9c5b7-qz7lp",
    "exported_namespace": "shop",
    "name": "shop-tls",
}
EXPORTER = {
    "alertname": "RedisDown",
    "job": "redis-exporter",
    "instance": "redis-1.shop:6379",
    "namespace": "monitoring",
    "pod": "redis-exporter-6c5b9f-8hj2k",
}
STATIC = {"alertname": "BackendDown", "job": "haproxy", "instance": "lb-01.example:9101", "backend": "web"}
SENSOR = EXPORTER | {"instance": "10.1.1.1:9290", "name": "node007", "exported_name": "DIMM A1"}
SEARCH = EXPORTER | {"instance": "10.1.1.1:9114", "cluster": "prod", "exported_cluster": "logs"}
RATE = {"alertname": "ErrorBudgetBurn", "service": "checkout"}
QUOTA = {
    "alertname": "KubeQuotaAlmostFull",
    "namespace": "shop",
    "endpoint": "http",
    "service": "kps-kube-state-metrics",
    "container": "kube-state-metrics",
    "pod": "kps-kube-state-metrics-5d8f7c9b6-x2vqp",
    "resourcequota": "team",
    "resource": "pods",
}
ALERTS = (POD, CLAIM, DISK, CONDITION, CERTIFICATE, EXPORTER, SENSOR, SEARCH, RATE, QUOTA)


@pytest.mark.parametrize(
    ("alert", "changes"),
    [
        (DISK, {"device": "/dev/sda2", "mountpoint": "/var"}),
        (DISK | {"node": "w2"}, {"mountpoint": "/var"}),
        (CONDITION, {"condition": "MemoryPressure"}),
        (CERTIFICATE, {"name": "cart-tls"}),
        (CERTIFICATE, {"exported_namespace": "web"}),
        (QUOTA, {"resource": "requests.storage"}),
        (RATE, {"service": "payments"}),
        (EXPORTER, {"instance": "redis-2.shop:6379"}),
        (EXPORTER | {"db_name": "orders"}, {"instance": "redis-2.shop:6379"}),
        (STATIC, {"instance": "lb-02.example:9101"}),
        (SENSOR, {"name": "node008"}),
        (SENSOR, {"exported_name": "DIMM A2"}),
        (SEARCH, {"exported_cluster": "metrics"}),
        (SEARCH, {"cluster": "edge"}),
        (POD | {"name": "front50-put"}, {"name": "front50-get"}),
        (POD | {"http.route": "/a"}, {"http.route": "/b"}),
        (POD | {"queue": "orders"}, {"queue": "refunds"}),
        (POD | {"tunnel": "a-to-b"}, {"tunnel": "b-to-c"}),
        (POD | {"method": "GET"}, {"method": "PUT"}),
        (
            {"alertname": "Waiting", "namespace": "shop", "pod": "db-0", "container": "db"},
            {"container": "log"},
        ),
        ({"alertname": "Down", "job": "cart", "namespace": "shop"}, {"job": "payments"}),
        (CLAIM, {"cluster": "other"}),
        (CLAIM, {"alertname": "PVCUsageCritical"}),
    ],
    ids=str,
)
def test_these_are_two_problems(alert: dict[str, str], changes: dict[str, str]) -> None:
    assert identity_of(alert) != identity_of(alert | changes)


@pytest.mark.parametrize(
    ("alert", "changes"),
    [
        (CLAIM, {"node": "w3", "instance": "10.0.4.13:10250"}),
        (DISK, {"pod": "kps-prometheus-node-exporter-zzzzz"}),
        (CERTIFICATE, {"pod": "cert-manager-6d8f9c5b7-zzzzz", "instance": "10.9.9.9:9402"}),
        (STATIC | {"namespace": "shop"}, {"instance": "10.1.1.2:9101"}),
        (SENSOR, {"pod": "redis-exporter-6c5b9f-zzzzz", "instance": "10.1.1.2:9290"}),
        (SENSOR | {"version": "1", "exported_version": "7"}, {"version": "2", "exported_version": "8"}),
        (QUOTA, {"pod": "kps-kube-state-metrics-5d8f7c9b6-zzzzz"}),
        (CONDITION, {"status": "unknown"}),
        (POD, {"pod": "cart-7d8f9c5b74-x2vqp", "instance": "10.1.1.2:8080"}),
        (POD, {"pod": "cart-5c6d7f8b9-x2vqp"}),
        (POD | {"reason": "OOMKilled"}, {"reason": "CrashLoopBackOff"}),
        (POD | {"image": "cart:1", "version": "1"}, {"image": "cart:2", "version": "2"}),
        (RATE | {"rule_replica": "a"}, {"rule_replica": "b"}),
        (
            RATE | {"sloth_severity": "page", "severity": "page"},
            {"sloth_severity": "ticket", "severity": "info"},
        ),
        (RATE | {"long": "1h", "short": "5m"}, {"long": "6h", "short": "30m"}),
        (
            {
                "alertname": "KubeJobFailed",
                "namespace": "etl",
                "job_name": "nightly-29808780",
                "condition": "true",
            },
            {"job_name": "nightly-29808790"},
        ),
    ],
    ids=str,
)
def test_these_are_one_problem(alert: dict[str, str], changes: dict[str, str]) -> None:
    assert identity_of(alert) == identity_of(alert | changes)


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,11}", fullmatch=True)
VALUES = st.text(min_size=1, max_size=12)


@given(st.sampled_from(ALERTS), NAMES, VALUES, VALUES)
def test_any_label_that_no_list_names_makes_two_problems(
    alert: dict[str, str], name: str, one: str, other: str
) -> None:
    known = {rule.label for rule in RULES.subjects} | {rule.kind for rule in RULES.subjects}
    assume(RULES.kind(name) == "other" and name not in {*known, *RULES.standard.values(), *alert})
    assume(not RULES.is_namespace(name) and not name.startswith(("exported_", "sre_")) and one != other)
    assert identity_of(alert | {name: one}) != identity_of(alert | {name: other})


SETTLED = (
    "value",
    "image",
    "container_id",
    "uid",
    "version",
    "pod_ip",
    "reason",
    "job_status",
    "sync_state",
    "severity",
)


@given(st.sampled_from(ALERTS), st.dictionaries(st.sampled_from(SETTLED), VALUES))
def test_labels_that_change_or_state_how_things_are_make_no_other_problem(
    alert: dict[str, str], moved: dict[str, str]
) -> None:
    """Beside an exporter's pod, a uid says that the series is about that pod."""
    moved = {name: value for name, value in moved.items() if name != "uid" or "container" not in alert}
    assert identity_of(alert | moved) == identity_of(alert)


MOVING = ("instance", "job", "endpoint", "service", "metrics_path", "app", "helm_sh_chart")


@given(st.dictionaries(st.sampled_from(MOVING), VALUES))
def test_a_target_that_moves_tells_of_the_same_problem(moved: dict[str, str]) -> None:
    moved.pop("job", None)  # it says who tells
    moved = {name: value for name, value in moved.items() if "://" not in value}
    alert = POD | {"instance": "10.1.1.1:8080"}
    assert identity_of(alert | moved | {"job": "cart"}) == identity_of(alert)


DOTTED = {"k8s.namespace.name": "shop", "k8s.pod.name": "cart-0", "http.route": "/a", "a/b-c": "1"}


@given(st.sets(st.sampled_from(sorted(DOTTED))))
def test_names_with_dots_and_with_underscores_are_one_problem(written: set[str]) -> None:
    plain = str.maketrans("./-", "___")
    given = {name.translate(plain) if name in written else name: value for name, value in DOTTED.items()}
    assert identity_of(given) == identity_of(DOTTED)


@given(st.permutations([("a.b", "1"), ("a/b", "2"), ("a-b", "3")]))
def test_no_label_is_lost_among_names_that_differ_only_in_signs(turned: list[tuple[str, str]]) -> None:
    assert kept_of(dict(turned)) == {"a.b": "1", "a/b": "2", "a-b": "3"}


@given(st.permutations(sorted(DISK.items())))
def test_the_order_of_labels_changes_nothing(turned: list[tuple[str, str]]) -> None:
    assert identity_of(dict(turned)) == identity_of(DISK)


def test_parts_of_an_identity_cannot_run_into_each_other() -> None:
    one = identify(Subject("t", "ab", "c"), "A", "fmc", {})
    assert one != identify(Subject("t", "a", "bc"), "A", "fmc", {})
    assert identify(Subject(), "A", "fmc", {"a": "bc"}) != identify(Subject(), "A", "fmc", {"ab": "c"})


def test_resources_of_two_kinds_with_a_name_that_is_none_are_two_problems() -> None:
    claim, deployment = (
        {"namespace": "f3iai", kind: "A_b"} for kind in ("persistentvolumeclaim", "deployment")
    )
    assert identity_of(claim) != identity_of(deployment)


def test_only_what_identifies_is_kept() -> None:
    assert kept_of(DISK) == {"device": "/dev/sda1", "mountpoint": "/"}
    assert kept_of(CLAIM) == kept_of(POD) == kept_of(CERTIFICATE) == {}
    assert kept_of(CONDITION) == {"condition": "DiskPressure"}


# Names as Kubernetes generates them.

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
RANDOM = st.text(ALPHABET, min_size=5, max_size=5)
HASHES = st.integers(10**7, 2**32 - 1).map(
    lambda number: "".join(ALPHABET[ord(digit) % len(ALPHABET)] for digit in str(number))
)
"""A pod-template-hash: FNV-1a in decimal digits, in that alphabet. Below 10^7 are two in a thousand."""
OWNERS = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z])?", fullmatch=True).filter(
    lambda name: general("k8s_pod", name) == general("k8s_pod", f"{name}-qz7lp").removesuffix("-*") == name
)
"""Names of owners that do not look generated themselves."""
MINUTES = st.integers(29_000_000, 31_000_000).map(str)
COUNTS = st.integers(0, 9999)


def made(base: str, end: str) -> str:
    """A name by generateName, which cuts a long base."""
    return base[: LONGEST - len(end)] + end


@given(OWNERS, HASHES, HASHES, RANDOM, RANDOM)
def test_replicas_of_a_deployment_are_one_problem(
    owner: str, before: str, after: str, one: str, other: str
) -> None:
    pods = (made(f"{owner}-{before}-", one), made(f"{owner}-{after}-", other))
    assert {general("k8s_pod", pod) for pod in pods} == {f"{owner}-#-*"}
    assert general("k8s_replicaset", f"{owner}-{before}") == f"{owner}-#"


@given(OWNERS.map(lambda name: name * 60), HASHES, RANDOM, RANDOM)
def test_so_are_those_of_a_long_name(owner: str, template: str, one: str, other: str) -> None:
    name = owner[:55]
    pods = (made(f"{name}-{template}-", one), made(f"{name}-{template}-", other))
    assert len({general("k8s_pod", pod) for pod in pods}) == 1
    assert general("k8s_pod", pods[0]).startswith(name[:50])


@given(OWNERS, RANDOM, RANDOM)
def test_pods_of_a_daemonset_or_a_job_are_one_problem(owner: str, one: str, other: str) -> None:
    pods = (made(f"{owner}-", one), made(f"{owner}-", other))
    assert {general("k8s_pod", pod) for pod in pods} == {f"{owner}-*"}


@given(OWNERS, MINUTES, MINUTES, RANDOM, RANDOM)
def test_runs_of_a_cronjob_are_one_problem(owner: str, before: str, after: str, one: str, other: str) -> None:
    jobs = (f"{owner}-{before}", f"{owner}-{after}")
    assert {general("k8s_job", job) for job in jobs} == {f"{owner}-@"}
    pods = (made(f"{jobs[0]}-", one), made(f"{jobs[1]}-", other))
    assert {general("k8s_pod", pod) for pod in pods} == {f"{owner}-@-*"}


@given(OWNERS, MINUTES, COUNTS, RANDOM)
def test_the_index_of_a_job_stays(owner: str, minute: str, index: int, random: str) -> None:
    assert general("k8s_pod", f"{owner}-{index}-{random}") == f"{owner}-{index}-*"
    assert general("k8s_pod", f"{owner}-{minute}-{index}-{random}") == f"{owner}-@-{index}-*"


@given(OWNERS, COUNTS)
def test_the_ordinal_of_a_statefulset_stays(owner: str, ordinal: int) -> None:
    assert general("k8s_pod", f"{owner}-{ordinal}") == f"{owner}-{ordinal}"


@pytest.mark.parametrize(
    "name", ["rook-ceph-mon-b", "db-4", "web", "nginx", "cart-v2", "etcd-w2", "-qz7lp", ""]
)
def test_other_names_stay(name: str) -> None:
    assert general("k8s_pod", name) == name


@given(st.text(), st.sampled_from(["k8s_pvc", "k8s_node", "host", ""]))
def test_names_of_other_things_stay(name: str, resource_type: str) -> None:
    assert general(resource_type, name) == name


def test_the_subject_keeps_its_whole_name() -> None:
    assert subject_of(POD).resource_id == POD["pod"]
