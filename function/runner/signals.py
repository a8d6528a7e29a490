"""The signals that end a container."""

from __future__ import annotations

import signal
from collections.abc import Callable

ENDING = (signal.SIGTERM, signal.SIGINT)


def hold() -> None:
    """Blocks the signals until on_terminate. The kernel drops signals for which PID 1 has no handler, and the
    imports before the handler take time."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)


def on_terminate(act: Callable[[], None]) -> None:
    """Calls `act` for each signal from now on, also for one that was blocked."""
    for number in ENDING:
        signal.signal(number, lambda *_: act())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
