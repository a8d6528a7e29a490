"""Writes the files of a commit to a folder. An agent may change the files there.

It writes the files one by one, without `git checkout`. So no hook or filter of the repository is executed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from function.runner.file_names import folded, folders_above, misleads
from function.runner.git import Entry, Git
from function.shared.errors import Misconfigured

MIB = 1024 * 1024
MAX_FILES = 20_000
MAX_FILE = MIB
MAX_TOTAL = 64 * MIB
BATCH = 8 * MIB


class Base(NamedTuple):
    """The tree of a commit: the files that the agent receives, and the entries that it does not receive."""

    given: Mapping[str, Entry]
    left_out: frozenset[str]
    """All other entries of the tree, except folders. A proposal leaves these entries unchanged."""
    paths: frozenset[str]
    folded: frozenset[str]


def materialize(git: Git, commit: str, work: Path) -> int:
    """Writes the plain files of the commit into the empty folder `work`, and returns their number.

    It leaves out links, submodules, files over MAX_FILE bytes and misleading names. Raises Misconfigured if
    the repository has over MAX_FILES files or MAX_TOTAL bytes, or if the folder is not empty. Raises
    Unavailable like Git."""
    if next(work.iterdir(), None) is not None:
        raise Misconfigured(f"{work} is not empty: give the repository an empty folder")
    files = [*base_of(git, commit).given.values()]
    if len(files) > MAX_FILES or sum(file.size for file in files) > MAX_TOTAL:
        limits = f"{MAX_FILES:,} files or {MAX_TOTAL // MIB} MiB"
        raise Misconfigured(f"the repository has over {limits}: name a smaller one in the tier")
    for file, content in contents(git, files):
        path = work / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as out:
            out.write(content)
            os.fchmod(out.fileno(), 0o755 if file.mode == "100755" else 0o644)
    return len(files)


def base_of(git: Git, commit: str) -> Base:
    entries = git.entries(commit, below=True)
    count = Counter(entry.path for entry in entries)
    plain = {entry.path for entry in entries if entry.kind == "tree" and count[entry.path] == 1}
    given = {
        entry.path: entry
        for entry in entries
        if entry.mode in ("100644", "100755")
        and entry.size <= MAX_FILE
        and count[entry.path] == 1
        and folders_above([entry.path]) <= plain
        and not misleads(entry.path)
    }
    left_out = frozenset(count.keys() - given.keys() - plain)
    return Base(given, left_out, frozenset(count), frozenset(map(folded, count)))


def contents(git: Git, files: Iterable[Entry]) -> Iterator[tuple[Entry, bytes]]:
    for batch in _batches(files):
        yield from zip(batch, git.blobs([file.sha for file in batch]), strict=True)


def _batches(files: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yields the files in batches. A batch has at most BATCH bytes, or a single file."""
    batch: list[Entry] = []
    size = 0
    for file in files:
        if batch and size + file.size > BATCH:
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch
