"""What was read about one resource."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from function.shared.facts import MAX_LIST, Change, Fact, State, fact
from function.shared.text import ago, cut
from function.worldmodel import objects
from function.worldmodel.objects import Object

SOURCE = "kubernetes"


@dataclass
class Found:
    facts: list[Fact] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    watched: dict[str, str] = field(default_factory=dict)
    """Values whose changes from one reading to the next are remembered."""
    exists: bool = False

    def add(self, *contents: object) -> None:
        """Adds facts whose source is Kubernetes."""
        self.facts += [fact(content, SOURCE) for content in contents]


def state(of: Object, now: float, status: str, **details: object) -> State:
    """The state of an object, with those details that have a value."""
    shown: dict[str, Any] = {"made": ago(now - objects.created(of)), **details}
    shown["conditions"] = objects.conditions(of)
    shown["being_deleted"] = "deletionTimestamp" in of["metadata"] or None
    return State(cut(status), {name: _detail(value) for name, value in shown.items() if _has_value(value)})


def _has_value(value: object) -> bool:
    return value is not None and value not in ([], "")


def _detail(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(cut(each) for each in few(value))
    return cut(value) if isinstance(value, str) else value


def few(texts: list[str]) -> list[str]:
    """At most MAX_LIST texts. If there are more, the last one says how many."""
    if len(texts) <= MAX_LIST:
        return texts
    return [*texts[: MAX_LIST - 1], f"and {len(texts) - MAX_LIST + 1} more"]
