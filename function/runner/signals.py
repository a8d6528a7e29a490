"""The signals that end a container, from its first moment to its last."""

from __future__ import annotations

import signal
from collections.abc import Callable

ENDING = (signal.SIGTERM, signal.SIGINT)


def hold() -> None:
    """Keeps them waiting until somebody heeds them. PID 1 never gets a signal that it has no handler for, and
    importing what the handler needs takes its time."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)


def on_terminate(act: Callable[[], None]) -> None:
    """Calls `act` for each of them from now on, also for one that has waited."""
    for number in ENDING:
        signal.signal(number, lambda *_: act())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
