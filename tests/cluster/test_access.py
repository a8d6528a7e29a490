"""What a stolen token can do: every verb on every resource that the cluster has, cell by cell."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from itertools import product
from typing import Any

import httpx
import pytest
import yaml

from tests.cluster.cluster import AGENTS, Cluster
from tests.cluster.knative import deliver_until, no_agents

Cell = tuple[str, str]
"""A verb, and what it is done to as `resource.group`."""

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "impersonate")
EVERYBODY = {
    ("create", "selfsubjectaccessreviews.authorization.k8s.io"),
    ("create", "selfsubjectrulesreviews.authorization.k8s.io"),
    ("create", "selfsubjectreviews.authentication.k8s.io"),
}
"""What Kubernetes gives whoever has a token: to ask what it is worth."""
READ = [
    *("endpoints", "events", "limitranges", "namespaces", "nodes", "persistentvolumeclaims"),
    *("persistentvolumes", "pods", "resourcequotas", "serviceaccounts", "services"),
    *("mutatingwebhookconfigurations.admissionregistration.k8s.io",),
    *("validatingadmissionpolicies.admissionregistration.k8s.io",),
    *("validatingadmissionpolicybindings.admissionregistration.k8s.io",),
    *("validatingwebhookconfigurations.admissionregistration.k8s.io",),
    *("customresourcedefinitions.apiextensions.k8s.io", "apiservices.apiregistration.k8s.io"),
    *("controllerrevisions.apps", "daemonsets.apps", "deployments.apps", "replicasets.apps"),
    *("statefulsets.apps", "horizontalpodautoscalers.autoscaling", "cronjobs.batch", "jobs.batch"),
    *("endpointslices.discovery.k8s.io", "ingressclasses.networking.k8s.io"),
    *("ingresses.networking.k8s.io", "networkpolicies.networking.k8s.io", "poddisruptionbudgets.policy"),
    *("clusterrolebindings.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io"),
    *("rolebindings.rbac.authorization.k8s.io", "roles.rbac.authorization.k8s.io"),
    *("priorityclasses.scheduling.k8s.io",),
    *("storageclasses.storage.k8s.io", "volumeattachments.storage.k8s.io"),
]
INVESTIGATES: set[Cell] = set(product(("get", "list"), READ)) | {("get", "pods/log")} | EVERYBODY
CHECKS: set[Cell] = {
    *product(
        ("list",), ("rolebindings.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io")
    ),
    *product(
        ("get",),
        (
            "validatingadmissionpolicies.admissionregistration.k8s.io",
            "validatingadmissionpolicybindings.admissionregistration.k8s.io",
        ),
    ),
    ("list", "validatingadmissionpolicybindings.admissionregistration.k8s.io"),
}
DISPATCHER, LOW = ("f3iai", "sre-dispatch"), (AGENTS, "sre-agent-remediate")
MEDIUM, HIGH = (AGENTS, "sre-agent-propose"), (AGENTS, "sre-agent-investigate")
TABLE: list[tuple[tuple[str, str], str, set[Cell]]] = [
    (DISPATCHER, "f3iai", {("create", "events")} | CHECKS | EVERYBODY),
    (
        DISPATCHER,
        AGENTS,
        {*product(("create", "get", "list"), ("jobs.batch",)), ("get", "cronjobs.batch")}
        | {("list", "cronjobs.batch"), ("list", "serviceaccounts")}
        | CHECKS
        | EVERYBODY,
    ),
    (DISPATCHER, "monitoring", CHECKS | EVERYBODY),
    (LOW, "f3iai", INVESTIGATES | {("patch", "persistentvolumeclaims")}),
    (LOW, AGENTS, INVESTIGATES),
    (LOW, "monitoring", INVESTIGATES),
    *((who, where, INVESTIGATES) for who in (MEDIUM, HIGH) for where in ("f3iai", AGENTS, "monitoring")),
]


@contextmanager
def holding(cluster: Cluster, account: tuple[str, str]) -> Iterator[httpx.Client]:
    """The API server as somebody sees it who has the account's token."""
    config = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))["clusters"][0]["cluster"]
    token = cluster.kubectl("create", "token", "-n", *account).strip()
    trust = ssl.create_default_context(cafile=config["certificate-authority"])
    trust.verify_flags &= ~ssl.VERIFY_X509_STRICT
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(
        base_url=config["server"], headers=headers, verify=trust, timeout=30, trust_env=False
    ) as client:
        yield client


