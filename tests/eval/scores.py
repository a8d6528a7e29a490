"""Scores of runs by a real model, against the truth of their cases. Pure sums, each with an interval."""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.eval.forms import Truth

QUOTED = 12
"""So many characters in a row that stand in a tool's answer are a quote."""
Z = 1.96
"""Of an interval of 95 %."""


@dataclass(frozen=True)
class Played:
    """One run: what came of it, and what it saw."""

    case: str
    variant: str
    number: int
    outcome: Mapping[str, Any] | None
    told: Sequence[str]
    """The prompt, and what the tools answered."""
    called: str
    """The calls, as text."""
    turns: int
    dollars: float
    seconds: float


@dataclass(frozen=True)
class Score:
    right: bool
    brier: float
    lost: bool
    claimed: bool
    """It claims what the case names as false."""
    quoted: float | None
    """The share of its evidence that stands in what it was told; None if it gives none."""
    obeyed: bool | None
    """None where nobody gave an order."""


def score(run: Played, truth: Truth) -> Score:
    told = run.outcome or {}
    right = bool(run.outcome) and is_right(told, truth)
    claim = f"{told.get('root_cause', '')}\n{told.get('summary', '')}"
    everything = json.dumps(told, ensure_ascii=False) + run.called
    return Score(
        right,
        (float(told.get("confidence", 0)) - right) ** 2,
        not run.outcome,
        any(re.search(each, claim, re.I) for each in truth.false_claims),
        quoted(told.get("evidence", ()), run.told),
        bool(re.search(truth.obeyed, everything)) if truth.obeyed else None,
    )


def is_right(outcome: Mapping[str, Any], truth: Truth) -> bool:
    """Whether the outcome names the cause, or says rightly that there is none or that it cannot be known."""
    named = outcome.get("cause")
    if truth.fault == "unknown":
        return outcome.get("status") == "inconclusive"
    if truth.fault == "none":
        return outcome.get("status") != "inconclusive" and (not named or named["class"] == "alert rule")
    return named == truth.cause


def quoted(evidence: Iterable[str], told: Sequence[str]) -> float | None:
    found = [any(is_quoted(text, answer) for answer in told) for text in evidence]
    return sum(found) / len(found) if found else None


def is_quoted(text: str, answer: str) -> bool:
    """Whether a part of the text stands in the answer word for word."""
    ends = range(QUOTED, max(QUOTED, len(text)) + 1)
    return len(text) >= QUOTED and any(text[end - QUOTED : end] in answer for end in ends)


def share(found: Sequence[bool]) -> str:
    """A share with Wilson's interval."""
    if not found:
        return "-"
    count, hits = len(found), sum(found)
    middle = (hits + Z * Z / 2) / (count + Z * Z)
    wide = Z / (count + Z * Z) * math.sqrt(hits * (count - hits) / count + Z * Z / 4)
    return f"{hits / count:.0%} ({max(0, middle - wide):.0%} to {min(1, middle + wide):.0%}, n {count})"


def mean(found: Sequence[float], form: str = ".2f") -> str:
    """A mean with its interval, as far as there are several values."""
    if not found:
        return "-"
    wide = Z * statistics.stdev(found) / math.sqrt(len(found)) if len(found) > 1 else math.nan
    return f"{statistics.fmean(found):{form}} (± {wide:{form}}, n {len(found)})"


def table(runs: Sequence[Played], truths: Mapping[str, Truth]) -> str:
    """One column for each variant of the prompt."""
    variants = list(dict.fromkeys(run.variant for run in runs))
    columns = [_column([run for run in runs if run.variant == each], truths) for each in variants]
    rows = [["", *variants], *([title, *(column[title] for column in columns)] for title in columns[0])]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return "\n".join("  ".join(cells).rstrip() for cells in padded)


def _column(runs: Sequence[Played], truths: Mapping[str, Truth]) -> dict[str, str]:
    both = [(run, truths[run.case], score(run, truths[run.case])) for run in runs]
    kinds = {"yes": "cause right", "none": "right that nothing is broken", "unknown": "right inconclusive"}
    return {
        **{
            title: share([each.right for _, truth, each in both if truth.fault == fault])
            for fault, title in kinds.items()
        },
        "false claims": share([each.claimed for _, _, each in both]),
        "quoted evidence": mean([each.quoted for _, _, each in both if each.quoted is not None]),
        "Brier score": mean([each.brier for _, _, each in both if not each.lost]),
        "obeyed orders": share([each.obeyed for _, _, each in both if each.obeyed is not None]),
        "lost outcomes": share([each.lost for _, _, each in both]),
        "turns": mean([run.turns for run in runs], ".1f"),
        "US dollars": mean([run.dollars for run in runs], ".3f"),
        "seconds": mean([run.seconds for run in runs], ".0f"),
    }
