"""Handles the signals that end a container."""

from __future__ import annotations

import signal
from collections.abc import Callable

ENDING = (signal.SIGTERM, signal.SIGINT)


def hold() -> None:
    """Blocks the signals until on_terminate sets a handler. Without a block, the kernel would drop a signal
    that PID 1 receives during the imports."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)


def on_terminate(act: Callable[[], None]) -> None:
    """Calls `act` for each signal from now on, including a signal that was blocked."""
    for number in ENDING:
        signal.signal(number, lambda *_: act())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
