"""What the dispatcher's ServiceAccount can start, asked of a real API server with our manifests in force."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness.components import ApiServer, wait_until

pytestmark = pytest.mark.real

Job = dict[str, Any]
Change = Callable[[Job], object]

BATCH = "/apis/batch/v1/namespaces/sre-agents"
JOBS = f"{BATCH}/jobs"

OUR_REFUSAL = re.compile(
    r"""jobs\.batch "[^"]+" is forbidden: ValidatingAdmissionPolicy 'sre-dispatch-(template|shape)' """
    r"""with binding '[^']+' denied request: sre-dispatch: """
)


@pytest.fixture
def job(dispatcher: httpx.Client, request: pytest.FixtureRequest) -> Job:
    """A well-formed dispatched Job of the tier propose, its name that of the test."""
    return dispatched(dispatcher, "propose", problem=request.node.name)


# --- what is admitted ---------------------------------------------------------------------------------


def test_a_dispatched_job_of_every_tier_is_admitted(dispatcher: httpx.Client, tier: str) -> None:
    job = dispatched(dispatcher, tier, problem=f"admitted {tier}")

    created = dispatcher.post(JOBS, json=job)

    assert created.status_code == 201, created.text
    assert created.json()["spec"]["template"]["metadata"]["annotations"] == annotations_of_pod(job)


def test_a_prompt_of_any_text_is_admitted_and_comes_back_as_it_was(
    dispatcher: httpx.Client, job: Job
) -> None:
    prompt = "\t'\"<&>{{}}\r\n" * 12_000
    annotations_of_pod(job)["sre-dispatch/prompt"] = prompt

    created = dispatcher.post(JOBS, json=job)

    assert created.status_code == 201, created.text
    assert annotations_of_pod(created.json())["sre-dispatch/prompt"] == prompt


def test_a_tryout_by_hand_is_admitted_and_can_be_told_from_a_dispatched_job(
    api: ApiServer, tier: str
) -> None:
    by_hand = try_out(api, tier, f"try-{tier}")

    assert by_hand["metadata"]["labels"]["sre-dispatch/tier"] == tier
    assert "app.kubernetes.io/managed-by" not in by_hand["metadata"]["labels"]
    assert "This is a try-out" in annotations_of_pod(by_hand)["sre-dispatch/prompt"]
    assert "A person started you by hand" in annotations_of_pod(by_hand)["sre-dispatch/system-prompt"]


@pytest.mark.usefixtures("controllers")
def test_pod_security_admits_the_pod_of_every_tier(api: ApiServer, tier: str) -> None:
    try_out(api, tier, f"pod-of-{tier}")

    def has_a_pod() -> bool:
        return bool(
            api.kubectl("get", "pods", "-n", "sre-agents", "-l", f"job-name=pod-of-{tier}", "-o", "name")
        )

    wait_until(has_a_pod, f"a pod of tier {tier}", seconds=20, every=0.2)


def test_every_manifest_applies_without_a_warning(api: ApiServer, manifests: list[Path]) -> None:
    files = [f"--filename={path}" for path in manifests]
    api.kubectl("apply", "--dry-run=server", "--warnings-as-errors", *files)


@pytest.mark.usefixtures("controllers")
def test_the_policies_pass_the_type_checker_of_kubernetes(api: ApiServer) -> None:
    def found() -> list[Any]:
        policies = json.loads(api.kubectl("get", "validatingadmissionpolicies", "-o", "json"))["items"]
        return [policy.get("status", {}).get("typeChecking") for policy in policies]

    wait_until(lambda: None not in found(), "every policy to be checked", seconds=20, every=0.2)
    assert found() == [{}] * 5


# --- what is refused ----------------------------------------------------------------------------------

POD = "the pod differs from the tier's template"
LIFETIME = "ttlSecondsAfterFinished or activeDeadlineSeconds differs from the tier's template"
COUNT = "parallelism, completions or successPolicy differs from the tier's template"
RETRIES = "another retry setting differs from the tier's template"
NO_TIER = "the Job has no label sre-dispatch/tier, or the label names no tier"
OTHER_TIER = "the label sre-dispatch/tier of the pod template differs from the label of the Job"
FIXED_LABELS = "need the label app.kubernetes.io/name=sre-agent"
FOREIGN_LABEL = "has a label that is not one of ours"
FOREIGN_ANNOTATION = "has an annotation that is not one of ours"
FINALIZER = "a finalizer would keep the Job or its pod"
OWNER = "the Job has an owner"

