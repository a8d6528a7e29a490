"""Whether the function answers at the address that Alertmanager sends to."""

from __future__ import annotations

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from function.commands.check.rows import Row
from function.shared import http

LOOK_AT_SERVICE = "look at `kubectl get ksvc -A`, and whether this pod may reach its ingress"
WAKING_SECONDS = 30.0
"""The function may have to start from zero first."""
CONNECT_SECONDS = 5.0
READINESS = "/health/readiness"


def address(url: str, lookup: Callable[[str, int], object] = socket.getaddrinfo) -> Row:
    """Whether the function answers within WAKING_SECONDS at the http `url` that Alertmanager sends to.
    `lookup` raises OSError for an unknown name."""
    import httpx

    name, host = "webhook address", urlsplit(url).hostname or ""
    try:
        lookup(host, 80)  # bounded by the resolver's own limits
        with (
            http.connect(url, WAKING_SECONDS, CONNECT_SECONDS) as client,
            client.stream("GET", READINESS) as answer,
        ):
            status = answer.status_code
    except httpx.HTTPError as error:
        detail = f"{url} does not answer ({type(error).__name__}): {LOOK_AT_SERVICE}"
        return Row(name, passed=False, detail=detail)
    except OSError:
        return Row(name, passed=False, detail=f"DNS does not know {host}: {LOOK_AT_SERVICE}")
    if status != 200:
        return Row(name, passed=False, detail=f"{url}{READINESS} answers {status}: {LOOK_AT_SERVICE}")
    return Row(name, passed=True, detail=url)
