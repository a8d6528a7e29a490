from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from function.shared.errors import Unavailable
from function.shared.facts import Context, Governance
from function.shared.memory import Store
from function.shared.prometheus import Sample
from function.shared.resource import Resource
from function.shared.runs import Run
from function.worldmodel.context import IN_THE_CLUSTER, NAMESPACED, World, governed
from function.worldmodel.metrics import PART
from function.worldmodel.reader import Threads
from tests.harness.fakes import NOW
from tests.worldmodel.cluster import Cluster, Here, Series, incident, manifest, the

CLAIM = Resource("", "k8s_pvc", "f3iai", "typedb-data")
DOWN = Unavailable("kubernetes_unreachable", "it is down")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "world.db", NOW.timestamp)


def world(store: Store, cluster: Cluster, **changes: Any) -> World:
    usual: dict[str, Any] = {
        "prometheus": None,
        "cluster": "",
        "threads": Threads(Here(), Here()),
        "writer": Here(),
        "clock": NOW.timestamp,
    }
    return World(objects=cluster, store=store, **usual | changes)


def told(context: Context) -> dict[str, Any]:
    return {fact.kind: fact.data for fact in context.facts}


def owned(**labels: str) -> Cluster:
    """The incident's cluster, its namespace labelled so."""
    manifests = incident()
    the(manifests, "Namespace", "f3iai")["metadata"]["labels"] = {
        f"sre-dispatch/{name}": value for name, value in labels.items()
    }
    return Cluster(*manifests)


def test_a_context_says_what_is_so_what_the_owner_allows_and_what_was_done(store: Store) -> None:
    about = ("k8s_pvc", "typedb-data", "PVCUsageHigh")
    done = ("resolved", "grew to 40Gi", "cleared", 0.9)
    store.record(Run("s-1", "2026-03-26T03:00:00Z", *about, *done, namespace="f3iai"))  # type: ignore[arg-type]
    cluster = owned(classification="internal", scope="merge-request")
    context = world(store, cluster).context(CLAIM, "PVCUsageHigh")
    assert context.gaps == ("prometheus_none",)
    known = told(context)
    assert known["governance"] == {"classification": "internal", "scope": ("merge-request", "investigate")}
    assert known["memory"]["runs"][0]["ago"] == "3 days ago"
    assert known["dependents"]["count"] == 2


@pytest.mark.parametrize(
    ("classification", "widest", "stated"),
    [
        ("internal", "autonomous", Governance("internal", ("autonomous", "merge-request", "investigate"))),
        ("internal", "investigate", Governance("internal", ("investigate",))),
        (None, "merge-request", Governance(None, ("merge-request", "investigate"))),
        ("internal", None, Governance("internal", None)),
        ("internal", "root", Governance("internal", ())),
        ("internal", "", Governance("internal", ())),
        ("internal", "Autonomous", Governance("internal", ())),
    ],
)
def test_a_scope_names_the_widest_mode_and_one_that_is_none_authorises_nothing(
    classification: str | None, widest: str | None, stated: Governance
) -> None:
    assert governed(classification, widest) == stated


def test_an_owner_who_says_nothing_leaves_it_unknown(store: Store) -> None:
    known = told(world(store, Cluster(*incident())).context(CLAIM, ""))
    assert known["governance"] == {"classification": None, "scope": None}


def test_the_operators_file_stands_in_place_of_labels(store: Store) -> None:
    cluster = owned(classification="public", scope="autonomous")
    stated = {"f3iai": Governance("confidential", ("investigate",))}
    known = told(world(store, cluster, governance=stated).context(CLAIM, ""))
    assert known["governance"] == {"classification": "confidential", "scope": ("investigate",)}
    assert "Namespace" not in {asked.kind for asked in cluster.asked}


@pytest.mark.parametrize(
    ("resource", "gap"),
    [
        (CLAIM._replace(resource_id="", namespace="f3iai/pods"), "no_resource"),
        (CLAIM._replace(cluster="another"), "other_cluster"),
        (CLAIM._replace(cluster="another", resource_id=""), "no_resource"),
        (CLAIM._replace(resource_type="ceph", namespace="f3iai/pods"), "unknown_kind"),
        (CLAIM._replace(resource_id="../typedb-data"), "bad_name"),
        (CLAIM._replace(namespace=""), "bad_name"),
        (CLAIM._replace(namespace="f3iai/pods"), "bad_name"),
        (Resource("", "k8s_node", "", "a,spec.nodeName!=b"), "bad_name"),
    ],
)
def test_where_nothing_can_be_read_nothing_is_asked_and_memory_is_told(
    store: Store, resource: Resource, gap: str
) -> None:
    cluster = Cluster(*incident())
    context = world(store, cluster).context(resource, "PVCUsageHigh")
    assert (context.gaps, set(told(context)), cluster.asked) == ((gap,), {"memory"}, [])


