"""Whether our ValidatingAdmissionPolicies exist, are bound and enforce."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from function.commands.check.rows import value_at
from function.dispatch.model import Grant
from function.dispatch.settings import Settings
from function.shared.event import LevelName
from function.shared.strict_json import Json

if TYPE_CHECKING:
    from function.commands.check.cluster import ClusterAudit


PER_TIER = "sre-dispatch-template"
"""The policy that has one binding for each tier. The binding is in the tier's file."""
POLICIES = ("sre-dispatch-shape", "sre-dispatch-remedies", "sre-dispatch-claims", "sre-dispatch-deployments")
"""The policies that have a single binding, which has the name of the policy."""
ADMISSION = "admissionregistration.k8s.io/v1"
APPLY_POLICIES = "apply knative/base and knative/tiers"


def admission_faults(
    cluster: ClusterAudit, settings: Settings, grants: Mapping[LevelName, Grant]
) -> Iterator[str]:
    for policy in (PER_TIER, *POLICIES):
        found = cluster.find(f"{ADMISSION}/validatingadmissionpolicies/{policy}")
        if found is None:
            yield f"there is no ValidatingAdmissionPolicy {policy}: {APPLY_POLICIES}"
        elif value_at(found, "spec", "failurePolicy") != "Fail":
            what = f"the policy {policy} has no failurePolicy Fail, so it admits what it cannot evaluate"
            yield f"{what}: {APPLY_POLICIES}"
    for policy in POLICIES:
        yield from _binding(cluster, policy, policy, None)
    for grant in grants.values():
        param = {
            "name": grant.template,
            "namespace": settings.agents_namespace,
            "parameterNotFoundAction": "Deny",
        }
        yield from _binding(cluster, f"{PER_TIER}-{grant.tier}", PER_TIER, param)


def _binding(cluster: ClusterAudit, name: str, policy: str, param: Json | None) -> Iterator[str]:
    """Yields what is wrong with the binding. It must have the action Deny, and `param` as its parameter."""
    found = cluster.find(f"{ADMISSION}/validatingadmissionpolicybindings/{name}")
    if found is None:
        yield f"there is no ValidatingAdmissionPolicyBinding {name}: {APPLY_POLICIES}"
        return
    if value_at(found, "spec", "policyName") != policy or value_at(found, "spec", "paramRef") != param:
        yield f"the binding {name} has another policy than {policy}, or another parameter: {APPLY_POLICIES}"
    if "Deny" not in (value_at(found, "spec", "validationActions") or ()):
        yield f"the binding {name} has no action Deny, so it refuses nothing: {APPLY_POLICIES}"
