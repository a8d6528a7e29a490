"""Is this installation usable? Each answer as a row that a person can read.

In a cluster it runs as the function does: with its settings, and with its ServiceAccount, so that what is
told of rights and admission is true of the function. Three things it has to read that the function need not:
who is bound to what, which admission policies are in force, and which models the tiers name.
knative/base/check.yaml grants that to the same ServiceAccount; it changes nothing, and of what it reads it
shows no content but those models' names. A ServiceAccount of its own would spare the
function that, and could tell nothing of the function's rights without a worse one: to impersonate it, or to
ask for the rights of everybody.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from function import bundle, retirement, translate, wire, wiring
from function.bundle import PolicyFiles
from function.enrich import enrich
from function.errors import DispatchError, Misconfigured, flaw
from function.model import Decision, Grant, Json, Level, LevelName, Prompt, SREEvent, to_json
from function.plan import plan
from function.settings import Settings

if TYPE_CHECKING:
    from function.adapters.kube import Inspection, Verdict

Change = Callable[[Any], object]
"""What is done to a Job that then must be refused."""

DANGEROUS: Mapping[str, str] = {
    "secrets": "get list watch",
    "pods": "create",
    "pods/exec": "create get",
    "jobs.batch": "update patch delete deletecollection",
    "cronjobs.batch": "create update patch delete",
    "serviceaccounts": "impersonate",
    "serviceaccounts/token": "create",
    "rolebindings.rbac.authorization.k8s.io": "create",
    "roles.rbac.authorization.k8s.io": "bind escalate",
    "clusterroles.rbac.authorization.k8s.io": "bind escalate",
    "resourcequotas": "update patch delete",
}
"""What a stolen token of the function's must not do in any namespace in which it may do something."""
DANGEROUS_ANYWHERE: Mapping[str, str] = {
    "users": "impersonate",
    "groups": "impersonate",
    "namespaces": "patch delete",
    "clusterrolebindings.rbac.authorization.k8s.io": "create",
    "validatingadmissionpolicies.admissionregistration.k8s.io": "update patch delete",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": "update patch delete",
}
"""The same of what is in no namespace."""

TOKENREVIEWS = "tokenreviews.authentication.k8s.io"
"""By which Alertmanager is known by its own token, where the settings say so."""

REMEDIES = frozenset({"sre-agent-grow-claims", "sre-agent-scale-deployments"})
"""The ClusterRoles of knative/base/ceilings.yaml: to be bound to one is to be enrolled."""
EVERYWHERE = "every namespace (by a ClusterRoleBinding)"

PER_TIER = "sre-dispatch-template"
"""The admission policy that has a binding for each tier, in that tier's file."""
POLICIES = ("sre-dispatch-shape", "sre-dispatch-remedies", "sre-dispatch-claims", "sre-dispatch-deployments")
"""Those that have one binding, of their own name."""

ADMISSION = "admissionregistration.k8s.io/v1"

APPLY_POLICIES = "apply knative/base and knative/tiers"
UNWATCHED = (
    "kube-apiserver does not find the CronJob {0}, although it is there: if that stays, restart each "
    "kube-apiserver (https://github.com/kubernetes/kubernetes/issues/130887)"
)
WHO_GRANTS = ": see who grants that by `kubectl get rolebindings,clusterrolebindings -A -o wide`, and undo it"
NOT_SUSPENDED = (
    "the CronJob {0} is not suspended and starts agents by the clock: "
    """`kubectl -n {1} patch cronjob {0} -p '{{"spec": {{"suspend": true}}}}'`"""
)
PAUSED = "paused: `kubectl -n {} delete quota pause` lets agents start again"
OTHER_POLICY = (
    "cannot be told, for OPA serves another policy: set SRE_DISPATCH_POLICIES to the bundle in OPA's image"
)
BIND = "apply a copy of knative/enrolled/f3iai.yaml for it, or take it from the policy's enrolments"
UNBIND = "delete the binding, or enrol it in the policy"
LOOK_AT_SERVICE = "see `kubectl get ksvc -A` and whether its ingress may be reached from here"

