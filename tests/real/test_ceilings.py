"""What an agent's ServiceAccount may read and change, and how far, asked of a real API server with our
manifests in force; and what a model can make of it through the real kubernetes-mcp-server."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.harness.components import ApiServer, answers, api_server, find, need, running, wait_until
from tests.harness.manifests import KNATIVE, MANIFESTS
from tests.harness.process import free_port

pytestmark = pytest.mark.real

Object = dict[str, Any]
Ask = Callable[[str, Object], httpx.Response]

ENROLLED = KNATIVE / "enrolled" / "f3iai.yaml"
CONFIG_MAPS = KNATIVE / "components" / "config-maps"

SERVICE_ACCOUNTS = ("sre-agent-remediate", "sre-agent-propose", "sre-agent-investigate")
NAMES = (f"it-{number}" for number in itertools.count())
GIB = 2**30

CLAIMS = "/api/v1/namespaces/shop/persistentvolumeclaims"
DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"
MERGE = {"content-type": "application/merge-patch+json"}
FORCED = {"fieldManager": "kubernetes-mcp-server", "force": "true"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Three namespaces: f3iai, enrolled as we ship it; shop, by a copy, to scale too, and with its ConfigMaps
    open; elsewhere, not."""
    need("etcd", "kube-apiserver", "kubectl")
    copy = ENROLLED.read_text(encoding="utf-8").replace("f3iai", "shop")
    with api_server(tmp_path_factory.mktemp("ceilings")) as api:
        for namespace in ("f3iai", "shop", "elsewhere"):
            api.kubectl("create", "namespace", namespace)
            api.kubectl("create", "serviceaccount", "-n", namespace, "default")
        for manifest in [*MANIFESTS, ENROLLED]:
            api.kubectl("apply", "--warnings-as-errors", "-f", manifest)
        api.kubectl("apply", "--warnings-as-errors", "-f", CONFIG_MAPS / "role.yaml")
        opened = (CONFIG_MAPS / "binding.yaml").read_text(encoding="utf-8").replace("f3iai", "shop")
        for enrolment in (copy, copy.replace("grow-claims", "scale-deployments"), opened):
            api.kubectl("apply", "--warnings-as-errors", "-f", "-", stdin=enrolment)
        api.kubectl("create", "serviceaccount", "-n", "sre-agents", "mistaken")
        everything = ("--clusterrole=cluster-admin", "--serviceaccount=sre-agents:mistaken")
        api.kubectl("create", "clusterrolebinding", "mistaken", *everything)
        api.kubectl("apply", "-f", "-", stdin=json.dumps(STORAGE_CLASS))
        with api.client() as admin, api.client(api.token("sre-agents", "mistaken")) as mistaken:
            wait_until(lambda: _judged(admin, mistaken), "the ceilings to be in force", every=0.2)
        yield api


def _judged(admin: httpx.Client, mistaken: httpx.Client) -> bool:
    """Whether each of the three policies refuses what it should, of somebody to whom RBAC refuses nothing."""
    dry = {"dryRun": "All"}
    changes = [(claim(admin), size("1Ei")), (deployment(admin), replicas(1000))]
    replies = [mistaken.patch(path, json=change, headers=MERGE, params=dry) for path, change in changes]
    replies += [mistaken.post("/api/v1/namespaces", json={"metadata": {"name": "new"}}, params=dry)]
    return all("denied request: sre-dispatch: " in reply.text for reply in replies)


@pytest.fixture(scope="module")
def admin(cluster: ApiServer) -> Iterator[httpx.Client]:
    with cluster.client() as client:
        yield client


@pytest.fixture(scope="module")
def low(cluster: ApiServer) -> Iterator[httpx.Client]:
    """The API server as the autonomous tier sees it."""
    with cluster.client(cluster.token("sre-agents", "sre-agent-remediate")) as client:
        yield client


@pytest.fixture(scope="module")
def mistaken(cluster: ApiServer) -> Iterator[httpx.Client]:
    """A ServiceAccount among the agents that somebody made an administrator: only admission holds it."""
    with cluster.client(cluster.token("sre-agents", "mistaken")) as client:
        yield client


# --- ways to ask for a change, which is told as a merge patch ------------------------------------------


def by_merge_patch(client: httpx.Client, path: str, change: Object) -> httpx.Response:
    return client.patch(path, json=change, headers=MERGE)


def by_strategic_merge_patch(client: httpx.Client, path: str, change: Object) -> httpx.Response:
    return client.patch(path, json=change, headers={"content-type": "application/strategic-merge-patch+json"})


def by_json_patch(client: httpx.Client, path: str, change: Object) -> httpx.Response:
    wanted = merged(client.get(path).json(), change)
    steps = [{"op": "replace", "path": f"/{part}", "value": wanted[part]} for part in change]
    return client.patch(path, json=steps, headers={"content-type": "application/json-patch+json"})


def by_apply(client: httpx.Client, path: str, change: Object) -> httpx.Response:
    """As kubernetes-mcp-server does it."""
    apply = {"content-type": "application/apply-patch+yaml"}
    return client.patch(path, json=named(path, change), params=FORCED, headers=apply)


def by_put(client: httpx.Client, path: str, change: Object) -> httpx.Response:
    return client.put(path, json=merged(client.get(path).json(), change))


PATCHES = {
    "merge patch": by_merge_patch,
    "strategic merge patch": by_strategic_merge_patch,
    "JSON patch": by_json_patch,
}


@pytest.fixture(params=[*PATCHES, "apply", "PUT"])
def ask(request: pytest.FixtureRequest, low: httpx.Client, mistaken: httpx.Client) -> Ask:
    """Every way to ask: the tier's own, but PUT, which RBAC refuses to it, by somebody who may."""
    by = PATCHES | {"apply": by_apply, "PUT": by_put}
    client = mistaken if request.param == "PUT" else low
    return lambda path, change: by[request.param](client, path, change)


