"""Git, as a program that is given nothing to act on: no configuration, hook, filter or checkout of anybody.

It keeps a bare repository, fetches one commit of a branch into it, and makes commits of objects alone. What
stands in a foreign repository is data here and no more: attributes, links and submodules do nothing.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple, cast

from function.shared.errors import Unavailable
from function.shared.http import PROXIES

FIXED = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "LC_ALL": "C",  # _code() reads what git says
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "sre-dispatch"), ("EMAIL", "sre-dispatch@noreply.invalid"))
}
CONFIG = {
    "core.askPass": "",
    "core.bigFileThreshold": "1m",  # what is larger is nobody's to change, and only streams through memory
    "core.hooksPath": "/dev/null",
    "core.packedGitLimit": "64m",  # of a pack that is mapped: else the whole of it
    "core.packedGitWindowSize": "1m",
    "credential.helper": "",
    "fetch.unpackLimit": "1",  # always one pack, and so one file that MAX_FILE bounds
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.postBuffer": "8388608",  # a proposal in one request of known length: not every proxy takes chunks
    "maintenance.auto": "false",
    "pack.threads": "1",
    "protocol.allow": "never",
    "protocol.http.allow": "always",
    "protocol.https.allow": "always",
    "push.followTags": "false",
    "push.gpgSign": "false",
    "submodule.recurse": "false",
}

SECONDS = 120.0
"""For one run of git, of which a pod that has half an hour makes a few."""
POLL_SECONDS = 0.5
"""After which a run of git learns that less time is left."""
KILL_SECONDS = 5.0
MIB = 1024 * 1024
MAX_MEMORY = 256 * MIB
"""Address space of one process of git, where prepare and report may have 512 MiB: a delta of some KB unpacks,
in memory, to a file of any size."""
MAX_FILE = 256 * MIB
"""Of one file that git writes, where the volume has 512 MiB and a pod that fills it is evicted."""
MAX_OUTPUT = 64 * MIB
MAX_LISTING = 8 * MIB
"""Of the names in a tree: at 63 bytes and more each, at most some 130,000."""
MAX_STDERR = 64 * 1024
CHUNK = 64 * 1024
BASE, OTHER = "refs/sre-dispatch/base", "refs/sre-dispatch/other"

REFUSED = re.compile(
    rb"^(?:fatal|error): .*(?:Authentication failed|could not read (?:Username|Password)|error: 40[13]\b)",
    re.M,
)
NOT_FOUND = re.compile(
    rb"^fatal: (?:repository '.*' not found|couldn't find remote ref|.*error: 404\b)", re.M
)
LARGE = re.compile(rb"^(?:fatal|error): .*(?:Out of memory|Cannot allocate memory|File too large)", re.M)
ADVICE = {
    "git_large": "the repository takes more memory or room than there is: name a smaller one in the tier",
    "git_refused": "the forge refuses the credentials: does their file hold a valid token for this host?",
    "git_not_found": "the forge has no such repository or branch, or the token's user may not see it",
    "git_unreachable": "the forge gave no usable answer: does the pod reach it, directly or by a proxy?",
    "git_failed": "git could not do it: is there room in the volume, and is the repository whole?",
}


class Entry(NamedTuple):
    """One line of a tree. `path` is as git has it, bytes that are no UTF-8 as surrogates; `size` is -1 for
    what has none."""

    mode: str
    kind: str
    sha: str
    size: int
    path: str


class Pushed(NamedTuple):
    """What a push came to. `flag` is git's: `*` new, `+` forced, a space moved forward, `!` rejected. All but
    the flag is the forge's text."""

    flag: str
    ref: str
    reason: str
    said: str
    """The lines that the forge wrote to people."""


class _Done(NamedTuple):
    status: int
    output: bytes
    complaint: bytes


