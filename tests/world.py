"""A small sample world: the incident's cluster as a world model told of it that morning, and the crash that
went before. It fills the file that a world model keeps, so that a laptop needs neither server nor cluster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from function.shared.facts import (
    Change,
    Changes,
    Context,
    Dependent,
    Dependents,
    DependsOn,
    DisruptionBudget,
    Governance,
    Growth,
    Happening,
    Happenings,
    Limits,
    Note,
    Quota,
    Reference,
    State,
    Storage,
    Usage,
    fact,
)
from function.shared.memory import Store
from function.shared.resource import Resource
from function.shared.runs import Run

CLAIM = Resource("", "k8s_pvc", "f3iai", "typedb-data")
HOURS_LEFT = 99.2


def fill(store: Store, now: datetime) -> None:
    """As if the world model had been asked about the claim at `now`."""
    store.remember(CLAIM, context(now), {"requested storage": "20Gi", "capacity": "20Gi"})
    store.record(crash(now))


def context(now: datetime) -> Context:
    full_at = (now + timedelta(hours=HOURS_LEFT)).strftime("%Y-%m-%dT%H:%MZ")
    database = Dependent("StatefulSet", "typedb", "f3iai", "mounts it, and stops when it is full")
    told = (
        State(
            "Bound",
            {
                "made": "212 days ago",
                "requested": "20Gi",
                "capacity": "20Gi",
                "mounted_by": ("typedb-0 on fmc-worker-2",),
                "containers": ("typedb-0 typedb: running, 2 restarts, last ended by Error",),
            },
        ),
        Usage("volume", 15.04, 20.0, 75.2, 0.08392),
        Growth(0.05, 0.05, HOURS_LEFT, full_at),
        Storage(
            "ceph-rbd", "rook-ceph.rbd.csi.ceph.com", True, ("ReadWriteOnce",), "pvc-5b1d", "Delete", "100Gi"
        ),
        Dependents(2, (database, Dependent("Service", "typedb", "f3iai", "leads to its pods"))),
        Governance("internal", ("autonomous", "merge-request", "investigate")),
        Limits((Quota("storage", "requests.storage", "120Gi", "500Gi"),), (DisruptionBudget("typedb", 0),)),
        Happenings(
            (
                Happening(
                    "Pod/typedb-0",
                    "Warning",
                    "BackOff",
                    "Back-off restarting failed container typedb",
                    7,
                    "40 minutes ago",
                ),
            )
        ),
        Changes((Change("the newest revision of StatefulSet typedb was made (3 are kept)", "19 days ago"),)),
        DependsOn(
            (
                Reference("PersistentVolume", "pvc-5b1d"),
                Reference("StorageClass", "ceph-rbd"),
                Reference("Node", "fmc-worker-2"),
            )
        ),
        Note("write-ahead log", "962 files of up to 16 MiB; no checkpoint was written for weeks"),
    )
    return Context(tuple(fact(each, "sample") for each in told))


def crash(now: datetime) -> Run:
    """What happened when nobody was warned."""
    return Run(
        session="the-incident",
        at=(now - timedelta(days=40)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        resource_type=CLAIM.resource_type,
        namespace=CLAIM.namespace,
        resource_id=CLAIM.resource_id,
        alertname="PVCUsageCritical",
        status="mitigated",
        action="a person moved the data to a larger volume and replayed the log there, which took four hours",
        verification="cleared",
        confidence=1.0,
        root_cause="20Gi filled with 962 write-ahead log files; typedb crashed and had no space to recover",
    )
