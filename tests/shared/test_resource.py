from __future__ import annotations

import pytest

from function.shared.resource import is_name


@pytest.mark.parametrize("name", ["a", "typedb-data", "web-5d8.example", "0", "a" * 253])
def test_a_name_of_kubernetes_is_one(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", ".", "..", "a/b", "A", "a_b", "a b", "a\n", "ä", "a" * 254])
def test_what_kubernetes_refuses_is_no_name(name: str) -> None:
    assert not is_name(name)
