"""The types of the fields of facts, with their limits."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from function.shared.text import MAX_TEXT

MAX_LIST = 20
"""The maximum number of entries in a list of a fact."""
MAX_NAME = 253
"""The maximum length of a Kubernetes name (RFC 1123 subdomain)."""
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Name = Annotated[str, Field(max_length=MAX_NAME)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Few = Field(max_length=MAX_LIST)
Texts = Annotated[tuple[Text, ...], Few]
