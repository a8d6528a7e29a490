from __future__ import annotations

from function.shared.facts import Happenings, Limits
from function.worldmodel.found import Found
from function.worldmodel.quotas import quota
from tests.worldmodel.cluster import Cluster, event, look, manifest, told


def test_a_quota_is_told_with_what_it_refused() -> None:
    hard = {"pods": "2"}
    of = manifest("ResourceQuota", "team", spec={"hard": hard}, status={"hard": hard, "used": {"pods": "2"}})
    refused = event("e1", "ReplicaSet/web", "2026-03-29T03:00:00Z", message="exceeded quota: team, requested")
    other = event("e2", "ReplicaSet/web", "2026-03-29T03:00:00Z", message="exceeded quota: team2, requested")
    found = quota(look(Cluster(of, refused, other)), "f3iai", "team")
    assert told(found, Limits).quotas[0].used == "2"
    assert len(told(found, Happenings).events) == 1


def test_a_quota_that_is_not_there_is_none() -> None:
    assert quota(look(Cluster()), "f3iai", "gone") == Found()
