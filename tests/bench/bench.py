"""`make bench`: everything that is measured, in one run, each figure beside its yardstick.

Only the ratios of one run can be compared with those of another: the machine changes the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from tests.bench import context, deliveries, faults, looks, picture, starts
from tests.bench.figures import Figure, progress, ratio, table

PARTS = ("starts", "deliveries", "looks", "context", "faults")


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all that was started is ended
    options = _options()
    about = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
    }
    figures = [*_measured(options)]
    progress("")
    progress("\r")
    if options.svg:
        options.svg.write_text(picture.svg(figures), encoding="utf-8")
    if options.json:
        rows = [asdict(figure) | {"ratio": ratio(figure, figures)} for figure in figures]
        print(json.dumps(about | {"figures": rows}))
        return
    print("Python {python}, {cpus} CPUs, load average {load} before".format(**about))
    print(table(figures))
    if options.svg:
        print(f"\nThe ratios as a picture: {options.svg}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--runs", type=int, default=11, choices=range(1, 100), metavar="1..99", help="starts of each program"
    )
    parser.add_argument(
        "--finished", type=int, default=5_000, metavar="N", help="finished Jobs beside duplicates"
    )
    parser.add_argument("--part", choices=PARTS, action="append", help="measure only this; can be repeated")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for a program")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the ratios")
    parser.add_argument("--beside", type=Path, metavar="FOLDER", help="a checkout of another version, set up")
    return parser.parse_args()


def _measured(options: argparse.Namespace) -> Iterator[Figure]:
    parts = options.part or PARTS
    if "starts" in parts:
        yield from starts.measured(options.runs, options.beside)
    if "deliveries" in parts:
        yield from deliveries.measured(options.finished)
    if "looks" in parts:
        yield from looks.measured()
    if "context" in parts:
        yield from context.measured()
    if "faults" in parts:
        yield from faults.measured()


if __name__ == "__main__":
    main()
