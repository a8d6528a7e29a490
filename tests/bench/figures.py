"""A figure of the bench, the table of all figures, and what Linux tells of a process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Figure:
    section: str
    """What is measured, with its unit."""
    name: str
    """Of what it is measured."""
    value: float
    beside: str = ""
    """The name of the yardstick: another figure of the section."""


def ratio(figure: Figure, figures: Iterable[Figure]) -> float | None:
    """Returns how many times its yardstick's value the figure is."""
    for other in figures:
        if (other.section, other.name) == (figure.section, figure.beside) and other.value:
            return figure.value / other.value
    return None


def ordered(figures: Sequence[Figure]) -> list[Figure]:
    """Returns the figures of each section together, in the order in which the sections began."""
    sections = [*dict.fromkeys(figure.section for figure in figures)]
    return sorted(figures, key=lambda figure: sections.index(figure.section))


def table(figures: Sequence[Figure]) -> str:
    return "\n".join(_lines(figures))


def _lines(figures: Sequence[Figure]) -> Iterator[str]:
    for section, of_section in groupby(ordered(figures), key=lambda figure: figure.section):
        yield f"\n{section}"
        for figure in of_section:
            times = ratio(figure, figures)
            compared = f"  x{times:.2f} of {figure.beside}" if times is not None else ""
            yield f"  {figure.name:48}{number(figure.value):>10}{compared}"


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def progress(text: str) -> None:
    """Shows a person what is being measured."""
    if sys.stderr.isatty():
        print(f"\r{text:78}", end="", file=sys.stderr, flush=True)


def cpu(pid: int) -> float:
    """Returns the milliseconds of user and system time so far, in steps of 10."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) * 1000 / TICKS


def resident(pid: int) -> float:
    """Returns the MB in memory now."""
    return _status(pid, "VmRSS")


def peak(pid: int) -> float:
    """Returns the MB that were in memory at most."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))