def named(path: str, change: Object) -> Object:
    """The change of the object at the path as a manifest that says nothing else."""
    *_, namespace, kind, name = path.split("/")
    version, of = ("apps/v1", "Deployment") if kind == "deployments" else ("v1", "PersistentVolumeClaim")
    told = {"apiVersion": version, "kind": of, "metadata": {"name": name, "namespace": namespace}}
    return merged(told, change)


def merged(target: Object, change: Mapping[str, Any]) -> Object:
    """The target after a JSON merge patch (RFC 7396)."""
    result = dict(target)
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name) or {}, value) if isinstance(value, dict) else value
    return result


# --- claims -------------------------------------------------------------------------------------------

BEYOND = "sre-dispatch: the requested storage exceeds the claim's annotation sre-dispatch/max-storage"
NO_CEILING = "sre-dispatch: an agent may not grow this claim: the annotation sre-dispatch/max-storage"
SHRINKS = "sre-dispatch: a claim cannot shrink"
ONLY_STORAGE = "sre-dispatch: an agent may only change spec.resources.requests.storage of a claim"
OURS = "sre-dispatch: this object is part of sre-dispatch, and no agent may change sre-dispatch"
NO_REMEDY = "sre-dispatch: an agent may only grow an existing PersistentVolumeClaim or scale up an existing"
STATES_MORE = "sre-dispatch: the apply contains more than the one field that may change"
KUBERNETES = "spec is immutable after creation"

STORAGE_CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "growing"},
    "provisioner": "example.com/csi",
    "allowVolumeExpansion": True,
}
OWNER = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "name": "any",
    "uid": "00000000-0000-4000-8000-000000000000",
}


def size(storage: str, **spec: Any) -> Object:
    return {"spec": {"resources": {"requests": {"storage": storage}}, **spec}}


