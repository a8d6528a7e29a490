"""A commit of a repository, and a folder in which an agent works on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from function.runner.checkout import materialize
from function.runner.git import Git
from function.runner.git_process import GitProcess
from function.runner.report import merge_request
from function.runner.report.changes import Changes, read_changes
from function.runner.report.guard import VIOLATIONS, ProposalRefused
from function.runner.report.merge_request import About, Proposal
from function.runner.tier import Proposals, Repository
from tests.harness.forge import SUBMODULE, Forge, Tree, bare, committed, run

ANY = Proposals(endings=("",), may_delete=True)
"""What no tier can allow: so each test meets the one rule that it is about."""
ABOUT = About("ab" * 32, "Grow the claim to 40Gi", "It is full on Thursday.")


HOSTILE: Tree = {
    "README.md": b"read me\n",
    ".gitattributes": b"* filter=evil eol=crlf text working-tree-encoding=UTF-16\n",
    ".gitmodules": b'[submodule "sub"]\n\tpath = apps/sub\n\turl = ext::sh -c evil\n',
    ".gitlab-ci.yml": b"test:\n",
    ".GIT": {"config": b"[core]\n\tfsmonitor = evil\n"},
    ".git": {"hooks": {"post-checkout": ("100755", b"#!/bin/sh\n")}},
    "apps": {
        "values.yaml": b"size: 20Gi\n",
        "windows.txt": b"one\r\ntwo\r\n",
        "run": ("100755", b"echo one\n"),
        "link": ("120000", b"/etc/passwd"),
        "up": ("120000", b"../../../.."),
        "sub": SUBMODULE,
        "large.bin": b"x" * (1024 * 1024 + 1),
        "latin": b"\xe4\n",
        "case.txt": b"lower\n",
        "CASE.txt": b"upper\n",
        "git~1": {"config": b"x"},
        ".git ": b"x",
        ".git\u200c": {"config": b"x"},
        ".gitignore": b"*.tmp\n",
        "a\u202eb": b"x",
        b"bad\xff": b"x",
        "new\nline": b"x",
        "deep": {"er": {"file.yaml": b"x: 1\n"}},
        "script": b"#!/bin/sh\n",
        "mixed": {"plain": b"x\n", "link": ("120000", b"plain")},
        "n" * 256: b"x",
    },
}


GIVEN = {"README.md", ".gitattributes", ".gitmodules", ".gitlab-ci.yml"} | {
    f"apps/{name}"
    for name in ("values.yaml", "windows.txt", "run", "latin", "case.txt", "CASE.txt", ".gitignore")
}


@dataclass(frozen=True)
class Desk:
    """A commit, and a folder in which an agent works on it."""

    git: Git
    repository: Repository
    commit: str
    work: Path
    forge: Forge

    def changes(self, path: str = "apps", allowed: Proposals = ANY) -> Changes:
        return read_changes(self.git, self.commit, self.work, path, allowed)

    def propose(self, about: About = ABOUT) -> Proposal:
        return merge_request.propose(self.git, self.repository, self.commit, self.changes(), about)

    def write(self, path: str, content: str | bytes) -> None:
        file = self.work / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def repository_at(self, path: str) -> Repository:
        return replace(self.repository, url=f"{self.forge.url}/{path}.git")

    def on_forge(self, *arguments: str) -> str:
        return run(self.forge.folder / "it.git", *arguments).decode()


def desk(forge: Forge, folder: Path, told: Tree = HOSTILE, kind: Any = "gitea") -> Desk:
    if not (forge.folder / "it.git").exists():
        bare(forge.folder / "it.git")
        committed(forge.folder / "it.git", told)
    repository = Repository(f"{forge.url}/it.git", "f3iai", path="apps", forge=kind)
    git = Git(GitProcess(folder / "clone", forge.credentials()))
    commit = git.fetch(repository.url, repository.branch)
    work = folder / "work"
    work.mkdir()
    materialize(git, commit, work)
    return Desk(git, repository, commit, work, forge)


def refused(what: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ProposalRefused) as raised:
        what()
    assert raised.value.code in VIOLATIONS
    return raised.value.code, raised.value.path
