"""Objects that only an earlier version used. `kubectl apply` does not delete such objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import TYPE_CHECKING

from function.commands.check.admission import ADMISSION
from function.commands.check.bindings import REMEDIES, Binding, account, bindings
from function.commands.check.tiers import account_of
from function.dispatch.model import Grant
from function.dispatch.settings import Settings
from function.shared.event import LevelName

if TYPE_CHECKING:
    from function.commands.check.cluster import ClusterAudit


TIER = "sre-dispatch/tier"
OF_A_TIER = f"app.kubernetes.io/part-of=sre-dispatch,{TIER}"
"""The label selector for the objects of the files in knative/tiers/."""
PREFIX = "sre-agent-"
"""The prefix of each tier's ServiceAccount. knative/base/admission.yaml relies on this prefix too."""
REMEDY = "; delete an account last, when no Job uses it (knative/README.md has the steps)"


def leftover_faults(
    cluster: ClusterAudit, settings: Settings, grants: Mapping[LevelName, Grant]
) -> Iterator[str]:
    """Yields the objects that belong to no tier of the policy, with the command that deletes them. Rights are
    the first, because an account may still use them."""
    agents = settings.agents_namespace
    used = frozenset(account(agents, account_of(cluster, settings, grant)) for grant in grants.values())
    for binding in bindings(cluster):
        if stale := _stale(binding, agents, used):
            yield _has_rights(binding, stale)
    tiers = {grant.tier for grant in grants.values()}
    for path, what, delete in (
        (
            f"{ADMISSION}/validatingadmissionpolicybindings",
            "bindings of admission policies",
            "delete validatingadmissionpolicybinding",
        ),
        (f"batch/v1/namespaces/{agents}/cronjobs", "templates", f"-n {agents} delete cronjob"),
        (
            f"v1/namespaces/{agents}/serviceaccounts",
            "accounts",
            f"-n {agents} delete configmap,serviceaccount",
        ),
    ):
        if names := _names(cluster, path, tiers):
            yield f"{what} of no tier: run `kubectl {delete} {' '.join(names)}`"


def _stale(binding: Binding, agents: str, used: Set[str]) -> frozenset[str]:
    """Returns the accounts of the binding that no tier uses. If the role is one of REMEDIES, all accounts of
    the agents' namespace count. Otherwise only accounts with the prefix of an agent count."""
    ours = account(agents, "" if binding.role in REMEDIES else PREFIX)
    return frozenset(each for each in binding.holders - used if each.startswith(ours))


def _has_rights(binding: Binding, stale: Set[str]) -> str:
    kind = "rolebinding" if binding.namespace else "clusterrolebinding"
    target = f"{kind} {binding.name}"
    where = f"-n {binding.namespace} " if binding.namespace else ""
    names = ", ".join(sorted(each.rpartition(":")[2] for each in stale))
    what = f"rights in {binding.place} of accounts that no tier uses ({names})"
    if stale == binding.holders:
        return f"{what}: run `kubectl {where}delete {target}`"
    return f"{what}: remove the subject with `kubectl {where}edit {target}`"


def _names(cluster: ClusterAudit, path: str, tiers: Set[str]) -> list[str]:
    found = cluster.labelled(path, OF_A_TIER)
    return [each["metadata"]["name"] for each in found if each["metadata"]["labels"][TIER] not in tiers]
