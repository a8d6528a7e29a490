"""How a resource is named: by Kubernetes (RFC 1123), and by what is remembered of it."""

from __future__ import annotations

import re
from typing import NamedTuple

NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
"""RFC 1123 subdomain, 253 characters; matched whole."""


def is_name(text: str) -> bool:
    """Whether `text` can be the name of a Kubernetes object (RFC 1123 subdomain)."""
    return NAME.fullmatch(text) is not None


class Resource(NamedTuple):
    """What runs, facts and changes are kept of."""

    cluster: str
    resource_type: str
    namespace: str
    resource_id: str