REFUSED: dict[str, tuple[str, Change]] = {
    "another image": (POD, lambda job: agent(job).update(image="registry.example/other:1")),
    "another command": (POD, lambda job: agent(job).update(command=["sh", "-c", "id"])),
    "another ServiceAccount": (POD, lambda job: pod(job).update(serviceAccountName="sre-agent-remediate")),
    "a mounted token": (POD, lambda job: pod(job).update(automountServiceAccountToken=True)),
    "an environment variable": (POD, lambda job: agent(job)["env"].append({"name": "A", "value": "b"})),
    "a Secret in the environment": (
        POD,
        lambda job: agent(job).update(envFrom=[{"secretRef": {"name": "model-key"}}]),
    ),
    "a Secret volume": (
        POD,
        lambda job: pod(job)["volumes"].append({"name": "key", "secret": {"secretName": "model-key"}}),
    ),
    "a second container": (POD, lambda job: pod(job)["containers"].append(agent(job) | {"name": "second"})),
    "a higher limit": (POD, lambda job: agent(job)["resources"]["limits"].update(memory="64Gi")),
    "a writable root": (POD, lambda job: agent(job)["securityContext"].pop("readOnlyRootFilesystem")),
    "another deadline of the pod": (POD, lambda job: pod(job).update(activeDeadlineSeconds=86_400)),
    "no deadline of the pod": (POD, lambda job: pod(job).pop("activeDeadlineSeconds")),
    "a deadline of the Job": (LIFETIME, lambda job: job["spec"].update(activeDeadlineSeconds=1)),
    "another ttl": (LIFETIME, lambda job: job["spec"].update(ttlSecondsAfterFinished=1)),
    "no ttl": (LIFETIME, lambda job: job["spec"].pop("ttlSecondsAfterFinished")),
    "more in parallel": (COUNT, lambda job: job["spec"].update(parallelism=50)),
    "more completions": (COUNT, lambda job: job["spec"].update(completions=50)),
    "more attempts": (RETRIES, lambda job: job["spec"].update(backoffLimit=6)),
    "no rule for failures": (RETRIES, lambda job: job["spec"].pop("podFailurePolicy")),
    "another tier's template": (POD, lambda job: label_both(job, "sre-dispatch/tier", "remediate")),
    "an unknown tier": (NO_TIER, lambda job: label_both(job, "sre-dispatch/tier", "root")),
    "no tier": (NO_TIER, lambda job: job["metadata"]["labels"].pop("sre-dispatch/tier")),
    "no label at all": (FOREIGN_LABEL, lambda job: job["metadata"].pop("labels")),
    "another tier on the pod": (
        OTHER_TIER,
        lambda job: labels_of_pod(job).update({"sre-dispatch/tier": "remediate"}),
    ),
    "no tier on the pod": (OTHER_TIER, lambda job: labels_of_pod(job).pop("sre-dispatch/tier")),
    "another name of the application": (
        FIXED_LABELS,
        lambda job: label_both(job, "app.kubernetes.io/name", "db"),
    ),
    "another manager": (FIXED_LABELS, lambda job: label_both(job, "app.kubernetes.io/managed-by", "Helm")),
    "a foreign label": (FOREIGN_LABEL, lambda job: job["metadata"]["labels"].update({"team": "red"})),
    "a foreign label on the pod": (FOREIGN_LABEL, lambda job: labels_of_pod(job).update({"app": "typedb"})),
    "a foreign annotation": (
        FOREIGN_ANNOTATION,
        lambda job: job["metadata"]["annotations"].update({"example.com/inject": "yes"}),
    ),
    "a foreign annotation on the pod": (
        FOREIGN_ANNOTATION,
        lambda job: annotations_of_pod(job).update({"sidecar.istio.io/inject": "true"}),
    ),
    "the system prompt on the Job as well": (
        FOREIGN_ANNOTATION,
        lambda job: job["metadata"]["annotations"].update({"sre-dispatch/system-prompt": "x"}),
    ),
    "the prompt on the Job as well": (
        FOREIGN_ANNOTATION,
        lambda job: job["metadata"]["annotations"].update({"sre-dispatch/prompt": "x"}),
    ),
    "suspend": ("a suspended Job uses its name", lambda job: job["spec"].update(suspend=True)),
    "managedBy": (
        "a Job that another controller manages",
        lambda job: job["spec"].update(managedBy="example.com/other"),
    ),
    "a selector of its own": (
        "a Job with its own selector",
        lambda job: job["spec"].update(
            manualSelector=True, selector={"matchLabels": {"sre-dispatch/tier": "propose"}}
        ),
    ),
    "Indexed": ("an agent's Job is not Indexed", lambda job: job["spec"].update(completionMode="Indexed")),
    "a finalizer": (FINALIZER, lambda job: job["metadata"].update(finalizers=["example.com/hold"])),
    "a finalizer on the pod": (
        FINALIZER,
        lambda job: job["spec"]["template"]["metadata"].update(finalizers=["example.com/hold"]),
    ),
    "an owner": (OWNER, lambda job: own(job, "v1", "ConfigMap", "any")),
    "the tier's CronJob as owner": (OWNER, lambda job: own(job, "batch/v1", "CronJob", "sre-agent-propose")),
    "a dispatched Job passed off as a try-out": (
        "the dispatcher's Job has no label app.kubernetes.io/managed-by=sre-dispatch",
        lambda job: job["metadata"]["labels"].pop("app.kubernetes.io/managed-by"),
    ),
}


