"""SREEvent -> Facts. A world model that is missing, slow, wrong or hostile is a gap, never an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from function.dispatch.model import Facts, Risk
from function.shared import facts
from function.shared.errors import Unavailable
from function.shared.event import SREEvent
from function.shared.facts import KINDS, MAX_LIST, Fact
from function.shared.strict_json import Json, to_json
from function.shared.text import cut

MAX_ITEMS = 50
MAX_BYTES = 32 * 1024
"""Of all facts together, as JSON: half of what a prompt may hold."""
MAX_DEPTH = 6

STALE_SECONDS = 900
"""Facts older than this describe another state than the one that an agent would act on."""
LASTING = frozenset({"memory", "owners", "note"})
"""Kinds that tell of what does not change, and so do not grow stale."""

ORDER = {kind: place for place, kind in enumerate(KINDS)}


def enrich(event: SREEvent, ask: Callable[[SREEvent], object] | None) -> Facts:
    """What the world model tells of the event's resource when asked: read strictly, in order, within the
    bounds above."""
    if ask is None:
        return Facts(gaps=("no_source",))
    try:
        answer = ask(event)
    except Unavailable as error:
        return Facts(gaps=_known((error.code,)))
    if not (isinstance(answer, dict) and _are_lists(answer.get("facts"), answer.get("gaps"))):
        return Facts(gaps=("bad_answer",))
    return _read(answer["facts"], answer["gaps"])


def _read(told: list[Any], gaps: list[Any]) -> Facts:
    read = [_fact(each) for each in told[:MAX_ITEMS]]
    found = sorted((fact for fact, _ in read if fact), key=lambda fact: ORDER[fact.kind])
    kept = _bounded(found)
    missing = set(_known(gaps))
    missing |= {gap for _, gap in read if gap}
    missing |= {"stale"} if any(map(_is_stale, found)) else set()
    missing |= {"cut"} if len(kept) < len(found) or len(told) > MAX_ITEMS else set()
    missing |= set() if kept else {"nothing_known"}
    risk = _risk(found) if kept else Risk()
    return Facts(not missing, tuple(sorted(missing)), kept, risk)


def _are_lists(*values: object) -> bool:
    return all(isinstance(value, list) for value in values)


def _known(gaps: Iterable[object]) -> tuple[str, ...]:
    return tuple(gap if isinstance(gap, str) and gap in facts.GAPS else "other" for gap in gaps)


def _fact(told: object) -> tuple[Fact | None, str]:
    """The fact as its kind wants it, else None; and the gap that reading it left, if any."""
    cuts: list[str] = []
    try:
        fact = _adapter(Fact).validate_json(to_json(_shortened(told, cuts)))
        of = _adapter(KINDS[fact.kind])
        content = of.dump_python(of.validate_json(to_json(fact.data)), mode="json", exclude_defaults=True)
    except (ValidationError, ValueError, TypeError, KeyError):
        return None, "bad_fact"
    return Fact(fact.kind, fact.source, fact.age_seconds, content), "cut" if cuts else ""


@cache
def _adapter(of: type) -> TypeAdapter[Any]:
    return TypeAdapter(of)


def _shortened(value: object, cuts: list[str], depth: int = 0) -> object:
    """Texts and lists within their limits; a long text shows its cut, a long list is noted in `cuts`."""
    if depth > MAX_DEPTH:
        raise ValueError("too deep")
    if isinstance(value, str):
        return cut(value)
    if isinstance(value, list):
        if len(value) > MAX_LIST:
            cuts.append("list")
        return [_shortened(child, cuts, depth + 1) for child in value[:MAX_LIST]]
    if isinstance(value, dict):
        return {key: _shortened(child, cuts, depth + 1) for key, child in value.items()}
    return value


def _bounded(found: Sequence[Fact]) -> tuple[Json, ...]:
    """As many of them as fit, the most telling kinds first."""
    return tuple(_fitting(vars(fact) for fact in found))


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
    """What the policy weighs. Where two facts disagree, the worse one counts."""
    classes = {told.get("classification") for told in _told(found, "governance")}
    scopes = [told.get("scope") for told in _told(found, "governance")]
    return Risk(
        dependents=max((told["count"] for told in _told(found, "dependents")), default=None),
        replicas=min((told["available"] for told in _told(found, "replicas")), default=None),
        classification=classes.pop() if len(classes) == 1 else None,
        scope=_common(scopes),
        failures=max((told["failures_in_a_week"] for told in _told(found, "memory")), default=None),
    )


def _told(found: Sequence[Fact], kind: str) -> list[Any]:
    return [fact.data for fact in found if fact.kind == kind]


def _common(scopes: Sequence[list[str] | None]) -> tuple[str, ...] | None:
    stated = [scope for scope in scopes if scope is not None]
    if not stated or len(stated) < len(scopes):
        return None
    return tuple(mode for mode in facts.MODES if all(mode in scope for scope in stated))