def claim(
    admin: httpx.Client,
    ceiling: str | None = "100Gi",
    namespace: str = "shop",
    name: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> str:
    """The path of a new claim: its volume has 20Gi, it asks for 40Gi, it may ask for up to its ceiling."""
    name = name or next(NAMES)
    claims = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    spec = {"storageClassName": "growing", "volumeName": "any", "accessModes": ["ReadWriteOnce"]}
    annotations = {} if ceiling is None else {"sre-dispatch/max-storage": ceiling}
    metadata = {"name": name, "annotations": {"a": "b"} | annotations, "labels": labels or {"app": "shop"}}
    created = admin.post(claims, json={"metadata": metadata} | merged(size("20Gi"), {"spec": spec}))
    assert created.status_code == 201, created.text
    bind(admin, f"{claims}/{name}")
    assert admin.patch(f"{claims}/{name}", json=size("40Gi"), headers=MERGE).status_code == 200
    return f"{claims}/{name}"


def bind(admin: httpx.Client, path: str) -> None:
    """Says what the volume controller would: only a bound claim can grow."""
    bound = {"status": {"phase": "Bound", "capacity": {"storage": "20Gi"}, "accessModes": ["ReadWriteOnce"]}}
    assert admin.patch(f"{path}/status", json=bound, headers=MERGE).status_code == 200


def requested(admin: httpx.Client, path: str) -> str:
    return str(admin.get(path).json()["spec"]["resources"]["requests"]["storage"])


@pytest.mark.parametrize("storage", ["40Gi", "41Gi", "100Gi", "102400Mi", str(100 * GIB)])
def test_a_claim_grows_up_to_its_ceiling(admin: httpx.Client, ask: Ask, storage: str) -> None:
    path = claim(admin)

    reply = ask(path, size(storage))

    assert reply.status_code == 200, reply.text
    assert requested(admin, path) in (storage, "100Gi")  # the API server may write a quantity its own way


def test_many_steps_come_no_further_than_one(admin: httpx.Client, ask: Ask) -> None:
    path = claim(admin)
    for storage in ("60Gi", "80Gi", "99Gi", "100Gi"):
        assert ask(path, size(storage)).status_code == 200

    assert_refused(admin, path, ask, size(str(100 * GIB + 1)), BEYOND)


CLAIM_REFUSED: dict[str, tuple[str, Object]] = {
    "above the ceiling": (BEYOND, size("101Gi")),
    "one byte above": (BEYOND, size(str(100 * GIB + 1))),
    "above in another unit": (BEYOND, size("108G")),
    "far above": (BEYOND, size("1Ei")),
    "shrinking": (SHRINKS, size("30Gi")),
    "a label": (ONLY_STORAGE, size("50Gi") | {"metadata": {"labels": {"team": "red"}}}),
    "another label": (ONLY_STORAGE, {"metadata": {"labels": {"app": "bank"}}}),
    "its own ceiling": (
        ONLY_STORAGE,
        size("200Gi") | {"metadata": {"annotations": {"sre-dispatch/max-storage": "1Ti"}}},
    ),
    "another annotation": (ONLY_STORAGE, size("50Gi") | {"metadata": {"annotations": {"c": "d"}}}),
    "a finalizer": (ONLY_STORAGE, size("50Gi") | {"metadata": {"finalizers": ["example.com/hold"]}}),
    "an owner": (ONLY_STORAGE, size("50Gi") | {"metadata": {"ownerReferences": [OWNER]}}),
    "generateName": (ONLY_STORAGE, size("50Gi") | {"metadata": {"generateName": "any-"}}),
    "a class of attributes": (ONLY_STORAGE, size("50Gi", volumeAttributesClassName="fast")),
    # These Kubernetes refuses before it asks any policy.
    "another class": (KUBERNETES, size("50Gi", storageClassName="other")),
    "another volume": (KUBERNETES, size("50Gi", volumeName="other")),
    "other access modes": (KUBERNETES, size("50Gi", accessModes=["ReadWriteMany"])),
    "a source": (KUBERNETES, size("50Gi", dataSource={"kind": "PersistentVolumeClaim", "name": "x"})),
    "a mode": (KUBERNETES, size("50Gi", volumeMode="Block")),
    "a limit": (KUBERNETES, merged(size("50Gi"), {"spec": {"resources": {"limits": {"storage": "1Ti"}}}})),
    "another request": (
        KUBERNETES,
        merged(size("50Gi"), {"spec": {"resources": {"requests": {"x/y": "1"}}}}),
    ),
}


@pytest.mark.parametrize(("why", "change"), CLAIM_REFUSED.values(), ids=CLAIM_REFUSED)
def test_of_a_claim_nothing_else_changes(admin: httpx.Client, ask: Ask, why: str, change: Object) -> None:
    assert_refused(admin, claim(admin), ask, change, why)


@pytest.mark.parametrize("by", PATCHES.values(), ids=PATCHES)
@pytest.mark.parametrize(
    "removed",
    [
        {"annotations": {"sre-dispatch/max-storage": None}},
        {"annotations": {"a": None}},
        {"labels": {"app": None}},
        {"finalizers": None},
    ],
    ids=json.dumps,
)
def test_nothing_is_taken_from_a_claim(
    admin: httpx.Client, low: httpx.Client, by: Callable[..., httpx.Response], removed: Object
) -> None:
    change = {"metadata": removed}
    assert_refused(admin, claim(admin), lambda path, wanted: by(low, path, wanted), change, ONLY_STORAGE)


@pytest.mark.parametrize("ceiling", [None, "", "lots", "100GB", "100Gi ", "1,000Gi", "100Gi100Gi", "∞"])
def test_a_claim_without_a_ceiling_does_not_grow(admin: httpx.Client, ask: Ask, ceiling: str | None) -> None:
    assert_refused(admin, claim(admin, ceiling), ask, size("41Gi"), NO_CEILING)


@pytest.mark.parametrize("ceiling", ["0", "-100Gi", "100", "39Gi", "40Gi"])
def test_a_ceiling_at_or_below_the_claims_size_lets_it_not_grow(
    admin: httpx.Client, ask: Ask, ceiling: str
) -> None:
    assert_refused(admin, claim(admin, ceiling), ask, size("41Gi"), BEYOND)


def test_a_status_that_is_sent_along_is_not_taken(admin: httpx.Client, ask: Ask) -> None:
    path = claim(admin)

    assert ask(path, size("50Gi") | {"status": {"capacity": {"storage": "50Gi"}}}).status_code == 200

    assert admin.get(path).json()["status"]["capacity"] == {"storage": "20Gi"}


def test_a_rehearsal_is_judged_as_the_deed(admin: httpx.Client, low: httpx.Client) -> None:
    reply = low.patch(claim(admin), json=size("101Gi"), headers=MERGE, params={"dryRun": "All"})

    assert reply.status_code == 422 and BEYOND in reply.text


def test_in_f3iai_claims_grow(admin: httpx.Client, low: httpx.Client) -> None:
    path = claim(admin, namespace="f3iai")

    assert by_apply(low, path, size("50Gi")).status_code == 200
    assert BEYOND in by_apply(low, path, size("101Gi")).text


def test_the_world_models_claim_does_not_grow(admin: httpx.Client, ask: Ask) -> None:
    """It is there from our own manifest, and somebody gave it a ceiling."""
    path = "/api/v1/namespaces/f3iai/persistentvolumeclaims/sre-dispatch-worldmodel"
    given = {"metadata": {"annotations": {"sre-dispatch/max-storage": "100Gi"}}}
    assert admin.patch(path, json=given, headers=MERGE).status_code == 200
    bind(admin, path)

    assert_refused(admin, path, ask, size(requested(admin, path)), OURS)


@pytest.mark.parametrize(
    "known",
    [{"name": "sre-dispatch-x"}, {"labels": {"app.kubernetes.io/part-of": "sre-dispatch"}}],
    ids=["name", "label"],
)
def test_what_is_ours_is_known_by_name_and_by_label(
    admin: httpx.Client, low: httpx.Client, known: dict[str, Any]
) -> None:
    path = claim(admin, namespace="f3iai", **known)

    assert_refused(admin, path, lambda path, change: by_apply(low, path, change), size("50Gi"), OURS)


# --- Deployments --------------------------------------------------------------------------------------

BEYOND_REPLICAS = (
    "sre-dispatch: the requested replicas exceed the Deployment's annotation sre-dispatch/max-replicas"
)
NO_REPLICAS = "sre-dispatch: an agent may not scale this Deployment: the annotation sre-dispatch/max-replicas"
STOPPED = "sre-dispatch: this Deployment is scaled to 0, and only a person may start it again"
DOWN = "sre-dispatch: an agent may only scale up a Deployment"
ONLY_REPLICAS = "sre-dispatch: an agent may only change spec.replicas of a Deployment"


def replicas(number: int, **spec: Any) -> Object:
    return {"spec": {"replicas": number, **spec}}


def template(**changes: Any) -> Object:
    """A pod template's part of a change."""
    return {"template": changes}


def new_deployment(name: str, number: int, annotations: Object) -> Object:
    pod = {"containers": [{"name": "web", "image": "web:1"}]}
    labels = {"app": name}
    return {
        "metadata": {"name": name, "annotations": annotations, "labels": labels},
        **replicas(
            number, selector={"matchLabels": labels}, **template(metadata={"labels": labels}, spec=pod)
        ),
    }


def deployment(
    admin: httpx.Client,
    ceiling: str | None = "5",
    number: int = 2,
    namespace: str = "shop",
    name: str | None = None,
) -> str:
    """The path of a new Deployment with so many replicas, which may have as many as its ceiling says."""
    name = name or next(NAMES)
    deployments = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    annotations = {"a": "b"} | ({} if ceiling is None else {"sre-dispatch/max-replicas": ceiling})
    created = admin.post(deployments, json=new_deployment(name, number, annotations))
    assert created.status_code == 201, created.text
    return f"{deployments}/{name}"


@pytest.mark.parametrize("number", [2, 3, 5])
def test_a_deployment_is_scaled_up_to_its_ceiling(admin: httpx.Client, ask: Ask, number: int) -> None:
    path = deployment(admin)

    reply = ask(path, replicas(number))

    assert reply.status_code == 200, reply.text
    assert admin.get(path).json()["spec"]["replicas"] == number


def test_many_replicas_one_by_one_are_no_more_than_at_once(admin: httpx.Client, ask: Ask) -> None:
    path = deployment(admin)
    for number in (3, 4, 5):
        assert ask(path, replicas(number)).status_code == 200

    assert_refused(admin, path, ask, replicas(6), BEYOND_REPLICAS)


def test_what_an_apply_took_up_it_cannot_let_fall_again(admin: httpx.Client, low: httpx.Client) -> None:
    """An apply that leaves out what it applied before takes it away, and replicas would be 1 by default."""
    path = deployment(admin)
    assert by_apply(low, path, replicas(3)).status_code == 200

    assert_refused(admin, path, lambda path, change: by_apply(low, path, change), {}, DOWN)


IMAGE = {"containers": [{"name": "web", "image": "web:2"}]}
SIDECAR = {"containers": [{"name": "web", "image": "web:1"}, {"name": "x", "image": "x"}]}
RESTART = {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}}