@pytest.mark.parametrize(("why", "change"), REFUSED.values(), ids=REFUSED)
def test_the_dispatcher_is_refused(dispatcher: httpx.Client, job: Job, why: str, change: Change) -> None:
    change(job)

    assert_refused_by_our_policy(dispatcher.post(JOBS, json=job), why)


def test_the_administrator_is_held_to_the_template_too(api: ApiServer, job: Job) -> None:
    agent(job)["image"] = "registry.example/other:1"

    with api.client() as admin:
        assert_refused_by_our_policy(admin.post(JOBS, json=job), POD)


def test_a_tryout_by_hand_has_no_other_owner_than_its_tier(api: ApiServer, job: Job) -> None:
    job["metadata"]["labels"].pop("app.kubernetes.io/managed-by")
    own(job, "batch/v1", "CronJob", "sre-agent-remediate")

    with api.client() as admin:
        assert_refused_by_our_policy(admin.post(JOBS, json=job), OWNER)


# --- what the dispatcher may do at all ----------------------------------------------------------------


def test_the_dispatcher_may_read_jobs_and_tiers_and_tell_people(dispatcher: httpx.Client, job: Job) -> None:
    name = dispatcher.post(JOBS, json=job).json()["metadata"]["name"]
    event = {
        "metadata": {"generateName": "sre-dispatch-"},
        "involvedObject": {"kind": "Namespace", "name": "f3iai", "namespace": "f3iai"},
        "reason": "Blocked",
        "type": "Warning",
    }

    assert dispatcher.get(f"{JOBS}/{name}").status_code == 200
    assert dispatcher.get(JOBS).status_code == 200
    assert dispatcher.get(f"{BATCH}/cronjobs/sre-agent-propose").status_code == 200
    assert dispatcher.post("/api/v1/namespaces/f3iai/events", json=event).status_code == 201


