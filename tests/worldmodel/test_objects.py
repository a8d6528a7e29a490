from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.shared.errors import Unavailable
from function.shared.facts import Reference
from function.shared.kubernetes import Answer, Api
from function.shared.strict_json import Json
from function.worldmodel import objects
from function.worldmodel.objects import METADATA, PAGE, PATHS, Objects
from tests.worldmodel.cluster import (
    Manifest,
    has_labels,
    manifest,
    pod_spec,
    running,
    waiting,
    workload,
)


class Scripted(Api):
    """Gives one answer and remembers each request: method, path, query and form."""

    def __init__(self, body: Manifest, status: int = 200) -> None:
        super().__init__()
        self._answer = Answer(status, body)
        self.requests: list[tuple[str, str, Mapping[str, str], str]] = []

    def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        query: Mapping[str, str] | None = None,
        accept: str = "",
        **_: Any,
    ) -> Answer:
        self.requests.append((method, path, query or {}, accept))
        return self._answer


@pytest.mark.parametrize(
    ("kind", "namespace", "path"),
    [
        ("Pod", "f3iai", "/api/v1/namespaces/f3iai/pods/x"),
        ("StatefulSet", "f3iai", "/apis/apps/v1/namespaces/f3iai/statefulsets/x"),
        ("CronJob", "f3iai", "/apis/batch/v1/namespaces/f3iai/cronjobs/x"),
        ("Ingress", "f3iai", "/apis/networking.k8s.io/v1/namespaces/f3iai/ingresses/x"),
        ("Namespace", "", "/api/v1/namespaces/x"),
        ("Node", "", "/api/v1/nodes/x"),
        ("StorageClass", "", "/apis/storage.k8s.io/v1/storageclasses/x"),
    ],
)
def test_an_object_is_read_at_its_path(kind: str, namespace: str, path: str) -> None:
    api = Scripted({"kind": kind})
    assert Objects(api).get(kind, "x", namespace) == {"kind": kind}
    assert api.requests == [("GET", path, {}, "")]


@pytest.mark.parametrize(
    "text", [".", "..", "../x", "a/b", "a?limit=9", "a#b", "a%2fb", "a b", "\u00e4\n", ""]
)
def test_what_no_object_can_be_called_is_not_asked_for(text: str) -> None:
    api = Scripted({})
    assert Objects(api).get("Pod", text, "f3iai") is None
    assert text == "" or Objects(api).get("Pod", "x", text) is None
    assert api.requests == []


def test_an_object_that_is_not_there_is_none() -> None:
    assert Objects(Scripted({"kind": "Status"}, 404)).get("Pod", "x", "f3iai") is None


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "kubernetes_forbidden"),
        (400, "kubernetes_status"),
        (410, "kubernetes_status"),
        (302, "kubernetes_status"),
    ],
)
def test_another_status_is_no_answer_to_either_read(status: int, code: str) -> None:
    refusing = Objects(Scripted({"message": "canary", "metadata": {}, "items": []}, status))
    for read in (lambda: refusing.get("Pod", "x", "f3iai"), lambda: refusing.list("Pod", "f3iai")):
        with pytest.raises(Unavailable) as failure:
            read()
        assert failure.value.code == code and "canary" not in str(failure.value)


def test_a_kind_that_cannot_be_listed_is_no_empty_listing() -> None:
    with pytest.raises(Unavailable) as failure:
        Objects(Scripted({}, 404)).list("Pod", "f3iai")
    assert failure.value.code == "kubernetes_status"


def test_every_listing_is_bounded_and_carries_its_selectors() -> None:
    api = Scripted({"metadata": {}, "items": []})
    Objects(api).list("Pod", "f3iai")
    Objects(api).list("Pod", fields="spec.nodeName=w2", metadata=True)
    Objects(api).list("Pod", "f3iai", labels="app=typedb")
    path, bound = "/api/v1/namespaces/f3iai/pods", {"limit": str(PAGE)}
    assert api.requests == [
        ("GET", path, bound, ""),
        ("GET", "/api/v1/pods", {**bound, "fieldSelector": "spec.nodeName=w2"}, METADATA),
        ("GET", path, {**bound, "labelSelector": "app=typedb"}, ""),
    ]
    assert PAGE == 500


@pytest.mark.parametrize(
    ("metadata", "whole"),
    [({}, True), (None, True), ({"continue": ""}, True), ({"continue": "abc"}, False)],
)
def test_a_listing_that_goes_on_is_not_whole(metadata: Manifest | None, whole: bool) -> None:
    listing = Objects(Scripted({"metadata": metadata, "items": [{"metadata": {"name": "a"}}]})).list("Pod")
    assert listing.whole is whole
    assert listing.items == [{"kind": "Pod", "metadata": {"name": "a"}}]


