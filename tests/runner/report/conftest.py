"""A plain repository for all tests that write the same two files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.desk import Desk, desk
from tests.harness.forge import serving


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all tests that write the same two files."""
    folder = tmp_path_factory.mktemp("plain")
    with serving(folder) as forge:
        yield desk(forge, folder, {"apps": {"values.yaml": b"size: 20Gi\n"}})
