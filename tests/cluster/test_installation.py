"""The installation as a whole: what its own check says, and that applying it again changes nothing."""

from __future__ import annotations

import os
import subprocess

from tests.cluster.cluster import Cluster
from tests.cluster.conftest import OURS, overlay
from tests.real.components import find
from tests.real.conftest import KNATIVE


def test_its_own_check_finds_nothing_wrong(installed: Cluster) -> None:
    path = f"{find('kubectl').parent}:{os.environ['PATH']}"
    environment = os.environ | {"KUBECONFIG": str(installed.kubeconfig), "PATH": path}
    done = subprocess.run(
        [KNATIVE / "check"], env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAIL" not in done.stdout and "webhook address" in done.stdout


def test_applied_again_it_changes_nothing(installed: Cluster, addresses: dict[str, str]) -> None:
    def generations() -> dict[str, int]:
        told = installed.get(OURS, "-A", "-l", "app.kubernetes.io/part-of=sre-dispatch")["items"]
        return {
            f"{each['kind']}/{each['metadata']['name']}": each["metadata"].get("generation", 0)
            for each in told
        }

    before = generations()
    installed.apply(*overlay(installed, addresses))
    assert generations() == before and len(before) > 20
