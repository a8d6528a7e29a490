"""Checks admission with dry runs: the API server must admit each tier's own Job and refuse changed Jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from function.commands.check.admission import APPLY_POLICIES
from function.commands.check.context import about_ourselves
from function.commands.check.rows import Row, row, value_at
from function.dispatch.model import Decision, Grant, Level, Prompt
from function.dispatch.plan import plan
from function.dispatch.policy_files import PolicyFiles
from function.dispatch.settings import Settings
from function.shared.errors import DispatchError, Misconfigured, first_error
from function.shared.event import LevelName
from function.shared.strict_json import Json, to_json

if TYPE_CHECKING:
    from function.commands.check.cluster import Admission, ClusterAudit


Change = Callable[[Any], object]
"""A function that changes a Job in place. Admission must refuse the changed Job."""
UNWATCHED = (
    "the CronJob {0} exists, but kube-apiserver does not see it as a policy parameter: if this row still "
    "fails in a minute, restart each kube-apiserver (https://github.com/kubernetes/kubernetes/issues/130887)"
)
NOT_SUSPENDED = (
    "the CronJob {0} is not suspended, so it starts agents on a schedule: "
    """`kubectl -n {1} patch cronjob {0} -p '{{"spec": {{"suspend": true}}}}'`"""
)
PAUSED = "paused; to resume: `kubectl -n {} delete quota pause`"
PAUSE = "pause"
"""The name of the quota that pauses all agents ("Pause and resume" in knative/README.md)."""
VARIANTS: Mapping[str, Change] = {
    "another image": lambda job: _pod(job)["containers"][0].update(image="sre-dispatch-check"),
    "another ServiceAccount": lambda job: _pod(job).update(serviceAccountName="sre-dispatch-check"),
    "a Secret volume": lambda job: _pod(job).update(volumes=[*_pod(job).get("volumes", []), SECRET_VOLUME]),
    "no tier": lambda job: job["metadata"]["labels"].pop("sre-dispatch/tier"),
    "a finalizer": lambda job: job["metadata"].update(finalizers=["sre-dispatch/check"]),
}
"""Changes that an attacker with the function's token would try. Admission must refuse each of them."""
SECRET_VOLUME: Json = {"name": "sre-dispatch-check", "secret": {"secretName": "sre-dispatch-check"}}


def tier_grants(files: PolicyFiles) -> dict[LevelName, Grant]:
    """Returns the tiers in the policy's data. The lowest level is the first. Raises Misconfigured."""
    try:
        grants = TypeAdapter(dict[LevelName, Grant]).validate_json(to_json(files.data.get("tiers")))
    except ValidationError as error:
        where, what = first_error(error)
        raise Misconfigured(f"tiers/data.json of SRE_DISPATCH_POLICIES: {where}: {what}") from None
    return {level: grants[level] for level in sorted(grants, key=lambda level: Level[level])}


def decision_for(level: LevelName, grant: Grant, revision: str) -> Decision:
    """Returns a decision that grants the tier. The dry run needs it."""
    return Decision(True, level, level, grant.mode, (), (), grant, revision)


def tier_row(cluster: ClusterAudit, settings: Settings, decision: Decision, grant: Grant) -> Row:
    """Returns the row about a tier. It makes dry runs of the Job that the function would create, and of this
    Job with each change in VARIANTS."""
    name, prompt = f"tier: {grant.tier}", Prompt("check", "", "This Job is a dry run. It is never created.")
    try:
        template = cluster.template(grant.template)
        job = plan(about_ourselves(settings), decision, grant, prompt, template, settings.agents_namespace)
        verdict = cluster.judge(job)
        let_in = [what for what, change in VARIANTS.items() if not _is_refused(cluster, job, change)]
        suspended = value_at(cronjob_of(cluster, settings, grant), "spec", "suspend")
    except DispatchError as error:
        return Row(name, passed=False, detail=str(error))
    faults = [] if suspended is True else [NOT_SUSPENDED.format(grant.template, settings.agents_namespace)]
    faults += _unwelcome(verdict, grant.template)
    faults += [f"our admission policies admit {', '.join(let_in)}: {APPLY_POLICIES}"] if let_in else []
    paused = verdict.by == "quota" and verdict.words == PAUSE
    return row(
        name,
        PAUSED.format(settings.agents_namespace)
        if paused
        else "its own Job is admitted, changed ones are refused",
        faults,
    )


def _pod(job: Any) -> Any:
    return job["spec"]["template"]["spec"]


def cronjob_of(cluster: ClusterAudit, settings: Settings, grant: Grant) -> Json | None:
    return cluster.find(f"batch/v1/namespaces/{settings.agents_namespace}/cronjobs/{grant.template}")


def account_of(cluster: ClusterAudit, settings: Settings, grant: Grant) -> str:
    """Returns the tier's ServiceAccount. If the CronJob is missing, this is the CronJob's name, because both
    names are the same."""
    path = ("spec", "jobTemplate", "spec", "template", "spec", "serviceAccountName")
    return value_at(cronjob_of(cluster, settings, grant), *path) or grant.template


def _is_refused(cluster: ClusterAudit, job: Json, change: Change) -> bool:
    changed = deepcopy(job)
    change(changed)
    return cluster.judge(changed).by in ("policy", "unwatched")


def _unwelcome(verdict: Admission, template: str) -> Iterator[str]:
    """Yields the reason for which the tier's own Job is not admitted."""
    if verdict.by == "policy":
        yield f"our admission policies refuse the tier's own Job ({verdict.words}): {APPLY_POLICIES}"
    elif verdict.by == "unwatched":
        yield UNWATCHED.format(template)
    elif verdict.by == "quota" and verdict.words != PAUSE:
        yield f"the quota {verdict.words} is full: wait for Jobs to end, or raise it"
    elif verdict.by == "pod security":
        yield f"Pod Security will refuse its pods: change the tier's file accordingly ({verdict.words})"
    elif verdict.by == "other":
        yield f"the API server refuses the tier's own Job: change what the message names ({verdict.words})"
