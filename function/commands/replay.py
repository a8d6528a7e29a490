"""Sends a delivery from a file to the function, as Alertmanager or `func invoke` does."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
from cloudevents.conversion import to_binary
from cloudevents.http import CloudEvent

from function.shared.errors import Unavailable

MAX_SHOWN = 2000
"""Characters of a reply. Those of the function are far shorter."""
TIMEOUT_SECONDS = 60.0
"""Enough for a cold start and a full delivery. `func invoke` waits as long."""


def send(body: bytes, url: str, token: bytes, *, cloudevent: bool) -> tuple[int, str]:
    """The status and body of the reply. Raises Unavailable if there is none."""
    headers = {"Content-Type": "application/json"}
    if cloudevent:
        attributes = {
            "type": "boson.fn",
            "source": "/sre-dispatch/replay",
            "datacontenttype": "application/json",
        }
        headers, body = to_binary(CloudEvent(attributes, body))
    if token:
        headers["Authorization"] = f"Bearer {token.decode('latin-1')}"
    try:
        if not cloudevent and urlsplit(url).path in ("", "/"):
            url = url.rstrip("/") + "/alertmanager"
        reply = httpx.post(url, content=body, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        # The message has no URL: it can contain a token, which func invoke requires.
        raise Unavailable("no_reply", f"no reply ({type(error).__name__}): check --url") from None
    return reply.status_code, reply.text[:MAX_SHOWN]
