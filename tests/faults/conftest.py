"""The function and its dependencies, for all tests here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import system as parts
from tests.faults.system import System
from tests.harness.components import ApiServer
from tests.harness.worldmodel import WorldModel, world_model


@pytest.fixture(scope="session")
def world(api: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorldModel]:
    folder = tmp_path_factory.mktemp("world")
    kubeconfig = api.kubeconfig_of("f3iai", "sre-dispatch-worldmodel", folder)
    with world_model(folder / "memory", KUBECONFIG=str(kubeconfig)) as running:
        yield running


@pytest.fixture(scope="module")
def running(
    api: ApiServer, opa_url: str, opa_token: Path, world: WorldModel, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """One process of the function for all tests of a file."""
    with parts.system(api, opa_url, opa_token, world, tmp_path_factory.mktemp("function")) as system:
        yield system


@pytest.fixture
def system(running: System) -> Iterator[System]:
    """The function without a fault, and a cluster without a Job."""
    running.clear()
    running.server.lines.clear()
    yield running
    running.lift()
    running.clear()
