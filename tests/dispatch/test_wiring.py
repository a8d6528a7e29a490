from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from function.dispatch import pipeline, wiring
from function.dispatch.model import Delivery, Outcome
from function.dispatch.ports import BATCH, DELIVERIES, Dependencies
from function.dispatch.settings import Settings
from tests.harness.fakes import FakePolicy, app, decided, delivery, event


def wired(tmp_path: Path) -> Dependencies:
    """What the function works with on a laptop."""
    return wiring.dependencies(
        Settings.read(
            {
                "HOST": "127.0.0.1",
                "SRE_DISPATCH_AUTH": "none",
                "SRE_DISPATCH_POLICY": "embedded",
                "SRE_DISPATCH_JOBS": "folder",
                "SRE_DISPATCH_JOBS_FOLDER": str(tmp_path),
            }
        )
    )


def batch_of(namespace: str) -> Delivery:
    """As many alerts as are looked at together."""
    alerts = tuple(
        replace(event(), identity=f"{namespace}{number}".ljust(64, "0"), namespace=namespace)
        for number in range(BATCH)
    )
    return replace(delivery("incident-75"), alerts=alerts)


def test_a_delivery_whose_looks_hang_delays_no_other(tmp_path: Path) -> None:
    over, hanging = threading.Event(), threading.Semaphore(0)

    def answer(document: Any) -> Any:
        if document["event"]["namespace"].startswith("hanging"):
            hanging.release()
            over.wait()
        return decided()

    deps = replace(app(FakePolicy(answer)), parallel_map=wired(tmp_path).parallel_map)
    ended: list[list[Outcome]] = []

    def run(namespace: str) -> None:
        ended.append([result.outcome for result in pipeline.run(batch_of(namespace), deps)])

    slow = [threading.Thread(target=run, args=(f"hanging-{each}",)) for each in range(DELIVERIES - 1)]
    others = [threading.Thread(target=run, args=(f"other-{each}",), daemon=True) for each in range(10)]
    try:
        for thread in slow:
            thread.start()
        for _ in range(len(slow) * BATCH):
            assert hanging.acquire(timeout=60)
        for thread in others:  # one after the other, beside all that hang
            thread.start()
            thread.join(60)
        assert ended == [[Outcome.CREATED] * BATCH] * len(others)
    finally:
        over.set()
        for thread in slow:
            thread.join()
    assert len(ended) == len(slow) + len(others)
