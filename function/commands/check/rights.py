"""Checks RBAC: the rights that the function needs, the rights that it must not have, and the namespaces in
which agents may write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import TYPE_CHECKING

from function.commands.check.bindings import REMEDIES, account, bindings
from function.commands.check.rows import value_at
from function.commands.check.tiers import account_of
from function.dispatch.model import Grant
from function.dispatch.policy_files import PolicyFiles
from function.dispatch.settings import Settings
from function.shared.event import LevelName

if TYPE_CHECKING:
    from function.commands.check.cluster import ClusterAudit


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
"""The verbs, by resource, that the function must not have in the namespaces in which it has rights."""
DANGEROUS_ANYWHERE: Mapping[str, str] = {
    "users": "impersonate",
    "groups": "impersonate",
    "namespaces": "patch delete",
    "clusterrolebindings.rbac.authorization.k8s.io": "create",
    "validatingadmissionpolicies.admissionregistration.k8s.io": "update patch delete",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": "update patch delete",
}
"""The verbs, by cluster-scoped resource, that the function must not have."""
TOKENREVIEWS = "tokenreviews.authentication.k8s.io"
"""The resource for token reviews. The function must create it if Alertmanager sends its ServiceAccount
token."""
WHO_GRANTS = ": find the binding with `kubectl get rolebindings,clusterrolebindings -A -o wide` and remove it"
BIND = "apply a copy of knative/enrolled/f3iai.yaml for it, or remove the enrolment from the policy"
UNBIND = "delete the binding, or enrol it in the policy"


def missing_rights(cluster: ClusterAudit, settings: Settings) -> Iterator[str]:
    from function.commands.check.cluster import Permission

    agents, own = settings.agents_namespace, settings.own_namespace
    wanted = [Permission(verb, "jobs.batch", agents) for verb in ("create", "get", "list")]
    wanted += [Permission("get", "cronjobs.batch", agents), Permission("create", "events", own)]
    for access in wanted:
        if not cluster.may(access):
            what = f"{access.verb} {access.resource} in {access.namespace}"
            yield f"it may not {what}: apply knative/base/dispatcher.yaml"
    if settings.tokenreview_audience and not cluster.may(Permission("create", TOKENREVIEWS, "")):
        yield f"it may not create {TOKENREVIEWS}: apply knative/components/tokenreview"


def dangerous_rights(cluster: ClusterAudit, settings: Settings, who: Set[str]) -> Iterator[str]:
    """Yields dangerous rights in each namespace in which the function has rights. If a ClusterRoleBinding
    grants a right, the right appears in each of these namespaces."""
    from function.commands.check.cluster import Permission

    bound = {each.namespace for each in bindings(cluster) if each.namespace and each.holders & who}
    agents, places = settings.agents_namespace, bound | {settings.agents_namespace, settings.own_namespace}
    asked = [(verb, what, places) for what, verbs in DANGEROUS.items() for verb in verbs.split()]
    asked += [("create", "jobs.batch", places - {agents})]  # no admission policy checks Jobs elsewhere
    asked += [(verb, what, {""}) for what, verbs in DANGEROUS_ANYWHERE.items() for verb in verbs.split()]
    for verb, what, where in asked:
        if found := [place for place in sorted(where) if cluster.may(Permission(verb, what, place))]:
            within = f" in {', '.join(found)}" if any(found) else ""
            yield f"it may {verb} {what}{within}"


def enrolled_namespaces(settings: Settings, files: PolicyFiles) -> frozenset[str]:
    """Returns the namespaces of this cluster that the policy enrols. If SRE_DISPATCH_CLUSTER is empty, the
    namespaces of all clusters count."""
    found = [value_at(config, "enrolled") or {} for config in files.data.get("config", {}).values()]
    entries = [entry for entries in found for entry in entries.values()]
    home = settings.cluster
    return frozenset(entry["namespace"] for entry in entries if not home or entry["cluster"] == home)


def writers(cluster: ClusterAudit, settings: Settings, grants: Mapping[LevelName, Grant]) -> Iterator[str]:
    """Yields the ServiceAccounts of the autonomous tiers."""
    for grant in grants.values():
        if grant.mode == "autonomous":
            yield account_of(cluster, settings, grant)


def disagreements(
    cluster: ClusterAudit, settings: Settings, writers: Iterable[str], enrolled: Set[str]
) -> Iterator[str]:
    """Yields the namespaces that only the policy enrols, or in which only RBAC grants the right to write."""
    agents = settings.agents_namespace
    home = f" for the cluster {settings.cluster}" if settings.cluster else ""
    for name in writers:
        groups = {"system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{agents}"}
        who = groups | {account(agents, name)}
        bound = {each.place for each in bindings(cluster) if each.role in REMEDIES and each.holders & who}
        for place in sorted(enrolled - bound):
            yield f"the policy enrols {place}, but {name} has no right to write there: {BIND}"
        for place in sorted(bound - enrolled):
            yield f"{name} may write in {place}, but the policy does not enrol it{home}: {UNBIND}"
