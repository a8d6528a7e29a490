"""Text -> the same text without what looks like a credential.

The model sees logs, manifests and events, and any of these may hold one. What it repeats is written to the
log, the termination message and a ticket, so it goes through here first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

REDACTED = "[redacted]"
MIN_KNOWN = 8
"""Characters of a known secret; a shorter one would take common words with it."""

START = r"(?:(?<!\w)|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))"
"""Where a word begins, also right after an escape of JSON that stands in a text."""

SHAPES = re.compile(
    "|".join(
        (
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
            # JSON Web Tokens (RFC 7519). No hyphen before one: a row of them would be quadratic.
            START + r"(?<!-)eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*",
            START + r"sk-(?:ant-)?[\w-]{20,}",  # model providers
            START + r"(?:gh[pousr]_\w{20,}|github_pat_\w{20,})",
            START + r"gl[a-z]{2,5}-[\w-]{20,}",  # GitLab
            START + r"glsa_\w{20,}",  # Grafana
            START + r"ATATT[\w=-]{20,}",  # Atlassian
            START + r"xox[abeprs]-[\w-]{10,}",  # Slack
            START + r"(?:AKIA|ASIA)[0-9A-Z]{16}\b",  # AWS
            START + r"AIza[\w-]{30,}",  # Google
            r"(?<=://)[^\s/:@\"'<>]{1,256}:[^\s/@\"'<>]{1,256}(?=@)",  # user and password in a URL
            r"(?i:(?<=bearer )|(?<=basic ))[\w.~+/=-]{12,}",
        )
    ),
    re.ASCII | re.DOTALL,
)
NAMED = re.compile(
    r"((?:password|passwd|secret|token|api_?key)\\*[\"']?\s?[:=]\s?\\*[\"']?)[^\s&\"',;\\]{6,}",
    re.ASCII | re.IGNORECASE,
)
"""What is called a credential, in a command line, YAML or JSON: the name stays."""


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """The text without any of the `known` secrets, and without what has the shape of one."""
    for secret in known:
        if len(secret) >= MIN_KNOWN:
            text = text.replace(secret, REDACTED)
    return NAMED.sub(rf"\1{REDACTED}", SHAPES.sub(REDACTED, text))


def cleaned(value: Any, known: Iterable[str] = ()) -> Any:
    """A JSON value with each text in it redacted, names of fields included."""
    if isinstance(value, str):
        return redacted(value, known)
    if isinstance(value, dict):
        return {redacted(key, known): cleaned(child, known) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(child, known) for child in value]
    return value
