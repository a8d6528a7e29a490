"""Runs and files of a world model's memory."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

from function.shared.memory import Store
from function.shared.resource import Resource
from function.shared.runs import Run
from tests.harness.fakes import NOW

CLAIM = Resource("fmc", "k8s_pvc", "f3iai", "typedb-data")
ALERT = "PVCUsageHigh"


def run(
    session: str = "s-1", ago: timedelta = timedelta(days=3), of: Resource = CLAIM, **changes: Any
) -> Run:
    told: dict[str, Any] = {
        "session": session,
        "at": (NOW - ago).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "alertname": ALERT,
        "status": "resolved",
        "action": "grew to 40Gi",
        "verification": "cleared",
        "confidence": 0.9,
        "root_cause": "log files pile up",
        **of._asdict(),
    }
    return Run(**told | changes)


def is_whole(file: Path) -> bool:
    looking = sqlite3.connect(file)
    (verdict,) = looking.execute("PRAGMA integrity_check").fetchone()
    looking.close()
    return bool(verdict == "ok")


def fill(file: Path) -> None:
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 4096)


def sessions(store: Store) -> set[str]:
    return {each.session for each in store.runs({}, 100_000)}


def record_until_it_fails(store: Store, recorded: list[str]) -> None:
    for number in range(99):
        store.record(run(f"while full {number}", root_cause="x" * 1000))
        recorded.append(f"while full {number}")
