"""Last of all: what lived in f3iai before us lives on as it was, while we are there and once we are gone."""

from __future__ import annotations

from typing import Any

import httpx

from tests.cluster.cluster import Cluster
from tests.cluster.conftest import OURS, shape
from tests.cluster.page import Page
from tests.cluster.volumes import unmount
from tests.harness.components import wait_until


def answers(cluster: Cluster) -> bool:
    service = cluster.get("service", "-n", "f3iai", "neighbour")
    return httpx.get(f"http://{service['spec']['clusterIP']}:8000", timeout=5, trust_env=False).is_success


def test_neighbours_are_as_they_were_before_during_and_after(
    neighbours: list[Any], installed: Cluster, page: Page
) -> None:
    assert shape(installed) == neighbours and answers(installed)
    page.run("Uninstall")

    def gone() -> bool:
        return not installed.get(f"{OURS},secrets", "-A", "-l", "app.kubernetes.io/part-of=sre-dispatch")[
            "items"
        ]

    wait_until(gone, "everything of ours to go", 120, every=1)
    wait_until(lambda: "sre-agents" not in str(installed.get("namespaces")), "its namespace", 120, every=1)
    assert shape(installed) == neighbours and answers(installed)
    installed.kubectl("delete", "pv", "sre-dispatch-worldmodel")  # which a class of volumes would have made
    unmount("sre-dispatch-worldmodel")
