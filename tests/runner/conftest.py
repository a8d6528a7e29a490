"""What runs in a container handles its signals; what tests it keeps its own."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from function.runner.signals import ENDING
from tests.harness.desk import Desk, desk
from tests.harness.forge import Forge, serving


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    with serving(tmp_path) as forge:
        yield forge


@pytest.fixture
def agent(forge: Forge, tmp_path: Path) -> Desk:
    return desk(forge, tmp_path)


@pytest.fixture
def on_gitlab(forge: Forge, tmp_path: Path) -> Desk:
    return desk(forge, tmp_path, kind="gitlab")
