"""What runs in a container handles its signals; what tests it keeps its own."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from function.runner.signals import ENDING


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
