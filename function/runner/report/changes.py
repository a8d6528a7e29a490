"""Reads the agent's changes in the folder that `checkout` wrote.

The content of the folder is untrusted and may change while it is read. If any change is not a plain edit of a
text file, the whole proposal is refused."""

from __future__ import annotations

import hashlib
import itertools
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from function.runner.checkout import MAX_FILE, base_of
from function.runner.file_names import folded, folders_above, is_git, misleads
from function.runner.git import Git
from function.runner.report.guard import (
    MAX_ENTRIES,
    FoundFile,
    ProposalRefused,
    check_deleted,
    check_lines,
    check_new,
    check_place,
    check_scripts,
    check_sizes,
    readable_text,
)
from function.runner.tier import Proposals


@dataclass(frozen=True)
class Changes:
    """Changes that passed every rule: the content of written files by path, and the paths of deleted
    files."""

    written: Mapping[str, bytes]
    deleted: frozenset[str]

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(sorted({*self.written, *self.deleted}))


def read_changes(git: Git, commit: str, work: Path, path: str, allowed: Proposals) -> Changes:
    """Returns the differences between `work` and the files that `materialize` wrote there, if every rule
    allows them.

    Only files that `allowed` names may change, below the folder `path`. An empty `path` allows every folder.
    It follows no link and reads each file once, so a process that writes at the same time is harmless. Raises
    ProposalRefused at the first violation. Raises Unavailable like Git."""
    base = base_of(git, commit)
    blocked = base.left_out | folders_above(base.left_out)
    written: dict[str, bytes] = {}
    seen = set()
    try:
        for found in _walk(work):
            seen.add(found.path)
            before = base.given.get(found.path)
            if found.executable and (before is None or before.mode != "100755"):
                raise ProposalRefused("proposal_executable", found.path)
            if before is None or before.sha != _sha(found.content):
                check_place(found.path, path, allowed)
                if before is None:
                    check_new(found.path, base, blocked)
                written[found.path] = readable_text(found)
                check_sizes(written)
    except OSError:
        raise ProposalRefused("proposal_unreadable") from None
    deleted = sorted(base.given.keys() - seen)
    check_deleted(deleted, path, allowed)
    check_scripts(git, base, written, deleted)
    new = {name for each in written.keys() - base.given.keys() for name in (each, *folders_above([each]))}
    if len({folded(name) for name in new}) < len(new):
        raise ProposalRefused("proposal_collision")
    check_lines(git, base, written)
    return Changes(written, frozenset(deleted))


FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""The flags for opening a file. With these flags a link is not opened, and a pipe does not block."""


def _walk(work: Path) -> Iterator[FoundFile]:
    """Yields every file in the folder. Each folder is opened from its parent, so no path is resolved
    twice."""
    count = itertools.count(1)

    def walk(folder: int, above: str) -> Iterator[FoundFile]:
        with os.scandir(folder) as entries:
            for entry in entries:
                path = above + entry.name
                if next(count) > MAX_ENTRIES:
                    raise ProposalRefused("proposal_entries")
                if misleads(path):
                    raise ProposalRefused("proposal_git" if is_git(entry.name) else "proposal_name", path)
                if entry.is_dir(follow_symlinks=False):
                    with _opened(entry.name, FOLDER, folder) as inner:
                        yield from walk(inner, f"{path}/")
                else:
                    yield _read(folder, entry, path)

    with _opened(work, FOLDER) as top:
        yield from walk(top, "")


@contextmanager
def _opened(name: str | Path, flags: int, folder: int | None = None) -> Iterator[int]:
    opened = os.open(name, flags, dir_fd=folder)
    try:
        yield opened
    finally:
        os.close(opened)


def _read(folder: int, entry: os.DirEntry[str], path: str) -> FoundFile:
    if not stat.S_ISREG(mode := entry.stat(follow_symlinks=False).st_mode):
        raise ProposalRefused("proposal_link" if stat.S_ISLNK(mode) else "proposal_special", path)
    with os.fdopen(os.open(entry.name, FILE, dir_fd=folder), "rb") as file:
        if not stat.S_ISREG(mode := os.fstat(file.fileno()).st_mode):
            raise ProposalRefused("proposal_special", path)
        return FoundFile(path, file.read(MAX_FILE + 1), bool(mode & 0o111))


def _sha(content: bytes) -> str:
    """Returns the SHA-1 name of a git blob with this content."""
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()