PAUSE = "pause"
"""The quota by which people stop all agents (README.md)."""
WAKING_SECONDS = 30.0
"""For the function to answer, which may have to start from nothing first."""
CONNECT_SECONDS = 5.0
READINESS = "/health/readiness"
MOST = 8
"""Of one kind of fault, how many are named; somebody who is cluster-admin has them all."""

VARIANTS: Mapping[str, Change] = {
    "another image": lambda job: _pod(job)["containers"][0].update(image="sre-dispatch-check"),
    "another ServiceAccount": lambda job: _pod(job).update(serviceAccountName="sre-dispatch-check"),
    "a Secret volume": lambda job: _pod(job).update(volumes=[*_pod(job).get("volumes", []), SECRET_VOLUME]),
    "no tier": lambda job: job["metadata"]["labels"].pop("sre-dispatch/tier"),
    "a finalizer": lambda job: job["metadata"].update(finalizers=["sre-dispatch/check"]),
}
"""Jobs that a stolen token would be used for; admission must refuse each."""
SECRET_VOLUME: Json = {"name": "sre-dispatch-check", "secret": {"secretName": "sre-dispatch-check"}}


@dataclass(frozen=True)
class Row:
    """One thing that was looked at."""

    name: str
    passed: bool
    detail: str = ""
    warning: bool = False
    """It is as it must be, and will not be for long."""


def check(environment: Mapping[str, str]) -> list[Row]:
    """The settings in `environment`; the policy that they choose, by questions whose answer is known; and,
    where Jobs go to a cluster, what that must hold. Nothing is changed. Rows about a cluster are absent where
    the settings name none; the webhook's address is looked at from inside one only."""
    try:
        settings = Settings.read(environment)
        policy = wiring.policy(settings)
        questions = _questions(settings.policies / bundle.SELFTEST)
        files = bundle.read(settings.policies)
    except Misconfigured as error:
        return [Row("settings", passed=False, detail=str(error))]
    engine = f"OPA at {settings.opa_url}" if settings.policy == "opa" else "embedded engine"
    rows = [Row("settings", passed=True, detail=engine)]
    found: set[str] = set()
    for question in questions:
        try:
            answer = policy.ask(question["input"])
        except DispatchError as error:
            # What the policy says by default has no revision, so OPA's adapter takes it for no decision.
            blocked = error.code == "policy_revision" and not question["input"]
            detail = "it is no decision" if blocked else str(error)
            rows.append(Row(f"policy: {question['title']}", passed=blocked, detail=detail))
            continue
        rows.append(_compared(question, answer))
        found |= _revision(answer)
    rows += [*_same(found, files.revision), *_context(settings)]
    if settings.jobs == "kubernetes":
        rows += _cluster(settings, files, found)
    if "KUBERNETES_SERVICE_HOST" in environment:
        rows.append(address(f"http://sre-dispatch.{settings.own_namespace}.svc"))
    return rows


def _context(settings: Settings) -> Iterator[Row]:
    """Whether the source of context answers as it must, about a thing that is surely there: our namespace."""
    name = "context: " + {"ffo": settings.ffo_url, "file": str(settings.context_file)}.get(
        settings.context, ""
    )
    try:
        source = wiring.world(settings, time.time)
        if source is None:
            yield Row("context", passed=True, detail="none is configured: no alert can become LOW")
            return
        found = enrich(_about(settings), source.context)
    except DispatchError as error:
        yield Row(name, passed=False, detail=str(error))
        return
    harmless = {"not_found", "unknown_kind"}  # of a world model that keeps no namespaces
    answered = harmless.issuperset(found.gaps)
    gaps = f"gaps: {', '.join(found.gaps)}" if found.gaps else "no gap"
    yield Row(name, passed=answered, detail=f"{len(found.items)} facts, {gaps}")


