from __future__ import annotations

from typing import Any

from function.commands.check.bindings import Binding, account, bindings
from function.commands.check.cluster import ClusterAudit
from function.shared.kubernetes import Answer

PAGE = {
    "rolebindings": [
        {
            "metadata": {"name": "grow", "namespace": "shop"},
            "roleRef": {"kind": "ClusterRole", "name": "sre-agent-grow-claims"},
            "subjects": [
                {"kind": "ServiceAccount", "namespace": "sre-agents", "name": "one"},
                {"kind": "User", "name": "jane"},
            ],
        },
        {"metadata": {"name": "empty", "namespace": "shop"}, "roleRef": {"kind": "Role", "name": "own"}},
    ],
    "clusterrolebindings": [
        {
            "metadata": {"name": "all"},
            "roleRef": {"kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "Group", "name": "system:authenticated"}],
        }
    ],
}


class Server:
    """An API server with these bindings."""

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        return Answer(200, {"items": PAGE[path.rpartition("/")[2]]})


def test_each_binding_has_its_place_its_role_and_whom_it_is_for() -> None:
    found = list(bindings(ClusterAudit(Server(), "sre-agents")))  # type: ignore[arg-type]
    holders = frozenset({account("sre-agents", "one"), "jane"})
    assert found == [
        Binding("grow", "shop", "sre-agent-grow-claims", holders),
        Binding("empty", "shop", "", frozenset()),
        Binding("all", "", "view", frozenset({"system:authenticated"})),
    ]
    assert [each.place for each in found] == ["shop", "shop", "every namespace (by a ClusterRoleBinding)"]
