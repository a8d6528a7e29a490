"""What a path may look like that is written to a file system, and what it may be taken for."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable

MAX_PATH = 1024
MAX_NAME = 255
"""Bytes; Linux takes no longer name."""
MAX_DEPTH = 32
"""Folders above a file; each is an open descriptor while the tree is walked."""


def misleads(path: str) -> bool:
    """Whether a path could name something else than it seems to, somewhere."""
    names = path.split("/")
    if len(names) > MAX_DEPTH or len(os.fsencode(path)) > MAX_PATH:
        return True
    return any(
        name in ("", ".", "..")
        or len(os.fsencode(name)) > MAX_NAME
        or GIT_FOLDER.fullmatch(folded(name)) is not None
        or hides(name)
        for name in names
    )


GIT_FOLDER = re.compile(r"(?:\.git|git~\d+)[ .]*(?:[:\\].*)?", re.DOTALL)
"""What some system takes for .git: NTFS by its short name, its streams, and the ends that it drops
(CVE-2014-9390, CVE-2019-1352). The look-alikes of HFS+ hold format characters, and no name may."""


def folders_above(paths: Iterable[str]) -> frozenset[str]:
    """All folders above the paths."""
    parts = (path.split("/") for path in paths)
    return frozenset("/".join(each[:end]) for each in parts for end in range(1, len(each)))


def folded(name: str) -> str:
    """The name as a system sees it that knows neither upper and lower case nor forms of a letter."""
    return unicodedata.normalize("NFKC", name).casefold()


def is_git(name: str) -> bool:
    return folded(name).startswith(".git") or bool(GIT_FOLDER.fullmatch(folded(name)))


def hides(text: str) -> bool:
    """Whether characters are in it that do not show: control, format, surrogates (of bytes that are no
    UTF-8), unassigned ones, and ends of lines."""
    return any(unicodedata.category(letter).startswith(("C", "Zl", "Zp")) for letter in text)