@pytest.mark.parametrize("items", [None, []])
def test_a_listing_of_nothing_is_empty(items: list[Manifest] | None) -> None:
    assert list(Objects(Scripted({"metadata": {}, "items": items})).list("Pod").items) == []


def test_neither_secrets_nor_config_maps_can_be_read() -> None:
    api = Scripted({})
    for kind in ("Secret", "ConfigMap", "../x"):
        with pytest.raises(KeyError):
            Objects(api).get(kind, "x", "f3iai")
        with pytest.raises(KeyError):
            Objects(api).list(kind, "f3iai")
    assert api.requests == []
    assert not {plural for _, plural in PATHS.values()} & {"secrets", "configmaps"}


def in_(operator: str, *values: str, key: str = "app") -> Manifest:
    expression: Manifest = {"key": key, "operator": operator}
    return {"matchExpressions": [{**expression, "values": [*values]} if values else expression]}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": None, "matchExpressions": None}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "other"}}, False),
        ({"matchLabels": {"app": "web", "tier": "front"}}, True),
        ({"matchLabels": {"app": "web", "zone": "a"}}, False),
        ({"matchLabels": {"zone": ""}}, False),
        (in_("In", "db", "web"), True),
        (in_("In", "db"), False),
        (in_("In", "db", key="zone"), False),
        (in_("NotIn", "db"), True),
        (in_("NotIn", "db", "web"), False),
        (in_("NotIn", "db", key="zone"), True),
        (in_("Exists"), True),
        (in_("Exists", key="zone"), False),
        (in_("DoesNotExist"), False),
        (in_("DoesNotExist", key="zone"), True),
        (in_("Gt", "1"), False),
        ({"matchLabels": {"app": "web"}, **in_("DoesNotExist", key="tier")}, False),
        ({"matchLabels": {"app": "db"}, **in_("Exists", key="tier")}, False),
    ],
)
def test_a_selector_selects(selector: Manifest | None, selected: bool) -> None:
    assert objects.selects(selector, {"app": "web", "tier": "front"}) is selected


KEYS, VALUES = st.sampled_from(["app", "tier", "zone"]), st.sampled_from(["a", "b", "c"])
LABELS = st.dictionaries(KEYS, VALUES)
EXPRESSIONS = st.one_of(
    st.fixed_dictionaries(
        {
            "key": KEYS,
            "operator": st.sampled_from(["In", "NotIn"]),
            "values": st.lists(VALUES, min_size=1, max_size=2),
        }
    ),
    st.fixed_dictionaries({"key": KEYS, "operator": st.sampled_from(["Exists", "DoesNotExist"])}),
)
SELECTORS: st.SearchStrategy[Manifest] = st.fixed_dictionaries(
    {}, optional={"matchLabels": LABELS, "matchExpressions": st.lists(EXPRESSIONS, max_size=3)}
)


def as_the_api_defines_it(selector: Manifest, labels: Mapping[str, str]) -> bool:
    for name, value in selector.get("matchLabels", {}).items():
        if name not in labels or labels[name] != value:
            return False
    for each in selector.get("matchExpressions", []):
        there = each["key"] in labels
        among = there and labels[each["key"]] in each.get("values", [])
        holds = {"In": among, "NotIn": not among, "Exists": there, "DoesNotExist": not there}
        if not holds[each["operator"]]:
            return False
    return True


@given(SELECTORS, LABELS)
def test_selecting_is_what_the_api_defines_and_what_its_query_chooses(
    selector: Manifest, labels: dict[str, str]
) -> None:
    selected = objects.selects(selector, labels)
    assert selected == as_the_api_defines_it(selector, labels)
    assert selected == has_labels({"metadata": {"labels": labels}}, objects.as_query(selector))


def test_a_selector_as_a_query() -> None:
    selector = {
        "matchLabels": {"app": "web", "tier": ""},
        "matchExpressions": [
            {"key": "a", "operator": "In", "values": ["x", "y"]},
            {"key": "b", "operator": "NotIn", "values": ["z"]},
            {"key": "c", "operator": "Exists"},
            {"key": "d", "operator": "DoesNotExist"},
        ],
    }
    assert objects.as_query(selector) == "app=web,tier=,a in (x,y),b notin (z),c,!d"
    assert objects.as_query({}) == objects.as_query({"matchLabels": None}) == ""


