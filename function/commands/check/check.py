"""Is this installation usable? One row for each check.

In a cluster it runs with the function's settings and ServiceAccount, so that the rows about rights and
admission are true for the function. It reads three things that the function does not need: role bindings,
admission policies, and the models that the tiers name. knative/base/check.yaml grants that. `check` changes
nothing. A ServiceAccount of its own would need a worse right to tell the function's rights: to impersonate
it, or to ask for the rights of everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from function.commands.check.admission import admission_faults
from function.commands.check.context import context_rows
from function.commands.check.leftovers import REMEDY, leftover_faults
from function.commands.check.models import model_rows
from function.commands.check.policy import compared, known_questions, revision_of, same_revision
from function.commands.check.rights import (
    WHO_GRANTS,
    dangerous_rights,
    disagreements,
    enrolled_namespaces,
    missing_rights,
    writers,
)
from function.commands.check.rows import Row, row
from function.commands.check.tiers import decision_for, tier_grants, tier_row
from function.commands.check.webhook import address
from function.dispatch import policy_files, wiring
from function.dispatch.policy_files import PolicyFiles
from function.dispatch.settings import Settings
from function.shared.errors import DispatchError, Misconfigured

OTHER_POLICY = (
    "not checked, because OPA serves another policy: set SRE_DISPATCH_POLICIES to the bundle in OPA's image"
)


def check(environment: Mapping[str, str]) -> list[Row]:
    """Checks the settings in `environment`, then the policy by questions with known answers, then the source
    of context. If Jobs go to a cluster, it also checks the cluster; inside a cluster, also the webhook's
    address. Changes nothing."""
    try:
        settings = Settings.read(environment)
        policy = wiring.policy(settings)
        questions = known_questions(settings.policies / policy_files.SELFTEST)
        files = policy_files.read(settings.policies)
    except Misconfigured as error:
        return [Row("settings", passed=False, detail=str(error))]
    engine = f"OPA at {settings.opa_url}" if settings.policy == "opa" else "embedded engine"
    rows = [Row("settings", passed=True, detail=engine)]
    found: set[str] = set()
    for question in questions:
        try:
            answer = policy.ask(question["input"])
        except DispatchError as error:
            # The policy's default answer has no revision, so OPA's adapter refuses it. That is right here.
            blocked = error.code == "policy_revision" and not question["input"]
            detail = "refused as no decision" if blocked else str(error)
            rows.append(Row(f"policy: {question['title']}", passed=blocked, detail=detail))
            continue
        rows.append(compared(question, answer))
        found |= revision_of(answer)
    rows += [*same_revision(found, files.revision), *context_rows(settings)]
    if settings.jobs == "kubernetes":
        rows += _cluster(settings, files, found)
    if "KUBERNETES_SERVICE_HOST" in environment:
        rows.append(address(f"http://sre-dispatch.{settings.own_namespace}.svc"))
    return rows


def _cluster(settings: Settings, files: PolicyFiles, revisions: set[str]) -> Iterator[Row]:
    """Rows about the cluster. `revisions` are those that the policy's answers named."""
    from function.commands.check.cluster import ClusterAudit
    from function.shared.kubernetes import Api

    cluster = ClusterAudit(Api(), settings.agents_namespace)
    try:
        name, groups = cluster.who()
        grants = tier_grants(files)
    except DispatchError as error:
        yield Row("cluster", passed=False, detail=str(error))
        return
    yield Row("cluster", passed=True, detail=f"connected as {name}")
    yield row("rights: needed", "granted", missing_rights(cluster, settings))
    found = dangerous_rights(cluster, settings, {name, *groups})
    yield row("rights: dangerous", "none", found, WHO_GRANTS)
    for level, grant in grants.items():
        yield tier_row(cluster, settings, decision_for(level, grant, files.revision), grant)
    yield from model_rows(cluster, settings.root, grants.values(), datetime.now(UTC).date())
    is_served = revisions <= {files.revision}
    enrolled = enrolled_namespaces(settings, files)
    faults = disagreements(cluster, settings, writers(cluster, settings, grants), enrolled)
    if not is_served:
        faults = iter([OTHER_POLICY])
    yield row("enrolled namespaces", ", ".join(sorted(enrolled)) or "none", faults)
    yield row(
        "admission policies", "present, bound and enforcing", admission_faults(cluster, settings, grants)
    )
    if is_served:
        yield row("leftovers", "none", leftover_faults(cluster, settings, grants), REMEDY)
    else:  # it may have more tiers
        yield Row("leftovers", passed=False, detail=OTHER_POLICY)
