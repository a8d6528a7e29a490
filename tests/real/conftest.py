"""Which of the agent's tests run."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.harness.examples import cover


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Each start of Claude Code takes seconds: of the agent's tests those run that stand for all, unless the
    run is a thorough one."""
    tests: dict[str, list[pytest.Function]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and item.path.name == "test_agent.py":
            tests.setdefault(item.originalname, []).append(item)
    left_out = {id(one) for found in tests.values() for one in _left_out(found)}
    config.hook.pytest_deselected(items=[item for item in items if id(item) in left_out])
    items[:] = [item for item in items if id(item) not in left_out]


def _left_out(items: Sequence[pytest.Function]) -> list[pytest.Function]:
    """Of one test, those of its parameters' combinations that others stand for."""
    if not hasattr(items[0], "callspec"):
        return []
    chosen = cover([item.callspec.params for item in items])
    return [item for number, item in enumerate(items) if number not in chosen]