@pytest.mark.parametrize(
    ("resource", "gap"),
    [
        (CLAIM._replace(resource_id=""), "no_resource"),
        (CLAIM._replace(resource_type="consumer_group"), "unknown_kind"),
        (CLAIM._replace(resource_type="unknown_k8s_pvc"), "unknown_kind"),
    ],
)
def test_of_a_resource_that_nobody_can_read_its_namespace_is_told(
    store: Store, resource: Resource, gap: str
) -> None:
    context = world(store, Cluster(*incident())).context(resource, "KafkaConsumerLagHigh")
    assert context.gaps == (gap,)
    assert told(context).keys() >= {"state", "dependents", "around"}
    assert "governance" not in told(context)


@pytest.mark.parametrize(("cluster", "known"), [("", {"api_server", "etcd"}), ("another", set())])
def test_an_alert_without_a_resource_is_told_how_the_control_plane_does(
    store: Store, cluster: str, known: set[str]
) -> None:
    samples = {
        "apiserver_": [Sample({"verb": "GET", PART: "errors"}, 2.0)],
        "etcd_": [Sample({PART: "leader"}, 1)],
    }
    asked = world(store, Cluster(), prometheus=Series(samples))
    context = asked.context(Resource(cluster, "", "", ""), "")
    assert (context.gaps, {fact.kind for fact in context.facts} - {"memory"}) == (("no_resource",), known)


@pytest.mark.parametrize("kind", [*NAMESPACED, *IN_THE_CLUSTER])
def test_what_is_not_there_is_a_gap(store: Store, kind: str) -> None:
    context = world(store, Cluster()).context(Resource("", kind, "f3iai", "gone"), "")
    assert "not_found" in context.gaps


def test_an_object_of_an_odd_shape_is_a_gap_and_costs_nothing_else(store: Store) -> None:
    manifests = incident()
    the(manifests, "PersistentVolumeClaim", "typedb-data")["spec"]["resources"] = "none"
    context = world(store, Cluster(*manifests)).context(CLAIM, "")
    assert "kubernetes_answer" in context.gaps and "not_found" not in context.gaps
    assert "memory" in told(context)


def test_without_a_cluster_it_tells_what_it_last_saw_and_how_old_that_is(tmp_path: Path) -> None:
    file = tmp_path / "world.db"
    assert world(Store(file, NOW.timestamp), Cluster(*incident())).context(CLAIM, "").facts
    later = Store(file, lambda: NOW.timestamp() + 600)
    failing = dict.fromkeys(("PersistentVolumeClaim", "Namespace"), DOWN)
    context = world(later, Cluster(failing=failing)).context(CLAIM, "")
    assert "kubernetes_unreachable" in context.gaps and "not_found" not in context.gaps
    ages = {fact.kind: fact.age_seconds for fact in context.facts}
    assert (ages["storage"], ages["memory"]) == (600, 0)


def test_what_it_could_not_read_it_does_not_remember(store: Store) -> None:
    world(store, Cluster(failing={"PersistentVolumeClaim": DOWN})).context(CLAIM, "")
    assert store.recall(CLAIM) == []


def test_a_change_from_one_look_to_the_next_is_told(tmp_path: Path) -> None:
    manifests = incident()
    file = tmp_path / "world.db"
    world(Store(file, NOW.timestamp), Cluster(*manifests)).context(CLAIM, "")
    claim = the(manifests, "PersistentVolumeClaim", "typedb-data")
    claim["spec"]["resources"]["requests"]["storage"] = "40Gi"
    later = Store(file, lambda: NOW.timestamp() + 7200)
    changes = told(world(later, Cluster(*manifests)).context(CLAIM, ""))["changes"]["changes"]
    assert changes[0] == {
        "what": "requested storage: 20Gi -> 40Gi",
        "ago": "between 2 hours ago and just now",
    }


def test_a_memory_that_cannot_be_read_is_a_gap_and_the_rest_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path / "world.db", NOW.timestamp)
    (tmp_path / "world.db").write_bytes(b"torn" * 4096)
    context = world(store, Cluster(*incident())).context(CLAIM, "PVCUsageHigh")
    assert "memory_unreadable" in context.gaps
    assert {"state", "storage", "dependents"} <= set(told(context)) and "memory" not in told(context)


def test_a_namespace_is_governed_by_itself(store: Store) -> None:
    labels = {"sre-dispatch/scope": "investigate"}
    cluster = Cluster(manifest("Namespace", "shop", "", labels=labels, status={"phase": "Active"}))
    known = told(world(store, cluster).context(Resource("", "k8s_namespace", "", "shop"), ""))
    assert known["governance"]["scope"] == ("investigate",)
