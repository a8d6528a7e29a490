"""The results for a person: a table by family, and what does not arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.eval.reach import Reached

AIMS: Mapping[str, float] = {"oracle": 0.95, "walker": 0.80, "facts": 0.50}
"""The least share that each way shall reach."""
CONTROLS: Mapping[str, float] = {"swapped": 0.20, "twin": 0.20}
"""The share below which each control shall stay."""
TITLES = {
    "oracle": "oracle",
    "walker": "page walker",
    "facts": "facts only",
    "swapped": "swapped page",
    "twin": "no fault",
}
WORDS = """\
Reach, not skill: the share of the evidence that comes to the model, whoever the model is.
  oracle        by an expert's calls
  page walker   by the prompt, and the calls that it names
  facts only    by the prompt alone
Controls, over the evidence that neither the prompt nor its common part reach:
  swapped page  by the calls that a page of another family names
  no fault      by an expert's calls, in the same cluster without the fault"""


def shares(items: Sequence[Reached]) -> dict[str, float | None]:
    """The share of each way, and of each control; None where there is nothing to count."""
    return {way: _share(found) for way, found in _counted(items).items()}


def _counted(items: Sequence[Reached]) -> dict[str, list[bool]]:
    over = [item for item in items if item.controls]
    return {
        "oracle": [item.oracle for item in items],
        "walker": [item.walker for item in items],
        "facts": [item.facts for item in items],
        "swapped": [item.swapped for item in over],
        "twin": [item.twin for item in over if item.twin is not None],
    }


def _share(found: Sequence[bool]) -> float | None:
    return round(sum(found) / len(found), 4) if found else None


def table(items: Sequence[Reached]) -> str:
    families = sorted({item.family for item in items})
    rows = [_row(family, [item for item in items if item.family == family]) for family in families]
    head = ["family", "cases", "evidence", *TITLES.values()]
    aims = [
        "aim",
        "",
        "",
        *(f">= {aim:.0%}" for aim in AIMS.values()),
        *(f"< {top:.0%}" for top in CONTROLS.values()),
    ]
    whole = [head, *rows, _row("all", items), aims]
    widths = [max(len(row[column]) for row in whole) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in whole
    ]
    rule = "-" * max(map(len, lines))
    return "\n".join([WORDS, "", lines[0], rule, *lines[1:-2], rule, *lines[-2:]])


def _row(title: str, items: Sequence[Reached]) -> list[str]:
    cells = [f"{sum(found)}/{len(found)} {_percent(found)}" for found in _counted(items).values()]
    return [title, str(len({item.case for item in items})), str(len(items)), *cells]


def _percent(found: Sequence[bool]) -> str:
    return f"{sum(found) / len(found):.0%}" if found else "-"


def missing(items: Sequence[Reached]) -> str:
    """What does not arrive by the oracle and by the walker, and what arrives without the fault."""
    parts: list[tuple[str, Callable[[Reached], bool], Callable[[Reached], str]]] = [
        ("The oracle does not reach:", lambda item: not item.oracle, lambda item: item.expert),
        ("The page walker does not reach:", lambda item: not item.walker, lambda item: item.reason),
        ("It arrives without the fault too:", lambda item: bool(item.twin), lambda item: item.expert),
    ]
    return "\n".join(line for title, chosen, why in parts for line in _listed(title, items, chosen, why))


def _listed(
    title: str, items: Sequence[Reached], chosen: Callable[[Reached], bool], why: Callable[[Reached], str]
) -> Iterator[str]:
    found = [item for item in items if chosen(item)]
    if found:
        yield from ("", title)
    for item in found:
        yield f"  {item.case} ({item.page}): {item.says}"
        yield f"      {why(item)}"


def as_json(items: Sequence[Reached]) -> dict[str, Any]:
    fields = ("case", "family", "says", "page", *TITLES, "look", "calls", "reason")
    return {
        "measures": "reach, not skill",
        "shares": shares(items),
        "evidence": [{name: getattr(item, name) for name in fields} for item in items],
    }
