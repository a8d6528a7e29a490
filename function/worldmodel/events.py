"""Kubernetes Events as facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from function.shared.facts import Happening, Happenings
from function.shared.text import ago, cut, cut_middle
from function.worldmodel import objects
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look

MAX_EVENTS = 10
NODES = "default"
"""The namespace of the Events about Nodes."""


def events(look: Look, kind: str, name: str, namespace: str) -> Callable[[], Sequence[Object]]:
    """Requests the Events about an object. Returns a function that waits for them."""
    about = f"involvedObject.kind={kind},involvedObject.name={name}"
    return look.list("Event", namespace, fields=about)


def happenings(found: Iterable[Object], now: float) -> Happenings:
    """Returns the newest Events. The text of an Event is untrusted, because anybody who may create Events can
    write the text."""
    newest_first = sorted(found, key=_last, reverse=True)
    shown = [_happening(event, now) for event in newest_first[:MAX_EVENTS]]
    return Happenings(tuple(shown), more=max(0, len(newest_first) - MAX_EVENTS))


def _happening(event: Object, now: float) -> Happening:
    about = event.get("involvedObject") or {}
    return Happening(
        subject=cut(f"{about.get('kind', '')}/{about.get('name', '')}"),
        type=cut(event.get("type") or ""),
        reason=cut(event.get("reason") or ""),
        message=cut_middle(event.get("message") or ""),
        count=event.get("count") or (event.get("series") or {}).get("count") or 1,
        ago=ago(now - _last(event)),
    )


def _last(event: Object) -> float:
    """Returns the last time of the Event, in seconds since the epoch."""
    series = (event.get("series") or {}).get("lastObservedTime")
    times = (series, event.get("lastTimestamp"), event.get("eventTime"))
    return max((objects.seconds(time) for time in times if time), default=objects.created(event))
