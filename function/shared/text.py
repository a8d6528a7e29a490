"""Cuts texts, and writes time spans in words."""

from __future__ import annotations

MAX_TEXT = 512
"""The maximum length of a text in a fact. Most messages of Kubernetes Events fit."""
CUT = "[cut]"


def cut(text: object, length: int = MAX_TEXT) -> str:
    """Returns the text in at most `length` characters. A cut text ends with the mark `[cut]`."""
    whole = str(text)
    return whole if len(whole) <= length else (whole[: max(0, length - len(CUT))] + CUT)[:length]


def cut_middle(text: object, length: int = MAX_TEXT) -> str:
    """Returns the text in at most `length` characters. Of a long text it keeps both ends, with the number of
    characters that are left out in between: a kubelet's message ends with the cause."""
    whole = str(text)
    mark = f"[cut: {len(whole)} characters]"  # as long as the real mark, or longer
    if len(whole) <= length:
        return whole
    kept = length - len(mark)
    if kept < 2:
        return cut(whole, length)
    head, tail = whole[: kept // 2], whole[-(kept - kept // 2) :]
    return f"{head}[cut: {len(whole) - kept} characters]{tail}"


def cut_and_count(text: str, length: int) -> str:
    """Returns the first `length` characters, and then the number of characters that are left out. Raw alerts
    are cut in this way, so an audit line shows how much is missing."""
    return text if len(text) <= length else text[:length] + left_out(len(text) - length, "characters")


def left_out(count: int, unit: str) -> str:
    """Returns the mark that shows how much of a raw alert is left out."""
    return f"[cut: {count} more {unit}]"


def ago(seconds: float) -> str:
    """Returns a time span in words, such as `3 hours ago`."""
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"
