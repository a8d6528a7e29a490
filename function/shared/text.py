"""Cuts texts, and says how long ago something was."""

from __future__ import annotations

MAX_TEXT = 256
"""Characters of one text in a fact: the message of an event fits, an essay does not."""
CUT = "[cut]"


def cut(text: object, length: int = MAX_TEXT) -> str:
    """The text in at most `length` characters. A text that was cut ends with the mark `[cut]`."""
    whole = str(text)
    return whole if len(whole) <= length else (whole[: max(0, length - len(CUT))] + CUT)[:length]


def cut_and_count(text: str, length: int) -> str:
    """The first `length` characters, then the number of those left out. Raw alerts are cut in this way, so
    that an audit line shows how much is missing."""
    return text if len(text) <= length else text[:length] + left_out(len(text) - length, "characters")


def left_out(count: int, unit: str) -> str:
    """The mark that says how much of a raw alert was left out."""
    return f"[cut: {count} more {unit}]"


def ago(seconds: float) -> str:
    """A time span in words, such as `3 hours ago`."""
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"
