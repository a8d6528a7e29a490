"""Removes credentials from text.

The model reads logs, manifests and events, which may contain credentials. The runner writes text of the model
to the log, the termination message and a ticket. Before that, the runner redacts the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from function.runner.credentials import NAMED, PATTERNS, kept, matches
from function.runner.disguise import replace_encoded, without_unseen

REDACTED = "[redacted]"
MIN_KNOWN = 8
"""The minimum length of a known secret. A shorter secret could be part of common words."""


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """Returns the text without `known` secrets, and without anything that looks like a credential. A text in
    which an invisible character hides a credential loses all its invisible characters."""
    secrets = [secret for secret in known if len(secret) >= MIN_KNOWN]
    plain = without_unseen(text)
    clean = _redacted(plain, secrets)
    return clean if clean != plain else _redacted(text, secrets)


def _redacted(text: str, secrets: Sequence[str]) -> str:
    def has_one(decoded: str) -> bool:
        return has_credential(decoded) or any(secret in decoded for secret in secrets)

    for secret in secrets:
        text = text.replace(secret, REDACTED)
    for pattern in PATTERNS:
        text = pattern.sub(_without_value, text)
    return replace_encoded(text, has_one, REDACTED)


def _without_value(found: re.Match[str]) -> str:
    return kept(found) + REDACTED


def has_credential(text: str) -> bool:
    return any(True for _ in matches(text))


def cleaned(value: Any, known: Iterable[str] = ()) -> Any:
    """Returns the JSON value with all its texts redacted, including keys."""
    if isinstance(value, str):
        return redacted(value, known)
    if isinstance(value, dict):
        called = value.get("name")  # as in a container's environment
        return {
            redacted(key, known): REDACTED
            if isinstance(child, str)
            and (_is_credential(key, child) or (key == "value" and _is_credential(called, child)))
            else cleaned(child, known)
            for key, child in value.items()
        }
    if isinstance(value, list | tuple):
        return [cleaned(child, known) for child in value]
    return value


def _is_credential(name: object, text: str) -> bool:
    """Returns whether the field's name identifies its text as a credential."""
    return isinstance(name, str) and REDACTED in NAMED.sub(REDACTED, f"{name[:128]}: {text[:32]}")