DEPLOYMENT_REFUSED: dict[str, tuple[str, Object]] = {
    "above the ceiling": (BEYOND_REPLICAS, replicas(6)),
    "far above": (BEYOND_REPLICAS, replicas(2**31 - 1)),
    "down": (DOWN, replicas(1)),
    "to nothing": (DOWN, replicas(0)),
    "another image": (ONLY_REPLICAS, {"spec": template(spec=IMAGE)}),
    "another image with more replicas": (ONLY_REPLICAS, replicas(3, **template(spec=IMAGE))),
    "a second container": (ONLY_REPLICAS, replicas(3, **template(spec=SIDECAR))),
    "another ServiceAccount": (ONLY_REPLICAS, replicas(3, **template(spec={"serviceAccountName": "x"}))),
    "a restart": (ONLY_REPLICAS, {"spec": template(metadata=RESTART)}),
    "a label of the pods": (ONLY_REPLICAS, replicas(3, **template(metadata={"labels": {"c": "d"}}))),
    "a strategy": (ONLY_REPLICAS, replicas(3, strategy={"rollingUpdate": {"maxUnavailable": "100%"}})),
    "a pause": (ONLY_REPLICAS, replicas(3, paused=True)),
    "a history": (ONLY_REPLICAS, replicas(3, revisionHistoryLimit=0)),
    "a time to be ready": (ONLY_REPLICAS, replicas(3, minReadySeconds=60)),
    "a deadline": (ONLY_REPLICAS, replicas(3, progressDeadlineSeconds=6000)),
    "its own ceiling": (
        ONLY_REPLICAS,
        replicas(9) | {"metadata": {"annotations": {"sre-dispatch/max-replicas": "99"}}},
    ),
    "another annotation": (ONLY_REPLICAS, replicas(3) | {"metadata": {"annotations": {"c": "d"}}}),
    "a label": (ONLY_REPLICAS, replicas(3) | {"metadata": {"labels": {"c": "d"}}}),
    "a finalizer": (ONLY_REPLICAS, replicas(3) | {"metadata": {"finalizers": ["example.com/hold"]}}),
    "an owner": (ONLY_REPLICAS, replicas(3) | {"metadata": {"ownerReferences": [OWNER]}}),
    "generateName": (ONLY_REPLICAS, replicas(3) | {"metadata": {"generateName": "any-"}}),
    # This Kubernetes refuses before it asks any policy.
    "a selector": ("field is immutable", replicas(3, selector={"matchLabels": {"c": "d"}})),
}


@pytest.mark.parametrize(("why", "change"), DEPLOYMENT_REFUSED.values(), ids=DEPLOYMENT_REFUSED)
def test_of_a_deployment_nothing_else_changes(
    admin: httpx.Client, ask: Ask, why: str, change: Object
) -> None:
    assert_refused(admin, deployment(admin), ask, change, why)


@pytest.mark.parametrize("ceiling", [None, "", "0", "-1", "3.5", "1e3", " 5", "05", "five", "10000", "٥"])
def test_a_deployment_without_a_ceiling_is_not_scaled(
    admin: httpx.Client, ask: Ask, ceiling: str | None
) -> None:
    assert_refused(admin, deployment(admin, ceiling), ask, replicas(3), NO_REPLICAS)


@pytest.mark.parametrize("ceiling", ["1", "2"])
def test_a_ceiling_at_or_below_the_replicas_adds_none(admin: httpx.Client, ask: Ask, ceiling: str) -> None:
    assert_refused(admin, deployment(admin, ceiling), ask, replicas(3), BEYOND_REPLICAS)


def test_what_a_person_stopped_stays_stopped(admin: httpx.Client, ask: Ask) -> None:
    assert_refused(admin, deployment(admin, number=0), ask, replicas(1), STOPPED)


def test_in_f3iai_no_deployment_is_scaled(admin: httpx.Client, low: httpx.Client) -> None:
    reply = by_apply(low, deployment(admin, namespace="f3iai"), replicas(3))

    assert (reply.status_code, reply.json()["reason"]) == (403, "Forbidden")


def test_our_own_deployment_is_not_scaled(admin: httpx.Client, mistaken: httpx.Client) -> None:
    path = "/apis/apps/v1/namespaces/f3iai/deployments/sre-dispatch-worldmodel"
    given = {"metadata": {"annotations": {"sre-dispatch/max-replicas": "5"}}}
    assert admin.patch(path, json=given, headers=MERGE).status_code == 200

    assert_refused(admin, path, lambda path, change: by_apply(mistaken, path, change), replicas(2), OURS)


def test_a_person_is_not_held(admin: httpx.Client) -> None:
    assert admin.patch(claim(admin, None), json=size("200Gi"), headers=MERGE).status_code == 200
    changes = replicas(0, **template(spec=IMAGE)) | {"metadata": {"labels": {"c": "d"}}}
    assert admin.patch(deployment(admin, None), json=changes, headers=MERGE).status_code == 200


