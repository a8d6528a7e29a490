"""Sends a delivery from a file to the function, as Alertmanager or `func invoke` does."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
from cloudevents.conversion import to_binary
from cloudevents.http import CloudEvent

from function.shared.errors import Unavailable

MAX_SHOWN = 2000
"""The maximum number of characters that are printed of a reply. The function's replies are far shorter."""
TIMEOUT_SECONDS = 60.0
"""The time limit for the reply. It is enough for a cold start and a full delivery. `func invoke` waits for
the same time."""


def send(body: bytes, url: str, token: bytes, *, cloudevent: bool) -> tuple[int, str]:
    """Sends the body, and returns status and body of the reply. Raises Unavailable if there is no reply."""
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
        # The message leaves out the URL, which can contain a token for `func invoke`.
        raise Unavailable("no_reply", f"no reply ({type(error).__name__}): check --url") from None
    return reply.status_code, reply.text[:MAX_SHOWN]