@dataclass(frozen=True)
class Git:
    """Git on the bare repository `git_dir`, which `fetch` makes. No token is in an argument, a variable or a
    file of it: git asks its own credential store, whose file is read and never written.

    Each method raises Unavailable: `git_slow` over the time, and else a key of ADVICE. What git or the forge
    said is in no message, since both quote addresses and each other.
    """

    git_dir: Path
    credentials: Path | None = None
    """In the form of git-credential-store(1)."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Of it only the proxies and SSL_CERT_FILE reach git."""
    seconds: float = SECONDS
    left: Callable[[], float] = lambda: math.inf
    """How many seconds there are now for a run that is under way; it ends soon after there are none."""
    max_file: int = MAX_FILE

    def fetch(self, url: str, branch: str, ref: str = BASE) -> str:
        """The commit at the tip of the branch, fetched without its history."""
        if not (self.git_dir / "HEAD").exists():
            self.git_dir.mkdir(parents=True, exist_ok=True)
            self._run("init", "--quiet", "--bare", "--template=")
        only = ("--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--quiet")
        self._run("fetch", *only, url, f"+refs/heads/{branch}:{ref}", code="git_unreachable")
        return self._line("rev-parse", "--verify", f"{ref}^{{commit}}")

    def tip(self, url: str, branch: str) -> str | None:
        """The commit that the forge has at the tip of the branch, None where there is no such branch."""
        ref = f"refs/heads/{branch}"
        told = self._run("ls-remote", "--refs", url, ref, code="git_unreachable").decode("utf-8", "replace")
        # The pattern fits the end of a name, so that others may be told as well.
        found = (line.partition("\t") for line in told.splitlines())
        return next((sha for sha, _, name in found if name == ref), None)

    def entries(self, tree: str, *, below: bool = False) -> list[Entry]:
        """What is in the tree, or a commit's; with `below` also in all folders under it."""
        deep = ("-r", "-t") if below else ()
        told = self._run("ls-tree", "-z", "-l", "--full-tree", *deep, tree, limit=MAX_LISTING)
        return [_entry(line) for line in told.split(b"\0") if line]

    def blobs(self, shas: Sequence[str]) -> Iterator[bytes]:
        """The contents, in this order; all together at most MAX_OUTPUT bytes."""
        told = self._run("cat-file", "--batch", stdin="".join(f"{sha}\n" for sha in shas).encode())
        at = 0
        for sha in shas:
            end = told.find(b"\n", at)
            head = told[at:end].split()
            if len(head) != 3 or head[:2] != [sha.encode(), b"blob"]:
                raise _failed("cat-file", 0)
            at = end + 1 + int(head[2]) + 1
            yield told[end + 1 : at - 1]

    def write(self, content: bytes) -> str:
        """Keeps the content as it is; returns the name of its blob."""
        return self._line("hash-object", "-w", "--no-filters", "--stdin", stdin=content)

    def tree(self, base: str, changed: Mapping[str, str | None]) -> str:
        """The tree `base` with each path in `changed` set to a blob, or taken out. All else stays as it is,
        entry for entry, also what an index would refuse; a file keeps its mode, and a new one is 644.
        """
        return self._tree(base, changed) or self._line("mktree", "-z")

    def _tree(self, base: str, changed: Mapping[str, str | None]) -> str:
        """Empty where nothing is left."""
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
                was = there.get((name, "blob"))
                left.append(Entry(was.mode if was else "100644", "blob", blob, -1, name))
            elif inner and (made := self._tree(folder.sha if folder else "", inner)):
                left.append(Entry("040000", "tree", made, -1, name))
        told = (f"{mode} {kind} {sha}\t{path}\0" for mode, kind, sha, _, path in left)
        return self._line("mktree", "-z", stdin=os.fsencode("".join(told))) if left else ""

    def commit(self, tree: str, parent: str, message: str) -> str:
        """A commit of ours, now; nothing points to it yet."""
        return self._line("commit-tree", tree, "-p", parent, stdin=message.encode())

    def tree_of(self, commit: str) -> str:
        return self._line("rev-parse", "--verify", f"{commit}^{{tree}}")

    def message(self, commit: str) -> str:
        """What the commit says, written by whoever made it."""
        told = self._run("cat-file", "commit", commit).decode("utf-8", "replace")
        return told.partition("\n\n")[2]

    def push(
        self, url: str, commit: str, ref: str, options: Sequence[str], lease: str | None = None
    ) -> Pushed:
        """Has the forge take the commit at `ref`. With a `lease` it replaces what is there, if that is still
        the commit that the lease names, empty for none. A rejection is no error here but a flag."""
        given = [f"--push-option={option}" for option in options]
        force = [f"--force-with-lease={ref}:{lease}"] if lease is not None else []
        fixed = ("--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no")
        done = self._done("push", *fixed, *force, *given, url, f"{commit}:{ref}")
        for line in done.output.decode("utf-8", "replace").splitlines():
            if found := re.fullmatch(r"([ +*!=-])\t[^\t]*?:(\S+)\t(.*)", line):
                said = re.findall(r"^remote: ?(.*?)\s*$", done.complaint.decode("utf-8", "replace"), re.M)
                return Pushed(found[1], found[2], found[3], "\n".join(said))
        raise _failed("push", done.status, _code(done.complaint, "git_unreachable"))

    def credential(self, url: str) -> tuple[str, str]:
        """User and token for the URL, as git itself finds them in the file."""
        told = self._run("credential", "fill", stdin=f"url={url}\n\n".encode(), code="git_refused")
        found = dict(line.partition("=")[::2] for line in told.decode("utf-8", "replace").splitlines())
        return found["username"], found["password"]

    def _line(self, *arguments: str, stdin: bytes = b"") -> str:
        return self._run(*arguments, stdin=stdin).decode("ascii", "replace").strip()

    def _run(
        self, *arguments: str, stdin: bytes = b"", code: str = "git_failed", limit: int = MAX_OUTPUT
    ) -> bytes:
        done = self._done(*arguments, stdin=stdin, limit=limit)
        if done.status:
            raise _failed(arguments[0], done.status, _code(done.complaint, code))
        return done.output

    def _done(self, *arguments: str, stdin: bytes = b"", limit: int = MAX_OUTPUT) -> _Done:
        """One run of git, and of what it starts: all of it ends with the time."""
        process = self._started(*arguments)
        pipes = (process.stdin, process.stdout, process.stderr)
        into, output, errors = (cast("IO[bytes]", pipe) for pipe in pipes)
        with ThreadPoolExecutor(3, "git") as threads:
            told = threads.submit(_read, output, limit)
            complaint = threads.submit(_skim, errors, MAX_STDERR)
            threads.submit(_write, into, stdin)
            try:
                said = self._awaited(told)
                return _Done(process.wait(KILL_SECONDS), said, complaint.result(KILL_SECONDS))
            except (Late, subprocess.TimeoutExpired):
                what = f"git {arguments[0]} was not done in the time that there was for it"
                raise Unavailable("git_slow", what) from None
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(KILL_SECONDS)

    def _started(self, *arguments: str) -> subprocess.Popen[bytes]:
        config = [part for name, value in CONFIG.items() for part in ("-c", f"{name}={value}")]
        if self.credentials:
            config += ["-c", f"credential.helper={_helper(self.credentials)}"]
        # By a program, which becomes git: between fork and exec no code of ours may run beside threads.
        limits = ("prlimit", f"--as={MAX_MEMORY}", f"--fsize={self.max_file}")
        return subprocess.Popen(  # noqa: S603  the command line is ours
            [*limits, "git", *config, *arguments],
            env=self._environment(),
            cwd=self.git_dir,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            restore_signals=False,  # SIGXFSZ stays ignored: git says that a file is too large
        )

    def _awaited(self, told: Future[bytes]) -> bytes:
        """Raises Late where it is not told in the time."""
        until = time.monotonic() + self.seconds
        while (left := min(until - time.monotonic(), self.left())) > POLL_SECONDS:
            with contextlib.suppress(Late):
                return told.result(POLL_SECONDS)
        return told.result(max(0.0, left))

    def _environment(self) -> dict[str, str]:
        given = self.environment
        passed = {name: given[name] for name in PROXIES if given.get(name)}
        if given.get("SSL_CERT_FILE"):
            passed["GIT_SSL_CAINFO"] = given["SSL_CERT_FILE"]
        # Named, and so never looked for: a repository in the folder above would otherwise count.
        return {**FIXED, **WHO, **passed, "GIT_DIR": str(self.git_dir.absolute())}


