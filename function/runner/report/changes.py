"""What an agent changed in the folder that `checkout` wrote.

It trusts neither what the folder holds nor that it stands still, and refuses it as a whole if anything in it
is not a plain edit.
"""

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
    MAX_DELETED,
    MAX_ENTRIES,
    FoundFile,
    ProposalRefused,
    judge_new,
    judge_place,
    judge_scripts,
    judge_secrets,
    judge_sizes,
    judged,
)


@dataclass(frozen=True)
class Changes:
    """What the agent did, every rule passed: content by path, and paths of deleted files."""

    written: Mapping[str, bytes]
    deleted: frozenset[str]

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(sorted({*self.written, *self.deleted}))


def read_changes(git: Git, commit: str, work: Path, path: str) -> Changes:
    """What is different in `work` from what `materialize` put there, if every bit of it may be proposed.

    `path` is the folder outside which nothing may change, empty for none. No link is followed, and each
    content is read once, so that it does not matter who writes there meanwhile. Raises Refused at the first
    flaw, Unavailable as Git does.
    """
    base = base_of(git, commit)
    blocked = base.left_out | folders_above(base.left_out)
    written: dict[str, bytes] = {}
    seen = set()
    try:
        for found in _walk(work):
            seen.add(found.path)
            was = base.given.get(found.path)
            if found.executable and (was is None or was.mode != "100755"):
                raise ProposalRefused("proposal_executable", found.path)
            if was is None or was.sha != _sha(found.content):
                judge_place(found.path, path)
                if was is None:
                    judge_new(found.path, base, blocked)
                written[found.path] = judged(found)
                judge_sizes(written)
    except OSError:
        raise ProposalRefused("proposal_unreadable") from None
    deleted = base.given.keys() - seen
    if len(deleted) > MAX_DELETED:
        raise ProposalRefused("proposal_deleted")
    for each in sorted(deleted):
        judge_place(each, path)
    judge_scripts(git, base, written, deleted)
    new = {name for each in written.keys() - base.given.keys() for name in (each, *folders_above([each]))}
    if len({folded(name) for name in new}) < len(new):
        raise ProposalRefused("proposal_collision")
    judge_secrets(git, base, written)
    return Changes(written, frozenset(deleted))


FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""A name that is swapped for a link or a pipe meanwhile is not opened, or does not block."""


def _walk(work: Path) -> Iterator[FoundFile]:
    """Every file below. Each folder is opened from the one above, so that no name is looked up twice."""
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
    """The name that git gives to a blob of this content, where it names by SHA-1."""
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()
