"""Checks names of Kubernetes objects, and defines the key of a resource."""

from __future__ import annotations

import re
from typing import NamedTuple

NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
"""An RFC 1123 subdomain of at most 253 characters. Match it with fullmatch."""


def is_name(text: str) -> bool:
    """Returns whether `text` can be the name of a Kubernetes object (RFC 1123 subdomain)."""
    return NAME.fullmatch(text) is not None


class Resource(NamedTuple):
    """The key of stored runs, facts and changes."""

    cluster: str
    resource_type: str
    namespace: str
    resource_id: str