def _about(settings: Settings) -> SREEvent:
    """An event about the function's own namespace."""
    alert = {"status": "firing", "labels": {"alertname": "check"}, "startsAt": "2026-01-01T00:00:00Z"}
    delivery = translate.alert(alert, cluster=settings.cluster)
    (event,) = (event for event in delivery.alerts if isinstance(event, SREEvent))
    return replace(event, resource_type="k8s_namespace", resource_id=settings.own_namespace)


def _questions(path: Path) -> list[dict[str, Any]]:
    """Each with the part of the answer that it must have."""
    try:
        questions: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Misconfigured(f"{path} cannot be read: set SRE_DISPATCH_POLICIES") from None
    return questions


def _compared(question: Mapping[str, Any], answer: object) -> Row:
    given = answer if isinstance(answer, dict) else {}
    wrong = [
        f"{key} is {json.dumps(given.get(key))}, wanted {json.dumps(value)}"
        for key, value in question["answer"].items()
        if given.get(key) != value
    ]
    told = given.get("effective"), given.get("mode")
    detail = "; ".join(wrong) or " ".join(filter(None, told))
    return Row(f"policy: {question['title']}", passed=not wrong, detail=detail)


def _revision(answer: object) -> set[str]:
    revision = answer.get("policy_revision") if isinstance(answer, dict) else None
    return {revision} if isinstance(revision, str) and revision else set()


def _same(found: set[str], expected: str) -> Iterator[Row]:
    """One revision behind all answers. Another than that of the files here may be meant, and is told."""
    if len(found) != 1:
        detail = "no answer had one" if not found else "it changed while it was asked"
        yield Row("policy: revision", passed=False, detail=detail)
        return
    (revision,) = found
    note = "" if revision == expected else f", while SRE_DISPATCH_POLICIES holds {expected[:12]}"
    yield Row("policy: revision", passed=True, detail=revision[:12] + note)


# --- the cluster --------------------------------------------------------------------------------------


def _cluster(settings: Settings, files: PolicyFiles, revisions: set[str]) -> Iterator[Row]:
    """What the cluster must hold and refuse; `revisions` are those of the policy that answered."""
    from function.adapters.kube import Api, Inspection

    cluster = Inspection(Api(), settings.namespace)
    try:
        name, groups = cluster.who()
        grants = _grants(files)
    except DispatchError as error:
        yield Row("cluster", passed=False, detail=str(error))
        return
    yield Row("cluster", passed=True, detail=f"asked as {name}")
    yield _row("rights: what it must", "it may", _missing(cluster, settings))
    found = _dangerous(cluster, settings, {name, *groups})
    yield _row("rights: nothing dangerous", "it may not", found, WHO_GRANTS)
    for level, grant in grants.items():
        yield _tier(cluster, settings, _decision(level, grant, files.revision), grant)
    yield from models(cluster, settings.root, grants.values(), datetime.now(UTC).date())
    enrolled = _enrolled(settings, files)
    faults = _disagreement(cluster, settings, _writers(cluster, settings, grants), enrolled)
    if not revisions <= {files.revision}:
        faults = iter([OTHER_POLICY])
    yield _row("enrolled namespaces", ", ".join(sorted(enrolled)) or "none", faults)
    yield _row("admission policies", "each refuses", _admission(cluster, settings, grants))


def _row(name: str, good: str, faults: Iterable[str], remedy: str = "") -> Row:
    """Passed, with the detail `good`, where there are no faults; `remedy` is what to do about all of them."""
    try:
        told = list(faults)
    except DispatchError as error:
        return Row(name, passed=False, detail=str(error))
    if not told:
        return Row(name, passed=True, detail=good)
    more = [f"and {len(told) - MOST} more"] if len(told) > MOST else []
    return Row(name, passed=False, detail="; ".join([*told[:MOST], *more]) + remedy)