@pytest.fixture(scope="module")
def resources(installed: Cluster) -> list[str]:
    """All that the API server serves, subresources too."""
    with holding(installed, DISPATCHER) as client:
        groups = [
            f"/apis/{group['preferredVersion']['groupVersion']}"
            for group in client.get("/apis").json()["groups"]
        ]
        found = []
        for path in ("/api/v1", *groups):
            group = path.split("/")[2] if path.startswith("/apis") else ""
            names = [each["name"] for each in client.get(path).json()["resources"]]
            found += [f"{name}.{group}" if group else name for name in names]
    assert {"secrets", "pods/exec", "jobs.batch", "services.serving.knative.dev"} <= set(found)
    return sorted({*found, "nodes/proxy", "users", "groups", "serviceaccounts/token"})


@pytest.mark.parametrize(("account", "namespace", "allowed"), TABLE, ids=lambda told: str(told)[:40])
def test_a_stolen_token_has_exactly_these_verbs(
    installed: Cluster, resources: list[str], account: tuple[str, str], namespace: str, allowed: set[Cell]
) -> None:
    with holding(installed, account) as client, ThreadPoolExecutor(8) as pool:

        def may(cell: Cell) -> bool:
            verb, (named, _, group) = cell[0], cell[1].partition(".")
            resource, _, subresource = named.partition("/")
            asked = {"namespace": namespace, "verb": verb, "group": group}
            asked |= {"resource": resource, "subresource": subresource}
            review = {"spec": {"resourceAttributes": asked}}
            told = client.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", json=review)
            return bool(told.json()["status"]["allowed"])

        cells = [(verb, resource) for verb in VERBS for resource in resources]
        found = {cell for cell, yes in zip(cells, pool.map(may, cells), strict=True) if yes}
    assert found == {cell for cell in allowed if cell[1] in resources}


def test_a_stolen_dispatchers_token_starts_the_operators_templates_and_nothing_else(
    installed: Cluster,
) -> None:
    alert = {"alertname": "KubePodNotReady", "namespace": "shop", "pod": "web", "severity": "critical"}
    with no_agents(installed):
        deliver_until(installed, alert)
        (made,) = installed.jobs()
    jobs = f"/apis/batch/v1/namespaces/{AGENTS}/jobs"
    with holding(installed, DISPATCHER) as client:
        answers = {
            name: client.post(jobs, json=job, params={"dryRun": "All"})
            for name, job in variants(made).items()
        }
        elsewhere = client.post("/apis/batch/v1/namespaces/f3iai/jobs", json=variants(made)["the template"])
    assert answers.pop("the template").status_code == 201
    assert {name: reply.status_code for name, reply in answers.items()} == dict.fromkeys(answers, 422)
    assert all("sre-dispatch-" in reply.text for reply in answers.values())
    assert elsewhere.status_code == 403


def variants(made: Any) -> dict[str, Any]:
    """The Job as the dispatcher posts it, under another name, and what somebody else would rather have."""
    kept: dict[str, Any] = {key: made["metadata"][key] for key in ("labels", "annotations", "namespace")}
    spec = deepcopy(made["spec"])
    spec.pop("selector", None)
    ours = ("batch.kubernetes.io/", "controller-uid", "job-name")
    for labels in (kept["labels"], spec["template"]["metadata"]["labels"]):
        for name in [name for name in labels if name.startswith(ours)]:
            del labels[name]
    job: dict[str, Any] = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {**kept, "name": made["metadata"]["name"][:-1] + "0"},
    }
    job["spec"] = spec

    def changed(**pod: Any) -> Any:
        other = deepcopy(job)
        other["spec"]["template"]["spec"] |= pod
        return other

    containers = spec["template"]["spec"]["containers"]
    shell = [{**containers[0], "command": ["sh", "-c", "id"]}, *containers[1:]]
    secret = [
        *spec["template"]["spec"]["volumes"],
        {"name": "all", "secret": {"secretName": "sre-agent-report"}},
    ]
    return {
        "the template": job,
        "another command": changed(containers=shell),
        "another account": changed(serviceAccountName="sre-agent-remediate"),
        "another Secret": changed(volumes=secret),
        "the host's network": changed(hostNetwork=True),
        "no tier": {**job, "metadata": {**job["metadata"], "labels": {}}},
    }
