"""Runs the runner's git commands on a bare repository without a checkout.

It fetches one commit of a branch and builds commits from objects. The content of the fetched repository is
only data: attributes, links and submodules have no effect.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from function.runner.git_process import MIB, GitProcess, code_of, failed

MAX_LISTING = 8 * MIB
"""The maximum size of a tree's listing. An entry has 63 bytes or more, so the limit is about 130,000
entries."""
BASE, OTHER = "refs/sre-dispatch/base", "refs/sre-dispatch/other"


class Entry(NamedTuple):
    """An entry of a tree. In `path`, a surrogate represents a byte that is not UTF-8. `size` is -1 for a
    folder."""

    mode: str
    kind: str
    sha: str
    size: int
    path: str


class Pushed(NamedTuple):
    """The result of a push. `flag` comes from git: `*` new, `+` forced, a space for fast-forward, `!`
    rejected. The forge wrote all other fields."""

    flag: str
    ref: str
    reason: str
    remote: str
    """The forge's message for people."""


@dataclass(frozen=True)
class Git:
    """Runs git on the bare repository of its process, which `fetch` creates. Each method raises Unavailable
    like GitProcess."""

    process: GitProcess

    def fetch(self, url: str, branch: str, ref: str = BASE) -> str:
        """Fetches the newest commit of the branch without history, and returns the commit's name."""
        if not (self.process.git_dir / "HEAD").exists():
            self.process.git_dir.mkdir(parents=True, exist_ok=True)
            self.process.run("init", "--quiet", "--bare", "--template=")
        only = ("--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--quiet")
        self.process.run("fetch", *only, url, f"+refs/heads/{branch}:{ref}", code="git_unreachable")
        return self.process.line("rev-parse", "--verify", f"{ref}^{{commit}}")

    def tip(self, url: str, branch: str) -> str | None:
        """Returns the newest commit of a branch on the forge, or None if the branch does not exist."""
        ref = f"refs/heads/{branch}"
        output = self.process.run("ls-remote", "--refs", url, ref, code="git_unreachable")
        # Git matches the end of a name, so the list may contain other refs.
        found = (line.partition("\t") for line in output.decode("utf-8", "replace").splitlines())
        return next((sha for sha, _, name in found if name == ref), None)

    def entries(self, tree: str, *, below: bool = False) -> list[Entry]:
        """Returns the entries of a tree or commit. With `below` it includes the entries of all subfolders."""
        deep = ("-r", "-t") if below else ()
        listed = self.process.run("ls-tree", "-z", "-l", "--full-tree", *deep, tree, limit=MAX_LISTING)
        return [_entry(line) for line in listed.split(b"\0") if line]

    def blobs(self, shas: Sequence[str]) -> Iterator[bytes]:
        """Yields the contents in the order of `shas`, together at most MAX_OUTPUT bytes."""
        output = self.process.run("cat-file", "--batch", stdin="".join(f"{sha}\n" for sha in shas).encode())
        at = 0
        for sha in shas:
            end = output.find(b"\n", at)
            head = output[at:end].split()
            if len(head) != 3 or head[:2] != [sha.encode(), b"blob"]:
                raise failed("cat-file", 0)
            at = end + 1 + int(head[2]) + 1
            yield output[end + 1 : at - 1]

    def write(self, content: bytes) -> str:
        """Stores the content unchanged, and returns the blob's name."""
        return self.process.line("hash-object", "-w", "--no-filters", "--stdin", stdin=content)

    def tree(self, base: str, changed: Mapping[str, str | None]) -> str:
        """Returns a copy of the tree `base` in which each path in `changed` is set to a blob or removed. All
        other entries stay unchanged, including entries that an index would refuse. A file keeps its mode. A
        new file has mode 644."""
        return self._tree(base, changed) or self.process.line("mktree", "-z")

    def _tree(self, base: str, changed: Mapping[str, str | None]) -> str:
        """Returns the tree's name. It is empty if no entry is left."""
        entries = self.entries(base) if base else []
        there = {(entry.path, entry.kind): entry for entry in entries}
        below: dict[str, dict[str, str | None]] = {}
        for path, sha in changed.items():
            name, _, rest = path.partition("/")
            below.setdefault(name, {})[rest] = sha
        left = [entry for entry in entries if entry.path not in below]
        for name, inner in below.items():
            blob, folder = inner.pop("", None), there.get((name, "tree"))
            if blob:
                before = there.get((name, "blob"))
                left.append(Entry(before.mode if before else "100644", "blob", blob, -1, name))
            elif inner and (made := self._tree(folder.sha if folder else "", inner)):
                left.append(Entry("040000", "tree", made, -1, name))
        lines = (f"{mode} {kind} {sha}\t{path}\0" for mode, kind, sha, _, path in left)
        return self.process.line("mktree", "-z", stdin=os.fsencode("".join(lines))) if left else ""

    def commit(self, tree: str, parent: str, message: str) -> str:
        """Creates a commit. No ref points to the commit yet."""
        return self.process.line("commit-tree", tree, "-p", parent, stdin=message.encode())

    def tree_of(self, commit: str) -> str:
        return self.process.line("rev-parse", "--verify", f"{commit}^{{tree}}")

    def message(self, commit: str) -> str:
        """Returns the message of the commit. The commit's author wrote the message."""
        return self.process.run("cat-file", "commit", commit).decode("utf-8", "replace").partition("\n\n")[2]

    def push(
        self, url: str, commit: str, ref: str, options: Sequence[str], lease: str | None = None
    ) -> Pushed:
        """Pushes the commit to `ref`. With a `lease` it replaces the ref if the ref still points to that
        commit. An empty `lease` means that the ref must not exist. A rejection is a flag of the result, not
        an error."""
        given = [f"--push-option={option}" for option in options]
        force = [f"--force-with-lease={ref}:{lease}"] if lease is not None else []
        fixed = ("--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no")
        done = self.process.result("push", *fixed, *force, *given, url, f"{commit}:{ref}")
        for line in done.output.decode("utf-8", "replace").splitlines():
            if found := re.fullmatch(r"([ +*!=-])\t[^\t]*?:(\S+)\t(.*)", line):
                remote = re.findall(r"^remote: ?(.*?)\s*$", done.errors.decode("utf-8", "replace"), re.M)
                return Pushed(found[1], found[2], found[3], "\n".join(remote))
        raise failed("push", done.status, code_of(done.errors, "git_unreachable"))

    def credential(self, url: str) -> tuple[str, str]:
        """Returns the user and the token that git finds for the URL in the file."""
        filled = self.process.run("credential", "fill", stdin=f"url={url}\n\n".encode(), code="git_refused")
        found = dict(line.partition("=")[::2] for line in filled.decode("utf-8", "replace").splitlines())
        return found["username"], found["password"]


def _entry(line: bytes) -> Entry:
    head, _, path = line.partition(b"\t")
    mode, kind, sha, size = head.decode("ascii", "replace").split()
    return Entry(mode, kind, sha, int(size) if size.isdigit() else -1, os.fsdecode(path))
