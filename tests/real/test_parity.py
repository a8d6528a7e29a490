"""The embedded engine and a real OPA say the same, to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from function import explain
from tests.test_golden import AT, DELIVERIES

pytestmark = pytest.mark.real


@pytest.mark.parametrize("path", DELIVERIES, ids=lambda path: path.stem)
def test_explain_is_the_same_by_both_engines(path: Path, opa_url: str) -> None:
    embedded = explain.as_json(explain.explain(path.read_bytes(), at=AT))
    assert explain.as_json(explain.explain(path.read_bytes(), at=AT, opa_url=opa_url)) == embedded
