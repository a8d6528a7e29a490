"""A delivery from a file -> the function, as Alertmanager or as `func invoke` sends it."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
from cloudevents.conversion import to_binary
from cloudevents.http import CloudEvent

from function.shared.errors import Unavailable

MAX_SHOWN = 2000
"""Characters of a reply; ours are far shorter."""
TIMEOUT_SECONDS = 60.0
"""A cold start and a full delivery; `func invoke` waits as long."""


def send(body: bytes, url: str, token: bytes, *, cloudevent: bool) -> tuple[int, str]:
    """The reply's status and body. Raises Unavailable where none came."""
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
        # Not the URL, which may hold a token, as func invoke wants it.
        raise Unavailable("no_reply", f"no reply: {type(error).__name__}; see --url") from None
    return reply.status_code, reply.text[:MAX_SHOWN]
