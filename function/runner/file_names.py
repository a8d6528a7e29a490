"""Decides whether a path is safe to write or misleading."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable

MAX_PATH = 1024
MAX_NAME = 255
"""The maximum length of a file name on Linux, in bytes."""
MAX_DEPTH = 32
"""The maximum number of folders above a file. While the tree is read, each folder is an open file
descriptor."""


def misleads(path: str) -> bool:
    """Returns whether some operating system could read the path as another path."""
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
"""Names that NTFS reads as .git: the short name, streams, and names with trailing characters that NTFS drops
(CVE-2014-9390, CVE-2019-1352). HFS+ also reads some names with format characters as .git.
This expression does not match those names; `hides` finds them."""


def folders_above(paths: Iterable[str]) -> frozenset[str]:
    """Returns all parent folders of the paths."""
    parts = (path.split("/") for path in paths)
    return frozenset("/".join(each[:end]) for each in parts for end in range(1, len(each)))


def folded(name: str) -> str:
    """Returns the name in a normal form. Names that differ only in case or in Unicode form have the same
    normal form."""
    return unicodedata.normalize("NFKC", name).casefold()


def is_git(name: str) -> bool:
    return folded(name).startswith(".git") or bool(GIT_FOLDER.fullmatch(folded(name)))


UNSEEN = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
"""Letters, marks and a symbol that show nothing: joiners, fillers and variation selectors. In the standard
they have the property Default_Ignorable_Code_Point, except the empty braille pattern."""


def hides(text: str) -> bool:
    """Returns whether the text has invisible characters: control, format and unassigned characters, line
    ends, fillers, variation selectors, and surrogates. A surrogate represents a byte that is not UTF-8."""
    return any(
        letter in UNSEEN or unicodedata.category(letter).startswith(("C", "Zl", "Zp")) for letter in text
    )
