"""Who is bound to which role, in the whole cluster."""

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
    """Empty for a ClusterRoleBinding."""
    role: str
    """The ClusterRole, or empty for a Role."""
    holders: frozenset[str]
    """Users and groups as the API server names them."""

    @property
    def place(self) -> str:
        return self.namespace or EVERYWHERE


def bindings(cluster: ClusterAudit) -> Iterator[Binding]:
    """Raises Unavailable."""
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
    """The ServiceAccount as the API server names it."""
    return f"system:serviceaccount:{namespace}:{name}"


def _holder(subject: Json) -> str:
    if subject.get("kind") == "ServiceAccount":
        return account(subject.get("namespace", ""), subject.get("name", ""))
    return str(subject.get("name"))
