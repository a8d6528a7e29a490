from __future__ import annotations

import pytest

from function.shared.resource import is_name


@pytest.mark.parametrize("text", ["a", "typedb-data", "a.b-c.0", "9", "x" * 253])
def test_this_is_a_name_of_kubernetes(text: str) -> None:
    assert is_name(text)


@pytest.mark.parametrize("text", ["", "-a", "a-", "A", "a_b", "a/b", "ä", "a\n", "x" * 254, "a b"])
def test_this_is_none(text: str) -> None:
    assert not is_name(text)
