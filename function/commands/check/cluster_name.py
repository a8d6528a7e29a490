"""Checks whether the cluster has a name where its tickets or merge requests could be another cluster's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from function.commands.check.cluster import ClusterAudit
from function.commands.check.rows import Row, row
from function.dispatch.model import Grant
from function.dispatch.settings import Settings
from function.shared.errors import Misconfigured
from function.shared.strict_json import Json

NAME = "cluster name"
SHARED = (
    "SRE_DISPATCH_CLUSTER is empty, so the agents of {} would share tickets and merge requests with every "
    "other cluster without a name: set the name in cluster.yaml of your overlay, and apply the overlay "
    "(knative/overlays/production has an example)"
)


@dataclass(frozen=True)
class _Reporting:
    """The fields of report.json that name a Jira and repositories."""

    jira: Mapping[str, Any] | None = None
    repositories: tuple[Mapping[str, Any], ...] = ()


def cluster_name_row(cluster: ClusterAudit, settings: Settings, grants: Iterable[Grant]) -> Row:
    """Returns the row about SRE_DISPATCH_CLUSTER. It fails if the setting is empty and a tier writes tickets
    or merge requests. It fails too if a tier's report.json cannot be read."""
    if settings.cluster:
        return Row(NAME, passed=True, detail=settings.cluster)
    return row(NAME, "none, and no tier writes tickets or merge requests", _faults(cluster, grants))


def _faults(cluster: ClusterAudit, grants: Iterable[Grant]) -> Iterator[str]:
    shared = [grant.tier for grant in grants if _is_shared(cluster.config_map(grant.template), grant)]
    if shared:
        yield SHARED.format(", ".join(shared))


def _is_shared(config: Json | None, grant: Grant) -> bool:
    """Returns whether the tier writes tickets or merge requests. Raises Misconfigured."""
    try:
        text = ((config or {}).get("data") or {}).get("report.json", "")
        reporting = TypeAdapter(_Reporting).validate_json(text)
    except ValidationError:
        raise Misconfigured(
            f"SRE_DISPATCH_CLUSTER is empty, and the ConfigMap {grant.template} has no report.json that can "
            "be read: set the cluster's name, and apply knative/tiers"
        ) from None
    return reporting.jira is not None or bool(reporting.repositories)
