from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from function.shared.fact_fields import MAX_LIST, MAX_NAME, Count, Name, Number, Text, Texts
from function.shared.text import MAX_TEXT


@pytest.mark.parametrize(
    ("of", "longest", "too_long"),
    [
        (Text, "x" * MAX_TEXT, "x" * (MAX_TEXT + 1)),
        (Name, "x" * MAX_NAME, "x" * (MAX_NAME + 1)),
        (Texts, ("x",) * MAX_LIST, ("x",) * (MAX_LIST + 1)),
        (Count, 2**53 - 1, 2**53),
        (Number, 1e308, float("inf")),
    ],
)
def test_a_field_has_its_limit(of: Any, longest: Any, too_long: Any) -> None:
    assert TypeAdapter(of).validate_python(longest) == longest
    with pytest.raises(ValidationError):
        TypeAdapter(of).validate_python(too_long)