def test_a_selector_that_no_query_can_carry_is_refused() -> None:
    with pytest.raises(KeyError):
        objects.as_query(in_("Gt", "1"))


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"])
def test_a_claim_that_a_workload_names_is_mounted_by_it(kind: str) -> None:
    of = workload(kind, "typedb", {}, pod_spec("typedb-data", "logs"))
    assert objects.claims(of) == {"typedb-data", "logs"}
    assert objects.mounts(of, "typedb-data") and objects.mounts(of, "logs")
    assert not objects.mounts(of, "typedb-data-0")


def test_the_claims_of_a_pod_are_those_of_its_volumes() -> None:
    volumes = [{"name": "tmp", "emptyDir": {}}, *pod_spec("typedb-data")["volumes"]]
    assert objects.claims(manifest("Pod", "x", spec={"volumes": volumes})) == {"typedb-data"}
    assert objects.claims(manifest("Pod", "x", spec={"volumes": None})) == set()


def test_the_claim_of_an_ephemeral_volume_is_named_after_its_pod_and_no_workload_has_it() -> None:
    spec = {"volumes": [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}]}
    assert objects.claims(manifest("Pod", "web-0", spec=spec)) == {"web-0-scratch"}
    assert objects.claims(workload("StatefulSet", "web", {}, spec)) == set()


@pytest.mark.parametrize(
    ("phase", "over"),
    [("Succeeded", True), ("Failed", True), ("Running", False), ("Pending", False), ("Unknown", False)],
)
def test_a_pod_that_has_ended_is_over(phase: str, over: bool) -> None:
    assert objects.is_over(manifest("Pod", "x", status={"phase": phase})) is over
    assert not objects.is_over(manifest("Pod", "x"))


@pytest.mark.parametrize(
    ("claim", "mounted"),
    [
        ("data-typedb-0", True),
        ("data-typedb-12", True),
        ("wal-typedb-0", True),
        ("data-typedb-", False),
        ("data-typedb-x", False),
        ("data-typedb-0x", False),
        ("data-typedb--1", False),
        ("data-typedb", False),
        ("data-typedb-0-0", False),
        ("data-typedb2-0", False),
        ("my-data-typedb-0", False),
        ("typedb-0", False),
        ("0", False),
        ("", False),
    ],
)
def test_a_claim_that_a_stateful_set_made_is_mounted_by_it_and_none_that_looks_alike(
    claim: str, mounted: bool
) -> None:
    templates = [{"metadata": {"name": "data"}}, {"metadata": {"name": "wal"}}]
    of = workload("StatefulSet", "typedb", {}, pod_spec(), volumeClaimTemplates=templates)
    assert objects.mounts(of, claim) is mounted


def test_what_a_workload_needs_is_told_by_kind_and_each_once() -> None:
    containers = [
        {
            "name": "main",
            "envFrom": [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "password"}}],
            "env": [
                {"name": "A", "value": "plain"},
                {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "b"}}},
                {"name": "C", "valueFrom": {"secretKeyRef": {"name": "password", "key": "c"}}},
                {"name": "D", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            ],
        },
        {"name": "bare"},
    ]
    volumes = [
        {"name": "a", "configMap": {"name": "files"}},
        {"name": "b", "secret": {"secretName": "certificate"}},
        {"name": "c", "emptyDir": {}},
        *pod_spec("typedb-data", "logs")["volumes"],
    ]
    of = workload("Deployment", "web", {}, {"containers": containers, "volumes": volumes})
    assert objects.needs(of) == [
        Reference("PersistentVolumeClaim", "logs", "f3iai"),
        Reference("PersistentVolumeClaim", "typedb-data", "f3iai"),
        Reference("ConfigMap", "files", "f3iai"),
        Reference("ConfigMap", "flags", "f3iai"),
        Reference("ConfigMap", "settings", "f3iai"),
        Reference("Secret", "certificate", "f3iai"),
        Reference("Secret", "password", "f3iai"),
    ]


def test_what_init_containers_projected_volumes_and_pulls_of_images_name_is_needed_too() -> None:
    setup = {"name": "setup", "envFrom": [{"secretRef": {"name": "token"}}]}
    sources = [{"configMap": {"name": "roots"}}, {"secret": {"name": "key"}}, {"downwardAPI": {}}]
    pod = {
        "initContainers": [setup],
        "containers": [{"name": "main"}],
        "imagePullSecrets": [{"name": "registry"}],
        "volumes": [{"name": "all", "projected": {"sources": sources}}],
    }
    assert objects.needs(workload("Deployment", "web", {}, pod)) == [
        Reference("ConfigMap", "roots", "f3iai"),
        Reference("Secret", "key", "f3iai"),
        Reference("Secret", "registry", "f3iai"),
        Reference("Secret", "token", "f3iai"),
    ]


