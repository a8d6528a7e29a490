"""The event of a storm: one event that describes many alerts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from function.dispatch.model import Level
from function.shared.event import STORM, SREEvent
from function.shared.strict_json import Json, to_json
from function.shared.text import cut

UNNAMED = "Storm"
"""The alertname of a storm whose group has no label `alertname`."""
EXAMPLES = 20
EXAMPLES_BYTES = 24 * 1024
"""The size limit of all examples as JSON. Examples and counts must fit into a prompt and into the event's
annotation, which have 64 KiB each."""
MAX_TEXT = 400
"""The maximum number of characters of a text in an example. With this limit one long text does not displace
the other examples."""
MAX_NAMES = 20
"""The maximum number of alert names, of namespaces and of group labels that are listed."""


def storm_event(
    identity: str,
    members: Sequence[SREEvent],
    group_labels: Mapping[str, str],
    unread: int,
    *,
    named: bool = True,
) -> SREEvent:
    """Returns the event that describes `members`. Their order does not matter.

    `unread` is the number of alerts in the storm that the policy did not evaluate. With `named=False` the
    event has only counts, and no text of a member.
    """
    shown = _distinct(members)
    spaces = {member.namespace for member in shown}
    namespace = spaces.pop() if named and len(spaces) == 1 else ""
    first = shown[0]
    return SREEvent(
        source=STORM,
        status="firing",
        identity=identity,
        severity="HIGH",  # the highest level that an alert can ask for, so it is never below a member's level
        alertname=cut(group_labels.get("alertname") or UNNAMED, MAX_TEXT),
        resource_type="",
        namespace=namespace,
        resource_id="",
        cluster=first.cluster,
        description=(f"[{namespace}] " if namespace else "") + f"{len(shown)} alerts at once in one group",
        starts_at=min(member.starts_at for member in shown),
        fingerprint="",
        group_key=first.group_key,
        namespaces=(namespace,) if namespace else (),
        identity_labels=dict(sorted(group_labels.items())[:MAX_NAMES]),
        raw_payload=_payload(shown, group_labels, unread, named),
        truncated=any(member.truncated for member in shown),
    )


def worst_first(alert: SREEvent) -> tuple[Any, ...]:
    """Returns a sort key from all fields of an alert that the prompt shows. So the order of a delivery does
    not change the prompt."""
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
    """Returns one alert for each identity. The worst alert is the first."""
    first: dict[str, SREEvent] = {}
    for member in sorted(members, key=worst_first):
        first.setdefault(member.identity, member)
    return list(first.values())


def _payload(members: Sequence[SREEvent], group_labels: Mapping[str, str], unread: int, named: bool) -> Json:
    counts: dict[str, Any] = {
        "alerts": len(members),
        "not_looked_at": unread,
        "by_severity": _most_frequent(member.severity for member in members),
    }
    group = {
        cut(name, MAX_TEXT): cut(value, MAX_TEXT) for name, value in sorted(group_labels.items())[:MAX_NAMES]
    }
    if not named:
        return {"group": group, "counts": counts}
    counts["by_alertname"] = _most_frequent(member.alertname for member in members)
    counts["by_namespace"] = _most_frequent(member.namespace for member in members)
    return {"group": group, "counts": counts, "examples": list(_examples(members))}


def _most_frequent(names: Iterable[str]) -> dict[str, int]:
    """Returns the most frequent names, each with its count."""
    counted = sorted(Counter(names).items(), key=lambda item: (-item[1], item[0]))
    return dict(counted[:MAX_NAMES])


def _examples(members: Sequence[SREEvent]) -> Iterator[Json]:
    """Yields the first members as examples, as long as they fit into EXAMPLES_BYTES."""
    room = EXAMPLES_BYTES
    for member in members[:EXAMPLES]:
        names = ("alertname", "severity", "namespace", "resource_type", "resource_id", "description")
        example = {name: cut(getattr(member, name), MAX_TEXT) for name in names}
        example["starts_at"] = member.starts_at.isoformat()
        size = len(to_json(example))
        if size <= room:
            room -= size
            yield example
