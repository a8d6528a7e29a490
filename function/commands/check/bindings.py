"""The role bindings of the whole cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from function.commands.check.rows import value_at
from function.shared.strict_json import Json

if TYPE_CHECKING:
    from function.commands.check.cluster import ClusterAudit

REMEDIES = frozenset({"sre-agent-grow-claims", "sre-agent-scale-deployments"})
"""The ClusterRoles of knative/base/ceilings.yaml. A RoleBinding to one of them enrols a namespace."""
EVERYWHERE = "every namespace (by a ClusterRoleBinding)"


@dataclass(frozen=True)
class Binding:
    name: str
    namespace: str
    """The namespace of a RoleBinding. It is empty for a ClusterRoleBinding."""
    role: str
    """The name of the ClusterRole. It is empty if the binding refers to a Role."""
    holders: frozenset[str]
    """The users and groups that have the role, with the names that the API server uses."""

    @property
    def place(self) -> str:
        return self.namespace or EVERYWHERE


def bindings(cluster: ClusterAudit) -> Iterator[Binding]:
    """Yields all role bindings of the cluster. Raises Unavailable."""
    for kind in ("rolebindings", "clusterrolebindings"):
        for each in value_at(cluster.find(f"rbac.authorization.k8s.io/v1/{kind}"), "items") or ():
            is_cluster_role = value_at(each, "roleRef", "kind") == "ClusterRole"
            yield Binding(
                name=value_at(each, "metadata", "name") or "",
                namespace=value_at(each, "metadata", "namespace") or "",
                role=value_at(each, "roleRef", "name") if is_cluster_role else "",
                holders=frozenset(_holder(subject) for subject in each.get("subjects") or ()),
            )


def account(namespace: str, name: str) -> str:
    """Returns the username that the API server uses for the ServiceAccount."""
    return f"system:serviceaccount:{namespace}:{name}"


def _holder(subject: Json) -> str:
    if subject.get("kind") == "ServiceAccount":
        return account(subject.get("namespace", ""), subject.get("name", ""))
    return str(subject.get("name"))
