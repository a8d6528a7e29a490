"""`sre-dispatch check`: it makes one row for each check of an installation.

In a cluster `check` runs with the function's settings and ServiceAccount. So the rows about rights and
admission are true for the function. `check` reads three kinds of objects that the function does not need:
role bindings, admission policies, and the tiers' ConfigMaps. knative/base/check.yaml grants these rights.
`check` changes nothing. With a ServiceAccount of its own, `check` would need a more dangerous right: to
impersonate the function's account, or to read the rights of every account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from function.commands.check.admission import admission_faults
from function.commands.check.cluster_name import cluster_name_row
from function.commands.check.context import context_rows
from function.commands.check.images import image_rows
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
    """Checks the settings in `environment`, then the policy with inputs whose decisions are known, then the
    source of context. If the function creates Jobs in a cluster, this checks the cluster too. If it runs
    inside a cluster, it checks the webhook's address too. It changes nothing."""
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
            # The policy's default answer has no revision, so OPA's adapter must refuse it.
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
    """Yields the rows about the cluster. `revisions` are the revisions in the policy's answers."""
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
    yield cluster_name_row(cluster, settings, grants.values())
    yield row("rights: needed", "granted", missing_rights(cluster, settings))
    found = dangerous_rights(cluster, settings, {name, *groups})
    yield row("rights: dangerous", "none", found, WHO_GRANTS)
    for level, grant in grants.items():
        yield tier_row(cluster, settings, decision_for(level, grant, files.revision), grant)
    yield from model_rows(cluster, settings.root, grants.values(), datetime.now(UTC).date())
    yield from image_rows(cluster, settings, grants.values())
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
    else:  # the policy that OPA serves may have more tiers
        yield Row("leftovers", passed=False, detail=OTHER_POLICY)
