"""The results that may only get better: reach.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tests.eval.table import AIMS
from tests.harness.process import ROOT

FILE = ROOT / "tests" / "eval" / "reach.json"
Shares = Mapping[str, float | None]
SLACK = 0.03
"""Five pieces of evidence of 167. Some answers have a limit of time, so a busy machine loses a few."""


def accepted(file: Path = FILE) -> Shares:
    found: Shares = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def accept(shares: Shares, file: Path = FILE) -> None:
    file.write_text(json.dumps(shares, indent=2) + "\n", encoding="utf-8")


def fallen(shares: Shares, file: Path = FILE) -> list[str]:
    """What is worse by more than SLACK, as sentences. A control is worse if its share is larger."""
    worse = []
    for way, was in accepted(file).items():
        now = shares.get(way)
        if was is None or now is None:
            continue
        if (was - now if way in AIMS else now - was) > SLACK:
            worse.append(
                f"{way} was {was:.1%} and is {now:.1%}: mend what changed, or accept it with --accept"
            )
    return worse
