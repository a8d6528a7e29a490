"""The event of a storm: one event that describes many alerts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from function.dispatch.model import Level
from function.shared.event import STORM, SREEvent
from function.shared.strict_json import Json, to_json
from function.shared.text import cut

UNNAMED = "Storm"
"""The alertname of a storm whose group has no label `alertname`."""
EXAMPLES = 20
EXAMPLES_BYTES = 16 * 1024
"""The size limit of all examples as JSON. Examples, list and counts must fit into a prompt and into the
event's annotation, which have 64 KiB each."""
LISTED_BYTES = 16 * 1024
"""The size limit of the list of the other alerts."""
MAX_TEXT = 400
"""The maximum number of characters of a text in an example. With this limit one long text does not displace
the other examples."""
MAX_LINE = 200
"""The maximum number of characters for an alert in the list."""
MIN_ROOM = 40
"""The number of bytes below which no further alert is tried."""
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
        severity_known=True,
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
        charged_to=_charged_to(shown),
        identity_labels=dict(sorted(group_labels.items())[:MAX_NAMES]),
        raw_payload=_payload(shown, group_labels, unread, named),
        truncated=any(member.truncated for member in shown),
    )


def worst_first(alert: SREEvent) -> tuple[Any, ...]:
    """Returns a sort key from all fields of an alert that the prompt shows. So the order of a delivery does
    not change the prompt.

    An unknown severity asks for HIGH too. It goes last, so that nobody gets ahead of others by it."""
    where = (alert.namespace, alert.resource_type, alert.resource_id)
    return (
        not alert.severity_known,
        -Level[alert.severity],
        alert.alertname,
        *where,
        alert.identity,
        alert.starts_at,
        alert.description,
    )


def _charged_to(members: Sequence[SREEvent]) -> str:
    """Returns the namespace to which most members are charged."""
    return Counter(sorted(member.charged_to for member in members)).most_common(1)[0][0]


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
    shown = _shown(members)
    counts["not_listed"] = len(members) - len(shown.examples) - len(shown.others)
    examples, others = [_example(member) for member in shown.examples], [_line(each) for each in shown.others]
    return {"group": group, "counts": counts, "examples": examples, "others": others}


def not_listed(members: Sequence[SREEvent]) -> frozenset[str]:
    """Returns the identities of the members that the prompt neither shows nor lists."""
    distinct = _distinct(members)
    shown = _shown(distinct)
    listed = {member.identity for member in (*shown.examples, *shown.others)}
    return frozenset(member.identity for member in distinct) - listed


@dataclass(frozen=True)
class _Shown:
    """The members that a storm's event shows with their texts, and those that it only lists by name."""

    examples: Sequence[SREEvent]
    others: Sequence[SREEvent]


def _shown(members: Sequence[SREEvent]) -> _Shown:
    """Chooses the members that fit. One member of each severity, alertname and namespace goes before a second
    one, so that many alerts of one kind hide no other kind."""
    kinds: Counter[tuple[str, str, str]] = Counter()
    rounds = []
    for place, member in enumerate(members):
        kind = (member.severity, member.alertname, member.namespace)
        rounds.append((kinds[kind], place))
        kinds[kind] += 1
    ordered = [members[place] for _, place in sorted(rounds)]
    examples = _fitting(ordered[:EXAMPLES], _example, EXAMPLES_BYTES)
    chosen = {member.identity for member in examples}
    rest = [member for member in ordered if member.identity not in chosen]
    return _Shown(examples, _fitting(rest, _line, LISTED_BYTES))


def _fitting(members: Iterable[SREEvent], show: Callable[[SREEvent], object], room: int) -> list[SREEvent]:
    """Returns the first members whose JSON fits into the room, in bytes."""
    fitting = []
    for member in members:
        size = len(to_json(show(member))) + 1
        if size <= room:
            room -= size
            fitting.append(member)
        elif room < MIN_ROOM:
            break
    return fitting


def _line(member: SREEvent) -> str:
    where = "/".join(filter(None, (member.namespace, member.resource_id)))
    parts = [f"{name}={value}" for name, value in member.identity_labels.items()]
    return cut(" ".join(filter(None, (member.severity, member.alertname, where, *parts))), MAX_LINE)


def _most_frequent(names: Iterable[str]) -> dict[str, int]:
    """Returns the most frequent names, each with its count."""
    counted = sorted(Counter(names).items(), key=lambda item: (-item[1], item[0]))
    return dict(counted[:MAX_NAMES])


def _example(member: SREEvent) -> Json:
    names = ("alertname", "severity", "namespace", "resource_type", "resource_id", "description")
    example = {name: cut(getattr(member, name), MAX_TEXT) for name in names}
    return example | {"starts_at": member.starts_at.isoformat()}
