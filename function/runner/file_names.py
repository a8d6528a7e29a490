"""Which paths are safe to write, and which are misleading."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable

MAX_PATH = 1024
MAX_NAME = 255
"""Bytes of one name on Linux."""
MAX_DEPTH = 32
"""Folders above a file. Each is an open descriptor while the tree is read."""


def misleads(path: str) -> bool:
    """Whether some system could take the path for another one."""
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
"""Names that some system takes for .git: on NTFS its short name, streams, and trailing characters that it
drops (CVE-2014-9390, CVE-2019-1352). Those of HFS+ contain format characters, which `hides` refuses."""


def folders_above(paths: Iterable[str]) -> frozenset[str]:
    """All parent folders of the paths."""
    parts = (path.split("/") for path in paths)
    return frozenset("/".join(each[:end]) for each in parts for end in range(1, len(each)))


def folded(name: str) -> str:
    """The name as a system sees it that ignores case and forms of letters."""
    return unicodedata.normalize("NFKC", name).casefold()


def is_git(name: str) -> bool:
    return folded(name).startswith(".git") or bool(GIT_FOLDER.fullmatch(folded(name)))


def hides(text: str) -> bool:
    """Whether the text has invisible characters: control, format, unassigned, line ends, and surrogates,
    which stand for bytes that are not UTF-8."""
    return any(unicodedata.category(letter).startswith(("C", "Zl", "Zp")) for letter in text)