# --- whatever RBAC may say ----------------------------------------------------------------------------

SHOP = "/api/v1/namespaces/shop"
POD = {"metadata": {"name": "new"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
SCALE = {"metadata": {"name": "there", "namespace": "shop"}, "spec": {"replicas": 3}}
LABEL = {"metadata": {"labels": {"c": "d"}}}
NEW_CLAIM = {"metadata": {"name": "new"}} | size("1Gi", accessModes=["ReadWriteOnce"])

NEVER: dict[str, tuple[str, str, Object]] = {
    "create a claim": ("POST", CLAIMS, NEW_CLAIM),
    "delete a claim": ("DELETE", f"{CLAIMS}/there", {}),
    "delete all claims": ("DELETE", CLAIMS, {}),
    "write a claim's status": ("PATCH", f"{CLAIMS}/there/status", {"status": {"phase": "Lost"}}),
    "create a Deployment": ("POST", DEPLOYMENTS, new_deployment("new", 1, {})),
    "delete a Deployment": ("DELETE", f"{DEPLOYMENTS}/there", {}),
    "write a Deployment's status": ("PATCH", f"{DEPLOYMENTS}/there/status", {"status": {"replicas": 9}}),
    "scale by the subresource": ("PUT", f"{DEPLOYMENTS}/there/scale", SCALE),
    "patch the subresource": ("PATCH", f"{DEPLOYMENTS}/there/scale", replicas(3)),
    "create a pod": ("POST", f"{SHOP}/pods", POD),
    "delete a pod": ("DELETE", f"{SHOP}/pods/there", {}),
    "evict a pod": ("POST", f"{SHOP}/pods/there/eviction", {"metadata": {"name": "there"}}),
    "execute": ("POST", f"{SHOP}/pods/there/exec?command=id&stdout=true", {}),
    "attach": ("POST", f"{SHOP}/pods/there/attach?stdout=true", {}),
    "forward a port": ("POST", f"{SHOP}/pods/there/portforward", {}),
    "ask a pod": ("GET", f"{SHOP}/pods/there/proxy/", {}),
    "ask a node": ("GET", "/api/v1/nodes/any/proxy/", {}),
    "create a Secret": ("POST", f"{SHOP}/secrets", {"metadata": {"name": "new"}}),
    "get a token": ("POST", "/api/v1/namespaces/kube-system/serviceaccounts/there/token", {"spec": {}}),
    "label a namespace": ("PATCH", SHOP, LABEL),
    "bind a role": (
        "POST",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings",
        {"metadata": {"name": "new"}, "roleRef": ROLE, "subjects": []},
    ),
    "widen its role": (
        "PATCH",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/sre-agent-grow-claims",
        {"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]},
    ),
    "change a tier": ("PATCH", "/apis/batch/v1/namespaces/sre-agents/cronjobs/sre-agent-remediate", LABEL),
}


@pytest.fixture(scope="module")
def _there(admin: httpx.Client) -> None:
    """Something named `there` for each to be refused: what is missing is not found before it is judged."""
    claim(admin, name="there")
    deployment(admin, name="there")
    assert admin.post(f"{SHOP}/pods", json=POD | {"metadata": {"name": "there"}}).status_code == 201
    accounts = "/api/v1/namespaces/kube-system/serviceaccounts"
    assert admin.post(accounts, json={"metadata": {"name": "there"}}).status_code == 201


@pytest.mark.usefixtures("_there")
@pytest.mark.parametrize(("method", "path", "body"), NEVER.values(), ids=NEVER)
def test_no_right_lets_an_agent(mistaken: httpx.Client, method: str, path: str, body: Object) -> None:
    headers = MERGE if method == "PATCH" else {}

    reply = mistaken.request(method, path, json=body, headers=headers)

    assert (reply.status_code, reply.json()["reason"]) == (422, "Invalid"), reply.text
    assert NO_REMEDY in reply.json()["message"]


def test_no_right_lets_an_agent_create_by_apply(mistaken: httpx.Client) -> None:
    reply = by_apply(mistaken, f"{CLAIMS}/{next(NAMES)}", NEW_CLAIM | {"metadata": {}})

    assert reply.status_code == 422 and NO_REMEDY in reply.text


# --- every verb on every resource ---------------------------------------------------------------------

READ = """
    endpoints events limitranges namespaces nodes persistentvolumeclaims persistentvolumes pods resourcequotas
    serviceaccounts services
    admissionregistration.k8s.io/mutatingwebhookconfigurations
    admissionregistration.k8s.io/validatingadmissionpolicies
    admissionregistration.k8s.io/validatingadmissionpolicybindings
    admissionregistration.k8s.io/validatingwebhookconfigurations
    apiextensions.k8s.io/customresourcedefinitions apiregistration.k8s.io/apiservices
    apps/controllerrevisions apps/daemonsets apps/deployments apps/replicasets apps/statefulsets
    autoscaling/horizontalpodautoscalers batch/cronjobs batch/jobs discovery.k8s.io/endpointslices
    metrics.k8s.io/nodes metrics.k8s.io/pods networking.k8s.io/ingressclasses networking.k8s.io/ingresses
    networking.k8s.io/networkpolicies policy/poddisruptionbudgets
    rbac.authorization.k8s.io/clusterrolebindings rbac.authorization.k8s.io/clusterroles
    rbac.authorization.k8s.io/rolebindings rbac.authorization.k8s.io/roles scheduling.k8s.io/priorityclasses
    storage.k8s.io/storageclasses storage.k8s.io/volumeattachments
"""
READABLE = {(resource, verb) for resource in READ.split() for verb in ("get", "list")} | {("pods:log", "get")}
OPENED = {"shop": {("configmaps", "get"), ("configmaps", "list")}}
"""What is readable besides in one namespace, by the component config-maps."""
ABOUT_ITSELF = {  # system:basic-user, for everybody who is known
    ("authentication.k8s.io/selfsubjectreviews", "create"),
    ("authorization.k8s.io/selfsubjectaccessreviews", "create"),
    ("authorization.k8s.io/selfsubjectrulesreviews", "create"),
}
GROW = ("persistentvolumeclaims", "patch")
SCALE_UP = ("apps/deployments", "patch")
WRITABLE = {
    ("sre-agent-remediate", "f3iai"): {GROW},
    ("sre-agent-remediate", "shop"): {GROW, SCALE_UP},
}
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*")
NOT_SERVED = {"metrics.k8s.io/nodes", "metrics.k8s.io/pods", "users", "groups", "example.com/widgets", "*/*"}


@pytest.mark.parametrize("namespace", ["f3iai", "shop", "elsewhere", "sre-agents"])
@pytest.mark.parametrize("service_account", SERVICE_ACCOUNTS)
def test_every_verb_on_every_resource(cluster: ApiServer, service_account: str, namespace: str) -> None:
    with cluster.client(cluster.token("sre-agents", service_account)) as client:
        resources = _served(client) | NOT_SERVED
        found = {
            (resource, verb)
            for resource in resources
            for verb in VERBS
            if _may(client, verb, resource, namespace)
        }
        asked = {"spec": {"namespace": namespace}}
        rules = client.post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", json=asked).json()
    writable = WRITABLE.get((service_account, namespace), set())
    assert len(resources) > 80
    assert found == READABLE | ABOUT_ITSELF | writable | OPENED.get(namespace, set())
    # and no verb that is not among those asked for, such as impersonate or escalate
    verbs = {verb for rule in rules["status"]["resourceRules"] for verb in rule["verbs"]}
    assert verbs == {verb for _, verb in found}


def _served(client: httpx.Client) -> set[str]:
    """Every resource that the API server has, subresources with it: `apps/deployments:scale`."""
    groups = client.get("/apis").json()["groups"]
    versions = [("", "/api/v1")]
    versions += [
        (f"{group['name']}/", f"/apis/{each['groupVersion']}")
        for group in groups
        for each in group["versions"]
    ]
    return {
        prefix + resource["name"].replace("/", ":")
        for prefix, path in versions
        for resource in client.get(path).json()["resources"]
    }


def _may(client: httpx.Client, verb: str, resource: str, namespace: str) -> bool:
    *group, rest = resource.split("/")
    name, _, subresource = rest.partition(":")
    about = {"group": "".join(group), "resource": name, "subresource": subresource}
    asked = {"spec": {"resourceAttributes": about | {"verb": verb, "namespace": namespace}}}
    reply = client.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", json=asked)
    return bool(reply.json()["status"]["allowed"])


FORBIDDEN = {
    "put a claim": ("PUT", f"{CLAIMS}/any"),
    "create a claim": ("POST", CLAIMS),
    "delete a claim": ("DELETE", f"{CLAIMS}/any"),
    "write a claim's status": ("PATCH", f"{CLAIMS}/any/status"),
    "read the scale of a Deployment": ("GET", f"{DEPLOYMENTS}/any/scale"),
    "scale by the subresource": ("PATCH", f"{DEPLOYMENTS}/any/scale"),
    "grow claims elsewhere": ("PATCH", "/api/v1/namespaces/elsewhere/persistentvolumeclaims/any"),
    "grow claims among the agents": ("PATCH", "/api/v1/namespaces/sre-agents/persistentvolumeclaims/any"),
    "read a Secret": ("GET", "/api/v1/namespaces/shop/secrets/any"),
    "list Secrets": ("GET", "/api/v1/secrets"),
    "list all ConfigMaps": ("GET", "/api/v1/configmaps"),
    "list ConfigMaps elsewhere": ("GET", "/api/v1/namespaces/elsewhere/configmaps"),
    "read a ConfigMap of a tier": ("GET", "/api/v1/namespaces/sre-agents/configmaps/sre-agent-remediate"),
    "watch pods": ("GET", "/api/v1/pods?watch=true"),
    "watch ServiceAccounts": ("GET", "/api/v1/serviceaccounts?watch=true"),
    "watch Roles": ("GET", "/apis/rbac.authorization.k8s.io/v1/roles?watch=true"),
    "ask a node": ("GET", "/api/v1/nodes/any/proxy/logs/"),
    "ask a Service": ("GET", f"{SHOP}/services/any/proxy/"),
    "execute": ("POST", f"{SHOP}/pods/any/exec?command=id"),
    "attach": ("POST", f"{SHOP}/pods/any/attach?stdout=true"),
    "forward a port": ("POST", f"{SHOP}/pods/any/portforward"),
    "get its own token": ("POST", "/api/v1/namespaces/sre-agents/serviceaccounts/sre-agent-remediate/token"),
    "get another's token": ("POST", "/api/v1/namespaces/shop/serviceaccounts/default/token"),
    "bind a role": ("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings"),
    "bind a role everywhere": ("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"),
    "widen its role": ("PATCH", "/apis/rbac.authorization.k8s.io/v1/clusterroles/sre-agent-reading"),
    "change a webhook": (
        "PATCH",
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/any",
    ),
    "change an admission policy": (
        "PATCH",
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/sre-dispatch-claims",
    ),
}


@pytest.mark.parametrize(("method", "path"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_the_autonomous_tier_may_not(low: httpx.Client, method: str, path: str) -> None:
    reply = low.request(method, path, json={}, headers=MERGE if method == "PATCH" else {})

    assert (reply.status_code, reply.json()["reason"]) == (403, "Forbidden")
    assert "system:serviceaccount:sre-agents:sre-agent-remediate" in reply.json()["message"]


@pytest.mark.parametrize(
    "named",
    [
        {"Impersonate-User": "admin"},
        {"Impersonate-User": "system:serviceaccount:shop:default"},
        {
            "Impersonate-User": "system:serviceaccount:sre-agents:mistaken",
            "Impersonate-Group": "system:masters",
        },
    ],
    ids=lambda named: named["Impersonate-User"],
)
@pytest.mark.parametrize("service_account", SERVICE_ACCOUNTS)
def test_no_agent_is_anybody_else(cluster: ApiServer, service_account: str, named: Mapping[str, str]) -> None:
    with cluster.client(cluster.token("sre-agents", service_account)) as client:
        reply = client.get("/api/v1/namespaces/shop/pods", headers=dict(named))

    assert (reply.status_code, reply.json()["reason"]) == (403, "Forbidden")
    assert "cannot impersonate" in reply.json()["message"]


# --- what a model can do through kubernetes-mcp-server ------------------------------------------------

DENIED = """
cluster_auth_mode = "kubeconfig"  # else it hands a client's Authorization header on to the API server
denied_resources = [
  {group = "", version = "v1", kind = "Secret"},
  {group = "", version = "v1", kind = "ConfigMap"},
]
"""
WRITING = DENIED + 'enabled_tools = ["resources_create_or_update"]\n'
READING_TOOLS = {
    "events_list",
    "namespaces_list",
    "nodes_top",
    "pods_get",
    "pods_list",
    "pods_list_in_namespace",
    "pods_log",
    "pods_top",
    "resources_get",
    "resources_list",
}
READING = DENIED + f"enabled_tools = {json.dumps(sorted(READING_TOOLS))}\n"


class McpServer:
    """A kubernetes-mcp-server in its stateless form: one POST a question, no handshake."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self, method: str, authorization: str = "", **parameters: Any) -> Any:
        headers = {"accept": "application/json, text/event-stream", "authorization": authorization}
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        reply = httpx.post(self._url, json=message, headers=headers, timeout=30, trust_env=False)
        *_, answer = [line for line in reply.text.splitlines() if line.startswith("data:")]
        return json.loads(answer.removeprefix("data:"))["result"]  # what it logged may come before it

    def call(self, tool: str, authorization: str = "", **arguments: Any) -> tuple[bool, str]:
        """Whether the tool failed, and what it says."""
        result = self.ask("tools/call", authorization, name=tool, arguments=arguments)
        return result.get("isError", False), result["content"][0]["text"]

    def apply(self, *objects: Object) -> tuple[bool, str]:
        documents = "\n---\n".join(json.dumps(each) for each in objects)
        return self.call("resources_create_or_update", resource=documents)


def mcp_server(
    cluster: ApiServer, service_account: str, config: str, folder: Path, *flags: str
) -> Iterator[McpServer]:
    need("kubernetes-mcp-server")
    (folder / "config.toml").write_text(config, encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    command = [
        str(find("kubernetes-mcp-server")),
        f"--kubeconfig={cluster.kubeconfig_of('sre-agents', service_account, folder)}",
        f"--config={folder / 'config.toml'}",
        f"--port={address.rpartition(':')[2]}",
        "--bind-address=127.0.0.1",
        "--toolsets=core",
        "--stateless",
        "--disable-multi-cluster",
        *flags,
    ]
    with running(command, folder, lambda: answers(f"http://{address}/healthz"), {"HOME": str(folder)}):
        yield McpServer(f"http://{address}/mcp")


@pytest.fixture(scope="module")
def writing(cluster: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[McpServer]:
    yield from mcp_server(cluster, "sre-agent-remediate", WRITING, tmp_path_factory.mktemp("writing"))


@pytest.fixture(scope="module")
def reading(cluster: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[McpServer]:
    """With the rights of an administrator, so that what is refused is refused by the server itself."""
    folder = tmp_path_factory.mktemp("reading")
    yield from mcp_server(cluster, "mistaken", READING, folder, "--read-only")


@pytest.fixture(scope="module")
def opened(cluster: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[McpServer]:
    """With an agent's own rights, and the settings that the component config-maps gives to every tier."""
    kustomization = yaml.safe_load((CONFIG_MAPS / "kustomization.yaml").read_text(encoding="utf-8"))
    (settings,) = yaml.safe_load(kustomization["patches"][0]["patch"])
    folder = tmp_path_factory.mktemp("opened")
    yield from mcp_server(cluster, "sre-agent-investigate", settings["value"], folder, "--read-only")


READ_BY_A_MODEL = {
    "a ServiceAccount": ("v1", "ServiceAccount", "shop/default"),
    "a ClusterRole": ("rbac.authorization.k8s.io/v1", "ClusterRole", "sre-agent-reading"),
    "a RoleBinding": ("rbac.authorization.k8s.io/v1", "RoleBinding", "shop/sre-agent-config-maps"),
    "an admission policy": (
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy",
        "sre-dispatch-claims",
    ),
    "a PriorityClass": ("scheduling.k8s.io/v1", "PriorityClass", "system-node-critical"),
    "an APIService": ("apiregistration.k8s.io/v1", "APIService", "v1.apps"),
    "a ConfigMap of an opened namespace": ("v1", "ConfigMap", "shop/settings"),
}
LISTED_BY_A_MODEL = (
    ("networking.k8s.io/v1", "IngressClass"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
)


@pytest.mark.parametrize(("version", "kind", "name"), READ_BY_A_MODEL.values(), ids=READ_BY_A_MODEL)
def test_a_model_reads(admin: httpx.Client, opened: McpServer, version: str, kind: str, name: str) -> None:
    admin.post(f"{SHOP}/configmaps", json={"metadata": {"name": "settings"}, "data": {"pool": "12"}})

    *where, name = name.split("/")
    place = {"namespace": where[0]} if where else {}
    failed, said = opened.call("resources_get", apiVersion=version, kind=kind, name=name, **place)

    assert not failed and name in said


@pytest.mark.parametrize(("version", "kind"), LISTED_BY_A_MODEL, ids=lambda each: each)
def test_a_model_lists(opened: McpServer, version: str, kind: str) -> None:
    assert opened.call("resources_list", apiVersion=version, kind=kind)[0] is False


def test_where_config_maps_of_one_namespace_are_open_all_others_and_all_secrets_stay_shut(
    admin: httpx.Client, opened: McpServer
) -> None:
    for namespace in ("shop", "elsewhere"):
        for kind in ("configmaps", "secrets"):
            admin.post(f"/api/v1/namespaces/{namespace}/{kind}", json={"metadata": {"name": "shut"}})
    refused = [
        opened.call("resources_get", apiVersion="v1", kind="ConfigMap", name="shut", namespace="elsewhere"),
        opened.call("resources_list", apiVersion="v1", kind="ConfigMap", namespace="elsewhere"),
        opened.call("resources_list", apiVersion="v1", kind="ConfigMap"),
    ]
    assert [(failed, "forbidden" in said) for failed, said in refused] == [(True, True)] * 3
    for namespace in ("shop", "elsewhere"):
        failed, said = opened.call(
            "resources_get", apiVersion="v1", kind="Secret", name="shut", namespace=namespace
        )
        assert failed and "resource not allowed" in said


def test_a_model_grows_a_claim_and_scales_a_deployment(admin: httpx.Client, writing: McpServer) -> None:
    volume, web = claim(admin), deployment(admin)

    failed, _ = writing.apply(named(volume, size("100Gi")), named(web, replicas(5)))

    assert not failed
    assert requested(admin, volume) == "100Gi"
    assert admin.get(web).json()["spec"]["replicas"] == 5


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (size("101Gi"), BEYOND),
        (size("30Gi"), SHRINKS),
        (size("50Gi") | {"metadata": {"labels": {"c": "d"}}}, ONLY_STORAGE),
        (size("50Gi") | {"metadata": {"managedFields": [{}]}}, "managed fields already set"),
    ],
    ids=["above", "smaller", "label", "managedFields"],
)
def test_a_model_is_told_why_it_may_not(
    admin: httpx.Client, writing: McpServer, change: Object, why: str
) -> None:
    volume = claim(admin)
    before = admin.get(volume).json()

    failed, said = writing.apply(named(volume, change))

    assert failed and why in said
    assert admin.get(volume).json() == before


@pytest.mark.parametrize(
    ("make", "change"), [(claim, size("50Gi")), (deployment, replicas(3))], ids=["claim", "Deployment"]
)
def test_a_model_that_applies_the_whole_object_is_told_to_leave_out_the_rest(
    admin: httpx.Client, writing: McpServer, make: Callable[[httpx.Client], str], change: Object
) -> None:
    """The tool tells it to fetch, modify and apply all. It would own it all, and the next apply remove it."""
    path = make(admin)
    before = admin.get(path).json()
    whole = merged(before, {"metadata": {"managedFields": None, "resourceVersion": None}})

    failed, said = writing.apply(merged(whole, change))

    assert failed and STATES_MORE in said
    assert admin.get(path).json() == before
    assert not writing.apply(named(path, change))[0]


def test_of_two_documents_the_first_is_done_before_the_second_is_refused(
    admin: httpx.Client, writing: McpServer
) -> None:
    first, second = claim(admin), claim(admin)

    failed, said = writing.apply(named(first, size("50Gi")), named(second, size("101Gi")))

    assert failed and BEYOND in said
    assert (requested(admin, first), requested(admin, second)) == ("50Gi", "40Gi")


def manifest(version: str, kind: str, name: str = "x") -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (
            manifest("v1", "PersistentVolumeClaim") | size("1Gi", accessModes=["ReadWriteOnce"]),
            "cannot create",
        ),
        (manifest("v1", "PersistentVolumeClaim", "x/status") | size("50Gi"), "invalid resource name"),
        (manifest("v1", "PersistentVolumeClaim", "..") | size("50Gi"), "invalid resource name"),
        (manifest("v1", "Pod"), "cannot patch"),
        (manifest("apps/v1", "StatefulSet"), "cannot patch"),
        (manifest("autoscaling/v1", "Scale"), "no matches for kind"),
        (manifest("v1", "Secret"), "resource not allowed"),
        (manifest("v1", "ConfigMap"), "resource not allowed"),
    ],
    ids=["a new claim", "a status", "a path", "Pod", "StatefulSet", "Scale", "Secret", "ConfigMap"],
)
def test_a_model_reaches_nothing_else(writing: McpServer, told: Object, why: str) -> None:
    failed, said = writing.apply(told)

    assert failed and why in said


def test_the_writing_server_has_one_tool_and_the_reading_one_those_named(
    writing: McpServer, reading: McpServer
) -> None:
    def tools(server: McpServer) -> set[str]:
        return {tool["name"] for tool in server.ask("tools/list")["tools"]}

    assert tools(writing) == {"resources_create_or_update"}
    assert tools(reading) == READING_TOOLS


def test_the_reading_server_keeps_secrets_and_config_maps_to_itself(
    admin: httpx.Client, reading: McpServer
) -> None:
    for kind in ("secrets", "configmaps"):
        admin.post(f"{SHOP}/{kind}", json={"metadata": {"name": "kept"}, "stringData": {"a": "b"}})
    kept = {"apiVersion": "v1", "name": "kept", "namespace": "shop"}

    for kind in ("Secret", "ConfigMap"):
        for tool in ("resources_get", "resources_list"):
            failed, said = reading.call(tool, kind=kind, **kept)
            assert failed and "resource not allowed" in said
    assert reading.call("resources_list", apiVersion="v1", kind="Namespace")[0] is False


def test_a_token_that_a_client_sends_is_not_used(cluster: ApiServer, writing: McpServer) -> None:
    created = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": next(NAMES)}}

    failed, said = writing.call(
        "resources_create_or_update", f"Bearer {cluster.admin_token}", resource=json.dumps(created)
    )

    assert failed and 'User "system:serviceaccount:sre-agents:sre-agent-remediate" cannot' in said


def assert_refused(admin: httpx.Client, path: str, ask: Ask, change: Object, why: str) -> None:
    """Refused in the form by which our refusals are known, for that reason, and nothing has changed."""
    before = admin.get(path).json()

    reply = ask(path, change)

    assert (reply.status_code, reply.json().get("reason")) == (422, "Invalid"), reply.text
    assert why in reply.json()["message"]
    assert admin.get(path).json() == before