def test_what_a_pod_can_do_without_is_not_needed() -> None:
    value = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "a", "key": "a", "optional": True}}}
    main = {
        "name": "main",
        "env": [value],
        "envFrom": [
            {"configMapRef": {"name": "b", "optional": True}},
            {"configMapRef": {"name": "c", "optional": False}},
        ],
    }
    volumes = [{"name": "d", "secret": {"secretName": "d", "optional": True}}]
    of = workload("Deployment", "web", {}, {"containers": [main], "volumes": volumes})
    assert objects.needs(of) == [Reference("ConfigMap", "c", "f3iai")]


def test_a_pod_needs_its_node_and_one_without_anything_needs_nothing() -> None:
    placed = manifest("Pod", "x", spec=pod_spec(nodeName="w2"))
    assert objects.needs(placed) == [Reference("Node", "w2")]
    assert objects.needs(manifest("Pod", "x", spec=pod_spec())) == []
    assert objects.needs(manifest("Pod", "x")) == []


ENDED = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
CONTAINERS: dict[str, tuple[Manifest, str]] = {
    "running": (running(), "main: running"),
    "restarted": (
        running(restartCount=3, lastState=ENDED),
        "main: running, 3 restarts, last ended by OOMKilled",
    ),
    "waiting": (
        waiting("CrashLoopBackOff", restartCount=7),
        "main: waiting, CrashLoopBackOff, 7 restarts",
    ),
    "ended badly": ({"name": "main", "state": ENDED}, "main: terminated, OOMKilled, exit code 137"),
    "ended well": (
        {"name": "main", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
        "main: terminated, Completed, exit code 0",
    ),
    "not ready": (running(ready=False), "main: running, not ready"),
    "ready": (running(ready=True), "main: running"),
    "waiting, and so not ready": (
        waiting("CrashLoopBackOff", ready=False),
        "main: waiting, CrashLoopBackOff",
    ),
    "without a state": ({"name": "main"}, "main: unknown"),
    "with an empty state": ({"name": "main", "state": {}, "lastState": {}}, "main: unknown"),
    "waiting without a reason": ({"name": "main", "state": {"waiting": {}}}, "main: waiting"),
}


@pytest.mark.parametrize("case", CONTAINERS)
def test_a_container_in_words(case: str) -> None:
    status, words = CONTAINERS[case]
    pod = manifest("Pod", "x", status={"containerStatuses": [status]})
    assert [*objects.containers(pod)] == [words]


def test_init_containers_come_before_the_others() -> None:
    status = {
        "containerStatuses": [waiting("PodInitializing")],
        "initContainerStatuses": [waiting("ErrImagePull", name="setup")],
    }
    assert [*objects.containers(manifest("Pod", "x", status=status))] == [
        "setup: waiting, ErrImagePull",
        "main: waiting, PodInitializing",
    ]
    assert [*objects.containers(manifest("Pod", "x", status={"phase": "Pending"}))] == []


DONE = {"name": "setup", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}
NOT_READY = {"conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]}
TROUBLES: dict[str, tuple[Manifest, list[str]]] = {
    "well": ({"phase": "Running", "containerStatuses": [running()], "initContainerStatuses": [DONE]}, []),
    "ended well": ({"phase": "Succeeded", "containerStatuses": [DONE], **NOT_READY}, []),
    "crashing": (
        {"phase": "Running", "containerStatuses": [waiting("CrashLoopBackOff"), running("b")], **NOT_READY},
        ["main: waiting, CrashLoopBackOff", "Ready=False ContainersNotReady"],
    ),
    "ended badly": (
        {"phase": "Failed", "containerStatuses": [{"name": "main", "state": ENDED}]},
        ["main: terminated, OOMKilled, exit code 137"],
    ),
    "restarted": (
        {"phase": "Running", "containerStatuses": [running(restartCount=2)]},
        ["main: running, 2 restarts"],
    ),
    "without a place": (
        {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False"}]},
        ["PodScheduled=False"],
    ),
    "just made": ({"phase": "Pending"}, []),
}


@pytest.mark.parametrize("case", TROUBLES)
def test_the_troubles_of_a_pod(case: str) -> None:
    status, troubles = TROUBLES[case]
    pod = manifest("Pod", "x", status=status)
    assert objects.troubles(pod) == troubles
    pod["metadata"]["deletionTimestamp"] = "2026-03-29T03:00:00Z"
    ended_well = status["phase"] == "Succeeded"
    assert objects.troubles(pod) == ([] if ended_well else [*troubles, "being deleted"])


@pytest.mark.parametrize(
    ("type_", "status", "told"),
    [
        ("Ready", "True", False),
        ("Ready", "False", True),
        ("Ready", "Unknown", True),
        ("Available", "True", False),
        ("Progressing", "False", True),
        ("MemoryPressure", "False", False),
        ("MemoryPressure", "True", True),
        ("MemoryPressure", "Unknown", True),
        ("FileSystemResizePending", "True", True),
        ("Resizing", "True", True),
        ("ControllerResizeError", "True", True),
        ("NodeResizeError", "True", True),
        ("NamespaceContentRemaining", "True", True),
        ("NamespaceContentRemaining", "False", False),
        ("ReplicaFailure", "True", True),
        ("Complete", "True", False),
        ("Failed", "True", True),
        ("example.org/Checked", "True", False),
        ("example.org/Checked", "False", False),
    ],
)
def test_a_condition_is_told_where_it_is_not_as_it_should_be(type_: str, status: str, told: bool) -> None:
    of = manifest("Pod", "x", status={"conditions": [{"type": type_, "status": status}]})
    assert objects.conditions(of) == ([f"{type_}={status}"] if told else [])


def test_a_condition_is_told_with_its_reason_and_its_message() -> None:
    of = manifest(
        "Pod",
        "x",
        status={
            "conditions": [
                {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "[main]"},
                {"type": "PodScheduled", "status": "True", "reason": "Scheduled"},
                {"type": "DisruptionTarget", "status": "True", "reason": ""},
            ]
        },
    )
    assert objects.conditions(of) == ["Ready=False ContainersNotReady [main]", "DisruptionTarget=True"]
    assert objects.conditions(manifest("Pod", "x", status={"conditions": None})) == []


def owned(*owners: Manifest) -> Manifest:
    of = manifest("Pod", "typedb-0")
    of["metadata"]["ownerReferences"] = [*owners]
    return of


@pytest.mark.parametrize(
    ("owners", "expected"),
    [
        ([], None),
        ([{"kind": "StatefulSet", "name": "typedb"}], None),
        ([{"kind": "StatefulSet", "name": "typedb", "controller": False}], None),
        (
            [{"kind": "Backup", "name": "x"}, {"kind": "StatefulSet", "name": "typedb", "controller": True}],
            Reference("StatefulSet", "typedb", "f3iai"),
        ),
        ([{"kind": "Node", "name": "w2", "controller": True}], Reference("Node", "w2", "")),
    ],
)
def test_the_controller_is_the_owner_that_says_so(owners: list[Manifest], expected: Reference | None) -> None:
    assert objects.controller(owned(*owners)) == expected


def test_an_object_without_owners_has_no_controller() -> None:
    assert objects.controller(manifest("Pod", "x")) is None


@pytest.mark.parametrize("kind", ["Deployment", "CronJob", "Job"])
def test_the_template_of_a_workload_carries_labels_and_images(kind: str) -> None:
    of = workload(kind, "web", {"app": "web"}, pod_spec())
    assert objects.template_labels(of) == {"app": "web"}
    assert objects.images(of) == ["busybox:1"]


def test_a_pod_is_its_own_template() -> None:
    of = manifest("Pod", "x", labels={"app": "web"}, spec=pod_spec())
    assert objects.template(of) is of
    assert (objects.template_labels(of), objects.images(of)) == ({"app": "web"}, ["busybox:1"])


def test_what_an_object_does_not_have_is_empty() -> None:
    bare = manifest("Pod", "x")
    filled = manifest("Pod", "x", labels={"a": "b"}, annotations={"c": "d"})
    assert (objects.labels(bare), objects.labels(filled)) == ({}, {"a": "b"})
    assert (objects.annotation(bare, "c"), objects.annotation(filled, "c")) == (None, "d")
    assert (objects.spec(bare), objects.status(bare)) == ({}, {})
    assert objects.namespace(manifest("Node", "w2", "")) == ""


@pytest.mark.parametrize(
    "text", ["2026-03-01T03:10:00Z", "2026-03-01T03:10:00.000000Z", "2026-03-01T04:10:00+01:00"]
)
def test_a_time_as_the_api_writes_it(text: str) -> None:
    assert objects.seconds(text) == 1772334600.0
