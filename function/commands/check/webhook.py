"""Checks whether the function answers at the address to which Alertmanager sends."""

from __future__ import annotations

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from function.commands.check.rows import Row
from function.shared import http

LOOK_AT_SERVICE = "run `kubectl get ksvc -A`, and check that network policies let this pod reach the ingress"
WAKING_SECONDS = 30.0
"""The time limit for the reply. It includes a start of the function from zero pods."""
CONNECT_SECONDS = 5.0
READINESS = "/health/readiness"


def address(url: str, lookup: Callable[[str, int], object] = socket.getaddrinfo) -> Row:
    """Returns the row about the http `url` to which Alertmanager sends. The row passes if the function
    answers within WAKING_SECONDS. `lookup` raises OSError for an unknown name."""
    import httpx

    name, host = "webhook address", urlsplit(url).hostname or ""
    try:
        lookup(host, 80)  # the resolver has time limits of its own
        with (
            http.connect(url, WAKING_SECONDS, CONNECT_SECONDS) as client,
            client.stream("GET", READINESS) as answer,
        ):
            status = answer.status_code
    except httpx.HTTPError as error:
        detail = f"{url} does not answer ({type(error).__name__}): {LOOK_AT_SERVICE}"
        return Row(name, passed=False, detail=detail)
    except OSError:
        return Row(name, passed=False, detail=f"DNS has no address for {host}: {LOOK_AT_SERVICE}")
    if status != 200:
        return Row(name, passed=False, detail=f"{url}{READINESS} answers {status}: {LOOK_AT_SERVICE}")
    return Row(name, passed=True, detail=url)