def _grants(files: PolicyFiles) -> dict[LevelName, Grant]:
    """The tiers of the policy's data, the lowest level first. Raises Misconfigured."""
    try:
        grants = TypeAdapter(dict[LevelName, Grant]).validate_json(to_json(files.data.get("tiers")))
    except ValidationError as error:
        where, what = flaw(error)
        raise Misconfigured(f"tiers/data.json of SRE_DISPATCH_POLICIES: {where}: {what}") from None
    return {level: grants[level] for level in sorted(grants, key=lambda level: Level[level])}


def _missing(cluster: Inspection, settings: Settings) -> Iterator[str]:
    from function.adapters.kube import Access

    agents, own = settings.namespace, settings.own_namespace
    wanted = [Access(verb, "jobs.batch", agents) for verb in ("create", "get", "list")]
    wanted += [Access("get", "cronjobs.batch", agents), Access("create", "events", own)]
    for access in wanted:
        if not cluster.may(access):
            what = f"{access.verb} {access.resource} in {access.namespace}"
            yield f"it may not {what}: apply knative/base/dispatcher.yaml"
    if settings.tokenreview_audience and not cluster.may(Access("create", TOKENREVIEWS, "")):
        yield f"it may not create {TOKENREVIEWS}: apply knative/components/tokenreview"


def _dangerous(cluster: Inspection, settings: Settings, who: Set[str]) -> Iterator[str]:
    """In every namespace where something is granted to it: what a ClusterRoleBinding grants shows in each."""
    from function.adapters.kube import Access

    bound = {place for place, _, holders in _bindings(cluster) if holders & who} - {EVERYWHERE}
    agents, places = settings.namespace, bound | {settings.namespace, settings.own_namespace}
    asked = [(verb, what, places) for what, verbs in DANGEROUS.items() for verb in verbs.split()]
    asked += [("create", "jobs.batch", places - {agents})]  # where no admission policy holds them to a tier
    asked += [(verb, what, {""}) for what, verbs in DANGEROUS_ANYWHERE.items() for verb in verbs.split()]
    for verb, what, where in asked:
        if found := [place for place in sorted(where) if cluster.may(Access(verb, what, place))]:
            within = f" in {', '.join(found)}" if any(found) else ""
            yield f"it may {verb} {what}{within}"


