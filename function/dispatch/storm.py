"""Delivery and the Jobs there are -> which alerts share one Job; those that do -> the event of that Job.

Many new alerts of one group at once are seldom as many problems: an agent for each would find the same
cause, in as many reports as nobody reads. Here they become one event, which goes the way of any other from
then on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from function.dispatch.model import DeadLetter, Delivery, JobStatus, Level, Result
from function.shared.event import STORM, SREEvent, digest, job_name
from function.shared.strict_json import Json, to_json
from function.shared.text import cut

FOLD_ABOVE = 20
"""New problems of one group and cluster in a delivery, beyond which they share a Job. As many agents as the
shipped policy lets start within an hour: each for itself, the others would come back for hours."""

UNNAMED = "Storm"
"""The alertname of a storm whose group has none."""

EXAMPLES = 20
EXAMPLES_BYTES = 24 * 1024
"""Of the examples as JSON, so that they and the counts stand whole in a prompt and in the event's annotation,
which hold 64 KiB."""
MAX_TEXT = 400
"""Characters of each text in the examples: one long text leaves room for the others."""
MAX_NAMES = 20
"""Alert names, namespaces and group labels that are told; what is left out is the rest of the sum."""


@dataclass(frozen=True)
class Storm:
    """Alerts of one group on one cluster that share a Job, the worst first."""

    identity: str
    alerts: tuple[SREEvent, ...]


def identify(cluster: str, group_labels: Mapping[str, str]) -> str:
    """SHA-256 in hex of the group on its cluster; the same in every delivery of the group.

    Of an even number of parts, where the identity of an alert has an odd one: no alert can take a storm's.
    """
    return digest(cluster, STORM, *(part for pair in sorted(group_labels.items()) for part in pair))


def gather(
    delivery: Delivery, jobs: Mapping[str, JobStatus]
) -> tuple[list[Storm], list[SREEvent | DeadLetter]]:
    """The storms of a delivery, given the Jobs by name, and the alerts that are in none.

    A delivery is one group, so it has at most one storm a cluster. Counted by cluster, a storm's identity
    hangs on no neighbour, and its agent, which sees one cluster, is told of that one alone.
    """
    new: defaultdict[str, list[SREEvent]] = defaultdict(list)
    for alert in delivery.firing:
        if alert.job not in jobs:
            new[alert.cluster].append(alert)
    storms = []
    for cluster, alerts in sorted(new.items()):
        identity = identify(cluster, delivery.group_labels)
        if folded := _folded(alerts, jobs.get(job_name(identity))):
            storms.append(Storm(identity, tuple(sorted(folded, key=_worst_first))))
    inside = {alert.identity for storm in storms for alert in storm.alerts}
    return storms, [alert for alert in delivery.alerts if not _is_inside(alert, inside)]


def event(
    storm: Storm,
    members: Sequence[SREEvent],
    group_labels: Mapping[str, str],
    unread: int,
    *,
    named: bool = True,
) -> SREEvent:
    """The event of the storm's Job, which tells of `members` alone, in whatever order these come; `unread` is
    how many alerts nobody looked at. Not `named`, it tells no word of a member's: only how many there are.
    """
    shown = _distinct(members)
    spaces = {member.namespace for member in shown}
    namespace = spaces.pop() if named and len(spaces) == 1 else ""
    first = shown[0]
    return SREEvent(
        source=STORM,
        status="firing",
        identity=storm.identity,
        severity="HIGH",  # the highest that an alert can ask for, and so never below that of a member
        alertname=cut(group_labels.get("alertname") or UNNAMED, MAX_TEXT),
        resource_type="",
        namespace=namespace,
        resource_id="",
        cluster=first.cluster,
        description=(f"[{namespace}] " if namespace else "") + f"{len(shown)} alerts at once in one group",
        starts_at=min(member.starts_at for member in shown),
        fingerprint="",
        group_key=first.group_key,
        namespace_label=namespace,
        raw_payload=_told(shown, group_labels, unread, named),
        truncated=any(member.truncated for member in shown),
    )


def notices(results: Iterable[Result]) -> list[Result]:
    """What people are told of a delivery: one notice of all that share a Job, and of more than FOLD_ABOVE
    that ended alike, with how many they are; of each other alert one of its own."""
    alike: defaultdict[tuple[str, str, str], list[Result]] = defaultdict(list)
    for result in results:
        alike[result.outcome, result.code, result.job].append(result)
    told: list[Result] = []
    for (_, _, job), group in alike.items():
        alerts = sum(not _is_storm(result.alert) for result in group)
        told += [replace(group[0], alerts=alerts)] if job or alerts > FOLD_ABOVE else group
    return told


def _folded(new: Sequence[SREEvent], job: JobStatus | None) -> Sequence[SREEvent]:
    """Of new alerts those that share the Job: all that began before it was made, and the later ones too where
    these alone are a storm."""
    began: dict[str, Any] = {}
    for alert in new:
        began[alert.identity] = min(alert.starts_at, began.get(alert.identity, alert.starts_at))
    later = {identity for identity, at in began.items() if job is None or at > job.created_at}
    if len(later) > FOLD_ABOVE:
        return new
    return [alert for alert in new if alert.identity not in later]


def _worst_first(alert: SREEvent) -> tuple[Any, ...]:
    """Total over what is told of an alert, so that no order of a delivery shows in a prompt."""
    where = (alert.namespace, alert.resource_type, alert.resource_id)
    return (
        -Level[alert.severity],
        alert.alertname,
        *where,
        alert.identity,
        alert.starts_at,
        alert.description,
    )


def _distinct(members: Sequence[SREEvent]) -> list[SREEvent]:
    """One alert a problem, the worst first."""
    first: dict[str, SREEvent] = {}
    for member in sorted(members, key=_worst_first):
        first.setdefault(member.identity, member)
    return list(first.values())


def _told(members: Sequence[SREEvent], group_labels: Mapping[str, str], unread: int, named: bool) -> Json:
    counts: dict[str, Any] = {
        "alerts": len(members),
        "not_looked_at": unread,
        "by_severity": _counted(member.severity for member in members),
    }
    group = {
        cut(name, MAX_TEXT): cut(value, MAX_TEXT) for name, value in sorted(group_labels.items())[:MAX_NAMES]
    }
    if not named:
        return {"group": group, "counts": counts}
    counts["by_alertname"] = _counted(member.alertname for member in members)
    counts["by_namespace"] = _counted(member.namespace for member in members)
    return {"group": group, "counts": counts, "examples": list(_examples(members))}


def _counted(names: Iterable[str]) -> dict[str, int]:
    """How often each name is there, for the most frequent ones."""
    counted = sorted(Counter(names).items(), key=lambda item: (-item[1], item[0]))
    return dict(counted[:MAX_NAMES])


def _examples(members: Sequence[SREEvent]) -> Iterator[Json]:
    """Of the worst as many as fit."""
    room = EXAMPLES_BYTES
    for member in members[:EXAMPLES]:
        names = ("alertname", "severity", "namespace", "resource_type", "resource_id", "description")
        example = {name: cut(getattr(member, name), MAX_TEXT) for name in names}
        example["starts_at"] = member.starts_at.isoformat()
        size = len(to_json(example))
        if size <= room:
            room -= size
            yield example


def _is_inside(alert: SREEvent | DeadLetter, identities: set[str]) -> bool:
    return isinstance(alert, SREEvent) and alert.status == "firing" and alert.identity in identities


def _is_storm(alert: SREEvent | DeadLetter) -> bool:
    return isinstance(alert, SREEvent) and alert.source == STORM
