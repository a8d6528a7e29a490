"""How a text is cut, and a time span said."""

from __future__ import annotations

MAX_TEXT = 256
"""Characters of one text in a fact: an event's message fits, an essay does not."""


def cut(text: object, length: int = MAX_TEXT) -> str:
    """The text, at most so long, the cut marked."""
    whole = str(text)
    return whole if len(whole) <= length else whole[: length - 5] + "[cut]"


def ago(seconds: float) -> str:
    """A time span as people say it."""
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"
