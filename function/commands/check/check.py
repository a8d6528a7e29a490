"""Is this installation usable? Each answer as a row that a person can read.

In a cluster it runs as the function does: with its settings, and with its ServiceAccount, so that what is
told of rights and admission is true of the function. Three things it has to read that the function need not:
who is bound to what, which admission policies are in force, and which models the tiers name.
knative/base/check.yaml grants that to the same ServiceAccount. `check` changes nothing, and of what it reads
it shows no content but those models' names. A ServiceAccount of its own would spare the function these
rights, and could tell nothing of the function's own without a worse one: to impersonate it, or to ask for
the rights of everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from function.commands.check.admission import admission_faults
from function.commands.check.context import context_rows
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
    "cannot be told, for OPA serves another policy: set SRE_DISPATCH_POLICIES to the bundle in OPA's image"
)


def check(environment: Mapping[str, str]) -> list[Row]:
    """The settings in `environment`; the policy that they choose, by questions whose answer is known; and,
    where Jobs go to a cluster, what that must hold. Nothing is changed. Rows about a cluster are absent where
    the settings name none; the webhook's address is looked at from inside one only."""
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
            # What the policy says by default has no revision, so OPA's adapter takes it for no decision.
            blocked = error.code == "policy_revision" and not question["input"]
            detail = "it is no decision" if blocked else str(error)
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
    """What the cluster must hold and refuse; `revisions` are those of the policy that answered."""
    from function.commands.check.cluster import ClusterAudit
    from function.shared.kubernetes import Api

    cluster = ClusterAudit(Api(), settings.agents_namespace)
    try:
        name, groups = cluster.who()
        grants = tier_grants(files)
    except DispatchError as error:
        yield Row("cluster", passed=False, detail=str(error))
        return
    yield Row("cluster", passed=True, detail=f"asked as {name}")
    yield row("rights: what it must", "it may", missing_rights(cluster, settings))
    found = dangerous_rights(cluster, settings, {name, *groups})
    yield row("rights: nothing dangerous", "it may not", found, WHO_GRANTS)
    for level, grant in grants.items():
        yield tier_row(cluster, settings, decision_for(level, grant, files.revision), grant)
    yield from model_rows(cluster, settings.root, grants.values(), datetime.now(UTC).date())
    enrolled = enrolled_namespaces(settings, files)
    faults = disagreements(cluster, settings, writers(cluster, settings, grants), enrolled)
    if not revisions <= {files.revision}:
        faults = iter([OTHER_POLICY])
    yield row("enrolled namespaces", ", ".join(sorted(enrolled)) or "none", faults)
    yield row("admission policies", "each refuses", admission_faults(cluster, settings, grants))