FORBIDDEN = {
    "update a Job": ("PUT", f"{JOBS}/any"),
    "patch a Job": ("PATCH", f"{JOBS}/any"),
    "delete a Job": ("DELETE", f"{JOBS}/any"),
    "delete all Jobs": ("DELETE", JOBS),
    "write a Job's status": ("PATCH", f"{JOBS}/any/status"),
    "create a Job in its own namespace": ("POST", "/apis/batch/v1/namespaces/f3iai/jobs"),
    "create a Job elsewhere": ("POST", "/apis/batch/v1/namespaces/kube-system/jobs"),
    "list Jobs elsewhere": ("GET", "/apis/batch/v1/jobs"),
    "change a tier": ("PATCH", f"{BATCH}/cronjobs/sre-agent-propose"),
    "create a tier": ("POST", f"{BATCH}/cronjobs"),
    "read the agents' Secrets": ("GET", "/api/v1/namespaces/sre-agents/secrets"),
    "read the Secrets of its own namespace": ("GET", "/api/v1/namespaces/f3iai/secrets"),
    "read pods": ("GET", "/api/v1/namespaces/sre-agents/pods"),
    "read a pod's log": ("GET", "/api/v1/namespaces/sre-agents/pods/any/log"),
    "create a pod": ("POST", "/api/v1/namespaces/sre-agents/pods"),
    "get an agent's token": (
        "POST",
        "/api/v1/namespaces/sre-agents/serviceaccounts/sre-agent-remediate/token",
    ),
    "lift the pause": ("DELETE", "/api/v1/namespaces/sre-agents/resourcequotas/pause"),
    "write events about others": ("POST", "/api/v1/namespaces/default/events"),
    "change the policy": (
        "PATCH",
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/sre-dispatch-template",
    ),
}


@pytest.mark.parametrize(("method", "path"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_the_dispatcher_may_not(dispatcher: httpx.Client, method: str, path: str) -> None:
    headers = {"content-type": "application/merge-patch+json"} if method == "PATCH" else {}

    reply = dispatcher.request(method, path, json={}, headers=headers)

    assert reply.status_code == 403
    assert "system:serviceaccount:f3iai:sre-dispatch" in reply.json()["message"]


# --- the parts of a Job, by name ----------------------------------------------------------------------


def dispatched(dispatcher: httpx.Client, tier: str, problem: str) -> Job:
    """The Job that the dispatcher sends: the tier's template as the API returns it, named and labelled."""
    template = dispatcher.get(f"{BATCH}/cronjobs/sre-agent-{tier}").json()["spec"]["jobTemplate"]
    identity = hashlib.sha256(problem.encode()).hexdigest()
    labels = {
        "app.kubernetes.io/name": "sre-agent",
        "app.kubernetes.io/managed-by": "sre-dispatch",
        "sre-dispatch/tier": tier,
        "sre-dispatch/alertname": "PVCUsageHigh",
        "sre-dispatch/resource": identity[:16],
        "sre-dispatch/group": identity[16:32],
    }
    on_job = {
        "sre-dispatch/identity": identity,
        "sre-dispatch/policy-revision": "1",
        "sre-dispatch/prompt-template": "alerts/PVCUsageHigh.md.j2",
    }
    on_pod = {
        "sre-dispatch/event": "{}",
        "sre-dispatch/decision": "{}",
        "sre-dispatch/prompt": "Look.",
        "sre-dispatch/system-prompt": "You are the on-call engineer.",
    }
    template["spec"]["template"]["metadata"] = {"labels": dict(labels), "annotations": on_pod}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"sre-{identity[:40]}", "labels": labels, "annotations": on_job},
        "spec": template["spec"],
    }


def try_out(api: ApiServer, tier: str, name: str) -> Job:
    command = ["create", "job", "-n", "sre-agents", f"--from=cronjob/sre-agent-{tier}", name, "-o", "json"]
    job: Job = json.loads(api.kubectl(*command))
    return job


def pod(job: Job) -> Any:
    return job["spec"]["template"]["spec"]


def agent(job: Job) -> Any:
    return pod(job)["containers"][0]


def labels_of_pod(job: Job) -> Any:
    return job["spec"]["template"]["metadata"]["labels"]


def annotations_of_pod(job: Job) -> Any:
    return job["spec"]["template"]["metadata"]["annotations"]


def label_both(job: Job, key: str, value: str) -> None:
    job["metadata"]["labels"][key] = labels_of_pod(job)[key] = value


def own(job: Job, version: str, kind: str, name: str) -> None:
    owner = {"apiVersion": version, "kind": kind, "name": name, "uid": "00000000-0000-4000-8000-000000000000"}
    job["metadata"]["ownerReferences"] = [owner]


def assert_refused_by_our_policy(reply: httpx.Response, why: str) -> None:
    """The form by which the dispatcher knows such a refusal from others, so it must not change unnoticed."""
    status = reply.json()
    assert (reply.status_code, status.get("reason")) == (422, "Invalid"), reply.text
    assert re.match(OUR_REFUSAL, status["message"])
    assert why in status["message"]
