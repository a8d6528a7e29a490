"""The short form of `make soak`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.soak import Ledger, soak
from tests.bench.stage import COMPONENTS
from tests.harness.components import need

pytestmark = pytest.mark.real


def test_thousands_of_alerts_with_faults_and_a_kill_lose_nothing_and_make_nothing_twice(
    tmp_path: Path,
) -> None:
    need(*COMPONENTS)
    ledger = soak(5_000, tmp_path / "ledger.json", seed=1)
    assert (ledger.lost, ledger.twice) == (0, 0)
    assert ledger.alerts >= 5_000
    assert ledger.faults.keys() == {"function killed", "body cut", "API server cut", "OPA cut"}
    assert Ledger.read(ledger.path) == ledger
