"""SREEvent -> Facts. If the world model is missing, slow, wrong or hostile, the result has a gap. It is never
an error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import cache, partial
from typing import Any

from pydantic import TypeAdapter, ValidationError

from function.dispatch.model import Facts, Risk
from function.dispatch.ports import WorldModel
from function.shared import facts
from function.shared.errors import Unavailable
from function.shared.event import STORM, SREEvent
from function.shared.fact_fields import MAX_LIST
from function.shared.facts import KINDS, Fact
from function.shared.gaps import GAPS
from function.shared.strict_json import Json, to_json
from function.shared.text import cut_middle

MAX_ITEMS = 50
MAX_BYTES = 32 * 1024
"""The size limit of all facts together, as JSON. It is half of a prompt."""
MAX_DEPTH = 6

STALE_SECONDS = 900
"""The maximum age of a fact. An older fact describes a state that may be gone when the agent acts."""
LASTING = frozenset({"memory", "owners", "note"})
"""Kinds of facts that do not become stale."""

ORDER = {kind: position for position, kind in enumerate(KINDS)}


class FactSource:
    """The facts of one delivery. It sends the world model one request for each resource.

    After a failure it sends no more requests. Otherwise each batch would wait for the world model, until the
    delivery has no time left. Several threads use a FactSource.
    """

    def __init__(self, world: WorldModel | None) -> None:
        self._ask = partial(self._asked, world) if world else None
        self._lock = threading.Lock()
        self._facts: dict[str, Facts] = {}
        self._failure: Unavailable | None = None

    def facts(self, event: SREEvent) -> Facts:
        with self._lock:
            known = self._facts.get(event.resource)
        if known is None:
            known = enrich(event, self._ask)
            with self._lock:
                self._facts[event.resource] = known
        return known

    def _asked(self, world: WorldModel, event: SREEvent) -> object:
        with self._lock:
            failure = self._failure
        if failure:
            raise Unavailable(failure.code, str(failure))
        try:
            return world.context(event)
        except Unavailable as error:
            with self._lock:
                self._failure = error
            raise


def enrich(event: SREEvent, ask: Callable[[SREEvent], object] | None) -> Facts:
    """Returns the world model's facts about the event's resource: validated, sorted, and limited in size.

    A storm has no resource, so it has no facts and the gap `no_resource`.
    """
    if event.source == STORM:
        return Facts(gaps=("no_resource",))
    if ask is None:
        return Facts(gaps=("no_source",))
    try:
        answer = ask(event)
    except Unavailable as error:
        return Facts(gaps=_gap_codes((error.code,)))
    if not (isinstance(answer, dict) and _are_lists(answer.get("facts"), answer.get("gaps"))):
        return Facts(gaps=("bad_answer",))
    return _read(answer["facts"], answer["gaps"])


def _read(answer: list[Any], gaps: list[Any]) -> Facts:
    read = [_fact(each) for each in answer[:MAX_ITEMS]]
    found = sorted((fact for fact, _ in read if fact), key=lambda fact: ORDER[fact.kind])
    kept = _bounded(found)
    missing = set(_gap_codes(gaps))
    missing |= {gap for _, gap in read if gap}
    missing |= {"stale"} if any(map(_is_stale, found)) else set()
    missing |= {"cut"} if len(kept) < len(found) or len(answer) > MAX_ITEMS else set()
    missing |= set() if kept else {"nothing_known"}
    risk = _risk(found) if kept else Risk()
    return Facts(not missing, tuple(sorted(missing)), kept, risk)


def _are_lists(*values: object) -> bool:
    return all(isinstance(value, list) for value in values)


def _gap_codes(gaps: Iterable[object]) -> tuple[str, ...]:
    return tuple(gap if isinstance(gap, str) and gap in GAPS else "other" for gap in gaps)


def _fact(raw: object) -> tuple[Fact | None, str]:
    """Returns the fact, or None if it does not match its kind. The second value is the code of the gap, or an
    empty string."""
    cuts: list[str] = []
    try:
        fact = _adapter(Fact).validate_json(to_json(_shortened(raw, cuts)))
        kind = _adapter(KINDS[fact.kind])
        data = kind.dump_python(kind.validate_json(to_json(fact.data)), mode="json", exclude_defaults=True)
    except (ValidationError, ValueError, TypeError, KeyError):
        return None, "bad_fact"
    return Fact(fact.kind, fact.source, fact.age_seconds, data), "cut" if cuts else ""


@cache
def _adapter(cls: type) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


def _shortened(value: object, cuts: list[str], depth: int = 0) -> object:
    """Returns the value with texts and lists cut to their limits. A cut text keeps its beginning and its end,
    with a mark between. A cut list adds an entry to `cuts`."""
    if depth > MAX_DEPTH:
        raise ValueError("too deep")
    if isinstance(value, str):
        return cut_middle(value)
    if isinstance(value, list):
        if len(value) > MAX_LIST:
            cuts.append("list")
        return [_shortened(child, cuts, depth + 1) for child in value[:MAX_LIST]]
    if isinstance(value, dict):
        return {key: _shortened(child, cuts, depth + 1) for key, child in value.items()}
    return value


def _bounded(found: Sequence[Fact]) -> tuple[Json, ...]:
    """Returns the facts that fit into MAX_BYTES. `found` has the most important kinds first."""
    return tuple(_fitting(asdict(fact) for fact in found))


def _fitting(items: Iterable[Json]) -> Iterator[Json]:
    size = 0
    for item in items:
        length = len(to_json(item))
        if size + length <= MAX_BYTES:
            size += length
            yield item


def _is_stale(fact: Fact) -> bool:
    return fact.kind not in LASTING and fact.age_seconds > STALE_SECONDS


def _risk(found: Sequence[Fact]) -> Risk:
    """Returns the values that the policy evaluates. If two facts disagree, the worse one counts."""
    classes = {data.get("classification") for data in _data(found, "governance")}
    scopes = [data.get("scope") for data in _data(found, "governance")]
    return Risk(
        dependents=max((data["count"] for data in _data(found, "dependents")), default=None),
        replicas=min((data["available"] for data in _data(found, "replicas")), default=None),
        classification=classes.pop() if len(classes) == 1 else None,
        scope=_common(scopes),
        failures=max((data["failures_in_a_week"] for data in _data(found, "memory")), default=None),
    )


def _data(found: Sequence[Fact], kind: str) -> list[Any]:
    return [fact.data for fact in found if fact.kind == kind]


def _common(scopes: Sequence[list[str] | None]) -> tuple[str, ...] | None:
    stated = [scope for scope in scopes if scope is not None]
    if not stated or len(stated) < len(scopes):
        return None
    return tuple(mode for mode in facts.MODES if all(mode in scope for scope in stated))
