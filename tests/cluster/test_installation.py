"""The installation as a whole: what its own check says, and that applying it again changes nothing."""

from __future__ import annotations

import subprocess
from typing import Any

import yaml

from tests.cluster.cluster import Cluster
from tests.cluster.conftest import OURS, overlay, shape
from tests.harness.manifests import KNATIVE


def test_its_own_check_finds_nothing_wrong(installed: Cluster) -> None:
    environment = installed.environment()
    done = subprocess.run(
        [KNATIVE / "check"], env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAIL" not in done.stdout and "webhook address" in done.stdout


def test_neighbours_are_as_they_were_before(neighbours: list[Any], installed: Cluster) -> None:
    assert shape(installed) == neighbours


def test_applied_again_it_changes_nothing(installed: Cluster, addresses: dict[str, str]) -> None:
    def generations() -> dict[str, int]:
        told = installed.get(OURS, "-A", "-l", "app.kubernetes.io/part-of=sre-dispatch")["items"]
        return {
            f"{each['kind']}/{each['metadata']['name']}": each["metadata"].get("generation", 0)
            for each in told
            if "ownerReferences" not in each["metadata"]  # Knative's own, which come and go
        }

    before = generations()
    installed.apply(*overlay(installed, addresses))
    assert generations() == before and len(before) > 20


def test_every_object_of_the_overlay_for_production_passes_a_dry_run(installed: Cluster) -> None:
    """But the claim, which is there and cannot change its class."""
    objects = list(yaml.safe_load_all(installed.kubectl("kustomize", KNATIVE / "overlays" / "production")))
    new = [each for each in objects if each["kind"] != "PersistentVolumeClaim"]
    rehearsal = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
    told = installed.kubectl(*rehearsal, stdin=yaml.safe_dump_all(new)).splitlines()
    assert len(told) == len(new) > 40 and all("server dry run" in line for line in told)