def _helper(file: Path) -> str:
    """Git's own store, asked and never told: after a refusal git would strike the token from the file."""
    store = f"git credential-store --file={shlex.quote(str(file))} get"
    return f'!f() {{ test "$1" = get && exec {store}; }}; f'


def _entry(line: bytes) -> Entry:
    head, _, path = line.partition(b"\t")
    mode, kind, sha, size = head.decode("ascii", "replace").split()
    return Entry(mode, kind, sha, int(size) if size.isdigit() else -1, os.fsdecode(path))


def _code(complaint: bytes, otherwise: str) -> str:
    """Which failure git tells of, by its own words; the forge's have `remote:` before each line."""
    if LARGE.search(complaint):
        return "git_large"
    if otherwise != "git_unreachable":  # no forge was asked
        return otherwise
    if REFUSED.search(complaint):
        return "git_refused"
    return "git_not_found" if NOT_FOUND.search(complaint) else otherwise


def _failed(what: str, status: int, code: str = "git_failed") -> Unavailable:
    return Unavailable(code, f"git {what} ended with status {status}: {ADVICE[code]}")


def _read(pipe: IO[bytes], limit: int) -> bytes:
    data = bytearray()
    with pipe:
        while chunk := pipe.read(CHUNK):
            data += chunk
            if len(data) > limit:
                what = f"git said more than {limit // MIB} MiB: {ADVICE['git_large']}"
                raise Unavailable("git_large", what)
    return bytes(data)


def _skim(pipe: IO[bytes], limit: int) -> bytes:
    """The beginning, read to the end: who writes must not have to wait."""
    data = b""
    with pipe:
        while chunk := pipe.read(CHUNK):
            data = (data + chunk)[:limit]
    return data


def _write(pipe: IO[bytes], data: bytes) -> None:
    with contextlib.suppress(OSError), pipe:
        pipe.write(data)
