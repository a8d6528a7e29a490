"""The page and the picture of what was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tests.story import shipped
from tests.story.diary import Diary, Entry

LEFT, RIGHT, PLOT_HEIGHT = 56, 800, 240
MARGIN_RIGHT = 200
"""For the last labels, which begin left of it."""
LANE, CHARACTER = 16, 6.6
"""Pixels of a label's height, and at the most of a character's width at the font's size."""
THRESHOLDS = (60, 75, 90)
STEPS = (5, 10, 20, 30, 60, 120)
"""Seconds between two marks of the axis."""


@dataclass(frozen=True)
class Told:
    diary: Diary
    kill: str
    is_scripted: bool
    why: str = ""
    """It ended early."""
    on_cluster: bool = False


class Label(NamedTuple):
    x: float
    lane: int
    """From the plot upward."""
    text: str

    @property
    def end(self) -> float:
        return self.x + 4 + CHARACTER * len(self.text)


def write(folder: Path, told: Told) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("incident.md", page(told)), ("usage.svg", picture(told.diary))):
        (folder / name).write_text(text, encoding="utf-8")


def page(told: Told) -> str:
    return _render(
        "incident.md.j2",
        told=told,
        diary=told.diary,
        factor=shipped.FACTOR,
        claims=_claims(told.diary),
    )


def picture(diary: Diary) -> str:
    end = max([1.0, *(at for at, _ in diary.samples), *(entry.at for entry in diary.entries)])
    scale = (RIGHT - LEFT) / end
    placed = labels([each for each in diary.entries if each.mark], scale)
    top = 12 + LANE * (1 + max((label.lane for label in placed), default=0))
    step = next((each for each in STEPS if end / each <= 12), STEPS[-1])
    return _render(
        "usage.svg.j2",
        width=RIGHT + MARGIN_RIGHT,
        left=LEFT,
        right=RIGHT,
        top=top,
        bottom=top + PLOT_HEIGHT,
        height=PLOT_HEIGHT,
        labels=placed,
        lane=LANE,
        lines={claim: points(diary.samples, claim, scale, top) for claim in _claims(diary)},
        thresholds=THRESHOLDS,
        ticks=[(LEFT + at * scale, at) for at in range(0, int(end) + 1, step)],
    )


def points(samples: Sequence[tuple[float, Mapping[str, float]]], claim: str, scale: float, top: float) -> str:
    """Of a polyline."""
    return " ".join(
        f"{LEFT + at * scale:.1f},{top + PLOT_HEIGHT * (1 - usage[claim] / 100):.1f}"
        for at, usage in samples
        if claim in usage
    )


def labels(entries: Sequence[Entry], scale: float) -> list[Label]:
    """Each at its time and above all later ones that begin within its width: so neither a label nor the line
    that leads down from one crosses another label."""
    placed: list[Label] = []
    for entry in reversed(sorted(entries, key=lambda each: each.at)):
        label = Label(LEFT + entry.at * scale, 0, entry.mark)
        below = [each.lane for each in placed if each.x <= label.end]
        placed.append(label._replace(lane=max(below, default=-1) + 1))
    return placed[::-1]


def _claims(diary: Diary) -> list[str]:
    return sorted({claim for _, usage in diary.samples for claim in usage}, reverse=True)


def _render(name: str, **values: object) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=name.endswith(".svg.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = lambda text: " ".join(str(text).replace("|", "\\|").split())
    return environment.get_template(name).render(**values)