def _bindings(cluster: Inspection) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Of each binding its namespace, its ClusterRole (or nothing), and whom it is for."""
    for kind in ("rolebindings", "clusterrolebindings"):
        for binding in _at(cluster.find(f"rbac.authorization.k8s.io/v1/{kind}"), "items") or ():
            role = _at(binding, "roleRef", "name") if _at(binding, "roleRef", "kind") == "ClusterRole" else ""
            holders = frozenset(_holder(subject) for subject in binding.get("subjects") or ())
            yield _at(binding, "metadata", "namespace") or EVERYWHERE, role, holders


def _holder(subject: Json) -> str:
    """The user or the group, as the API server names it."""
    if subject.get("kind") == "ServiceAccount":
        return _account(subject.get("namespace", ""), subject.get("name", ""))
    return str(subject.get("name"))


def _account(namespace: str, name: str) -> str:
    return f"system:serviceaccount:{namespace}:{name}"


# --- a tier -------------------------------------------------------------------------------------------


def _decision(level: LevelName, grant: Grant, revision: str) -> Decision:
    """One that gives the tier to the harmless event that is planned with it."""
    return Decision(True, level, level, grant.mode, (), (), grant, revision)


def _tier(cluster: Inspection, settings: Settings, decision: Decision, grant: Grant) -> Row:
    """Its CronJob, and by dry runs whether what the function makes of it is admitted, and nothing else is."""
    name, prompt = f"tier: {grant.tier}", Prompt("check", "", "This Job is a question. It is not created.")
    try:
        template = cluster.template(grant.template)
        job = plan(_about(settings), decision, grant, prompt, template, settings.namespace)
        verdict = cluster.judge(job)
        let_in = [what for what, change in VARIANTS.items() if not _is_refused(cluster, job, change)]
        suspended = _at(_cronjob(cluster, settings, grant), "spec", "suspend")
    except DispatchError as error:
        return Row(name, passed=False, detail=str(error))
    faults = [] if suspended is True else [NOT_SUSPENDED.format(grant.template, settings.namespace)]
    faults += _unwelcome(verdict, grant.template)
    faults += [f"our admission policies let in {', '.join(let_in)}: {APPLY_POLICIES}"] if let_in else []
    paused = verdict.by == "quota" and verdict.words == PAUSE
    return _row(
        name, PAUSED.format(settings.namespace) if paused else "admitted, and refused if changed", faults
    )


def _pod(job: Any) -> Any:
    return job["spec"]["template"]["spec"]


def _cronjob(cluster: Inspection, settings: Settings, grant: Grant) -> Json | None:
    return cluster.find(f"batch/v1/namespaces/{settings.namespace}/cronjobs/{grant.template}")


def _is_refused(cluster: Inspection, job: Json, change: Change) -> bool:
    changed = deepcopy(job)
    change(changed)
    return cluster.judge(changed).by in ("policy", "unwatched")


def _unwelcome(verdict: Verdict, template: str) -> Iterator[str]:
    """What is wrong where the Job as planned is not admitted."""
    if verdict.by == "policy":
        yield f"our admission policies refuse the tier's own Job ({verdict.words}): {APPLY_POLICIES}"
    elif verdict.by == "unwatched":
        yield UNWATCHED.format(template)
    elif verdict.by == "quota" and verdict.words != PAUSE:
        yield f"the quota {verdict.words} admits no further Job: wait for Jobs to end, or raise it"
    elif verdict.by == "pod security":
        yield f"Pod Security will refuse its pods: change the tier's file as it wants ({verdict.words})"
    elif verdict.by == "other":
        yield f"its Job is refused, and not by us: see who says so and let it in ({verdict.words})"


def models(cluster: Inspection, root: Path, grants: Iterable[Grant], today: date) -> Iterator[Row]:
    """Whether each tier's models still answer; the data is below `root`."""
    try:
        retires = retirement.read(root)
    except Misconfigured as error:
        yield Row("models", passed=False, detail=str(error))
        return
    for grant in grants:
        name = f"model: {grant.tier}"
        try:
            named = retirement.named(cluster.config_map(grant.template), grant.template)
        except DispatchError as error:
            yield Row(name, passed=False, detail=str(error))
            continue
        standing, detail = retirement.judge(named, retires, today)
        yield Row(name, passed=standing != "retired", detail=detail, warning=standing == "retiring")


# --- who may write where ------------------------------------------------------------------------------


def _enrolled(settings: Settings, files: PolicyFiles) -> frozenset[str]:
    """The namespaces that the policy's data enrols: of this cluster, or of any where ours has no name."""
    found = [_at(config, "enrolled") or {} for config in files.data.get("config", {}).values()]
    entries = [entry for entries in found for entry in entries.values()]
    home = settings.cluster
    return frozenset(entry["namespace"] for entry in entries if not home or entry["cluster"] == home)


def _writers(cluster: Inspection, settings: Settings, grants: Mapping[LevelName, Grant]) -> Iterator[str]:
    """The ServiceAccounts of the tiers that act alone. One whose CronJob is missing has the same name."""
    path = ("spec", "jobTemplate", "spec", "template", "spec", "serviceAccountName")
    for grant in grants.values():
        if grant.mode == "autonomous":
            yield _at(_cronjob(cluster, settings, grant), *path) or grant.template


