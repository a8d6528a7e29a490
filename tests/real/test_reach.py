"""Whether the evidence of the evaluation's cases reaches the model: not less of it than was accepted."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from tests.eval import cases, ratchet, reach, table
from tests.eval.__main__ import LANES
from tests.harness.components import need

NEEDED = ("etcd", "kube-apiserver", "kubectl", "prometheus", "promtool", "claude")
MANY_ENOUGH = 40


# A context that comes too late is given up, and its connection ends with its thread.
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
def test_the_evidence_of_the_cases_reaches_the_model(tmp_path: Path) -> None:
    need(*NEEDED, "kubernetes-mcp-server", "mcp-grafana")
    several = [cases.load(cases.OURS, name) for name in cases.names()]
    assert len(several) >= MANY_ENOUGH
    found = reach.measured(several, tmp_path, LANES, print)
    told = f"{table.table(found)}\n{table.missing(found)}"
    gc.collect()  # here, and not in a later test
    assert ratchet.fallen(table.shares(found)) == [], told
