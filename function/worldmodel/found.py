"""The result of reading one resource."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from function.shared.fact_fields import MAX_LIST
from function.shared.facts import Change, Fact, State, fact
from function.shared.text import ago, cut_middle
from function.worldmodel import objects
from function.worldmodel.objects import Object

SOURCE = "kubernetes"


@dataclass
class Found:
    facts: list[Fact] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    watched: dict[str, str] = field(default_factory=dict)
    """Values of the resource. The memory stores the changes of these values from one reading to the next."""
    exists: bool = False
    namespace: str = ""
    """Where to look for what else is ill, if the resource itself is in no namespace."""

    def extend(self, other: Found) -> None:
        """Adds the facts and changes of another reading."""
        self.facts += other.facts
        self.changes += other.changes

    def add(self, *contents: object) -> None:
        """Adds facts from Kubernetes."""
        self.facts += [fact(content, SOURCE) for content in contents]


def state(of: Object, now: float, status: str, **details: object) -> State:
    """Returns the state of an object. Details without a value are left out."""
    shown: dict[str, Any] = {"made": ago(now - objects.created(of)), **details}
    shown["conditions"] = objects.conditions(of)
    shown["being_deleted"] = "deletionTimestamp" in of["metadata"] or None
    return State(
        cut_middle(status), {name: _detail(value) for name, value in shown.items() if _has_value(value)}
    )


def _has_value(value: object) -> bool:
    return value is not None and value not in ([], "")


def _detail(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(cut_middle(each) for each in few(value))
    return cut_middle(value) if isinstance(value, str) else value


def few(texts: list[str]) -> list[str]:
    """Returns at most MAX_LIST texts. If texts are left out, the last text contains their number."""
    if len(texts) <= MAX_LIST:
        return texts
    return [*texts[: MAX_LIST - 1], f"and {len(texts) - MAX_LIST + 1} more"]
