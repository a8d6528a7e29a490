"""What is no tier's is found wherever it is, and what others have is none of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from function.commands.check.cluster import ClusterAudit
from function.commands.check.leftovers import leftover_faults
from function.dispatch.model import Grant
from function.dispatch.settings import Settings
from function.shared.errors import Unavailable
from function.shared.event import LevelName
from function.shared.kubernetes import Answer

GRANTS: Mapping[LevelName, Grant] = {
    "LOW": Grant("acts", "autonomous", "sre-agent-acts"),
    "HIGH": Grant("looks", "investigate", "sre-agent-looks"),
}
SETTINGS = Settings.read(
    {"SRE_DISPATCH_AUTH": "none", "HOST": "127.0.0.1", "SRE_DISPATCH_POLICY": "embedded"}
)
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ADMISSION = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
CRONJOBS = "/apis/batch/v1/namespaces/sre-agents/cronjobs"
ACCOUNTS = "/api/v1/namespaces/sre-agents/serviceaccounts"
SELECTED = {"labelSelector": "app.kubernetes.io/part-of=sre-dispatch,sre-dispatch/tier"}


class Server:
    """An API server with these listings, by their paths; all others are empty, and objects are not there."""

    def __init__(self, listings: Mapping[str, list[Any]], status: int = 200) -> None:
        self.listings, self.status = listings, status
        self.selected: dict[str, Any] = {}

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        assert method == "GET"
        self.selected[path] = options.get("query")
        if path.startswith(f"{CRONJOBS}/"):
            return Answer(404, {})
        return Answer(self.status, {"items": self.listings.get(path, [])})


def faults(server: Server) -> list[str]:
    return list(leftover_faults(ClusterAudit(server, "sre-agents"), SETTINGS, GRANTS))  # type: ignore[arg-type]


def of_tier(name: str, tier: str) -> Any:
    return {"metadata": {"name": name, "labels": {"sre-dispatch/tier": tier}}}


def binding(role: str, *accounts: str, namespace: str = "shop") -> Any:
    subjects = [
        {"kind": "ServiceAccount", "namespace": each.split(":")[0], "name": each.split(":")[1]}
        for each in accounts
    ]
    metadata = {"name": "theirs"} | ({"namespace": namespace} if namespace else {})
    return {
        "metadata": metadata,
        "roleRef": {"kind": "ClusterRole", "name": role},
        "subjects": subjects,
    }


def test_an_installation_without_leftovers_has_no_fault() -> None:
    own = [of_tier("sre-agent-acts", "acts"), of_tier("sre-agent-looks", "looks")]
    bound = [binding("sre-agent-grow-claims", "sre-agents:sre-agent-acts")]
    server = Server({ADMISSION: own, CRONJOBS: own, ACCOUNTS: own, f"{RBAC}/rolebindings": bound})
    assert faults(server) == []
    assert {path: server.selected[path] for path in (ADMISSION, CRONJOBS, ACCOUNTS)} == dict.fromkeys(
        (ADMISSION, CRONJOBS, ACCOUNTS), SELECTED
    )


def test_what_belongs_to_no_tier_is_named_with_the_command_that_deletes_it() -> None:
    old = [of_tier("sre-agent-acts", "acts"), of_tier("sre-agent-old", "old"), of_tier("sre-agent-b", "b")]
    bindings = [of_tier("sre-dispatch-template-old", "old")]
    assert faults(Server({ADMISSION: bindings, CRONJOBS: old, ACCOUNTS: old})) == [
        "bindings of admission policies of no tier: "
        "run `kubectl delete validatingadmissionpolicybinding sre-dispatch-template-old`",
        "templates of no tier: run `kubectl -n sre-agents delete cronjob sre-agent-old sre-agent-b`",
        "accounts of no tier: "
        "run `kubectl -n sre-agents delete configmap,serviceaccount sre-agent-old sre-agent-b`",
    ]


@pytest.mark.parametrize("role", ["sre-agent-grow-claims", "sre-agent-reading", "view"])
def test_an_account_that_no_tier_uses_keeps_no_binding(role: str) -> None:
    server = Server(
        {
            f"{RBAC}/rolebindings": [binding(role, "sre-agents:sre-agent-old")],
            f"{RBAC}/clusterrolebindings": [binding(role, "sre-agents:sre-agent-old", namespace="")],
        }
    )
    assert faults(server) == [
        "rights in shop of accounts that no tier uses (sre-agent-old): "
        "run `kubectl -n shop delete rolebinding theirs`",
        "rights in every namespace (by a ClusterRoleBinding) of accounts that no tier uses (sre-agent-old): "
        "run `kubectl delete clusterrolebinding theirs`",
    ]


def test_a_binding_that_a_tier_shares_is_not_to_be_deleted() -> None:
    shared = binding("sre-agent-grow-claims", "sre-agents:sre-agent-acts", "sre-agents:sre-agent-old")
    assert faults(Server({f"{RBAC}/rolebindings": [shared]})) == [
        "rights in shop of accounts that no tier uses (sre-agent-old): "
        "remove the subject with `kubectl -n shop edit rolebinding theirs`"
    ]


def test_any_account_among_the_agents_that_may_write_is_a_tiers() -> None:
    (fault,) = faults(
        Server({f"{RBAC}/rolebindings": [binding("sre-agent-grow-claims", "sre-agents:default")]})
    )
    assert fault.startswith("rights in shop of accounts that no tier uses (default)")


@pytest.mark.parametrize(
    "theirs",
    [
        binding("view", "sre-agents:builder"),
        binding("sre-agent-grow-claims", "carts:sre-agent-old"),
        binding("view", "f3iai:sre-dispatch"),
        {"metadata": {"name": "theirs", "namespace": "shop"}, "roleRef": {"kind": "Role", "name": "view"}},
    ],
)
def test_what_others_are_bound_to_is_no_leftover(theirs: Any) -> None:
    assert faults(Server({f"{RBAC}/rolebindings": [theirs]})) == []


def test_what_may_not_be_listed_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="may not"):
        faults(Server({}, status=403))