def _disagreement(
    cluster: Inspection, settings: Settings, writers: Iterable[str], enrolled: Set[str]
) -> Iterator[str]:
    """Namespaces that only one of policy and RBAC names."""
    agents = settings.namespace
    for name in writers:
        groups = {"system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{agents}"}
        who = groups | {_account(agents, name)}
        bound = {place for place, role, holders in _bindings(cluster) if role in REMEDIES and holders & who}
        for place in sorted(enrolled - bound):
            yield f"the policy enrols {place}, where {name} may write nothing: {BIND}"
        for place in sorted(bound - enrolled):
            yield f"{name} may write in {place}, which the policy does not enrol: {UNBIND}"


# --- admission ----------------------------------------------------------------------------------------


def _admission(cluster: Inspection, settings: Settings, grants: Mapping[LevelName, Grant]) -> Iterator[str]:
    for policy in (PER_TIER, *POLICIES):
        found = cluster.find(f"{ADMISSION}/validatingadmissionpolicies/{policy}")
        if found is None:
            yield f"there is no ValidatingAdmissionPolicy {policy}: {APPLY_POLICIES}"
        elif _at(found, "spec", "failurePolicy") != "Fail":
            yield f"the policy {policy} lets pass what it cannot judge: {APPLY_POLICIES}"
    for policy in POLICIES:
        yield from _binding(cluster, policy, policy, None)
    for grant in grants.values():
        param = {"name": grant.template, "namespace": settings.namespace, "parameterNotFoundAction": "Deny"}
        yield from _binding(cluster, f"{PER_TIER}-{grant.tier}", PER_TIER, param)


def _binding(cluster: Inspection, name: str, policy: str, param: Json | None) -> Iterator[str]:
    """What is wrong with the binding, which must refuse and have the parameter `param`."""
    found = cluster.find(f"{ADMISSION}/validatingadmissionpolicybindings/{name}")
    if found is None:
        yield f"there is no ValidatingAdmissionPolicyBinding {name}: {APPLY_POLICIES}"
        return
    if _at(found, "spec", "policyName") != policy or _at(found, "spec", "paramRef") != param:
        yield f"the binding {name} is not that of {policy} and its parameter: {APPLY_POLICIES}"
    if "Deny" not in (_at(found, "spec", "validationActions") or ()):
        yield f"the binding {name} refuses nothing, for it has no Deny: {APPLY_POLICIES}"


# --- the webhook's address ----------------------------------------------------------------------------


def address(url: str, lookup: Callable[[str, int], object] = socket.getaddrinfo) -> Row:
    """Whether the function answers at the http `url`, which Alertmanager sends to, within WAKING_SECONDS: it
    may have to start first. `lookup` raises OSError for a name that is not known."""
    import httpx

    name, host = "webhook address", urlsplit(url).hostname or ""
    try:
        lookup(host, 80)  # bounded by the resolver's own limits
        with (
            wire.connect(url, WAKING_SECONDS, CONNECT_SECONDS) as client,
            client.stream("GET", READINESS) as answer,
        ):
            status = answer.status_code
    except httpx.HTTPError as error:
        detail = f"{url} does not answer ({type(error).__name__}): {LOOK_AT_SERVICE}"
        return Row(name, passed=False, detail=detail)
    except OSError:
        return Row(name, passed=False, detail=f"the name {host} is not known: {LOOK_AT_SERVICE}")
    if status != 200:
        return Row(name, passed=False, detail=f"{url}{READINESS} answers {status}: {LOOK_AT_SERVICE}")
    return Row(name, passed=True, detail=url)


def _at(value: object, *path: str) -> Any:
    """What stands there in nested objects, or None."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def as_text(rows: list[Row]) -> str:
    width = max(len(row.name) for row in rows)
    return "".join(f"{_state(row)}  {row.name:{width}}  {row.detail}".rstrip() + "\n" for row in rows)


def _state(row: Row) -> str:
    if not row.passed:
        return "FAIL"
    return "WARN" if row.warning else "ok  "
