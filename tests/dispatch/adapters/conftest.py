"""A scripted API server for the adapters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.kubernetes import Script
from tests.harness.scripted import scripted


@pytest.fixture
def script() -> Iterator[Script]:
    script = Script()
    with scripted(script) as server:
        script.url = server.url
        yield script
