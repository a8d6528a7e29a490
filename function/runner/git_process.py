"""Runs one git process with a fixed configuration and with limits of time, memory, disk and output.

Git reads no configuration of the machine or of a repository: no file, hook, filter or credential helper.
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
from collections.abc import Callable, Mapping
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
    "LC_ALL": "C",  # code_of() reads the messages
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
AUTHOR = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "sre-dispatch"), ("EMAIL", "sre-dispatch@noreply.invalid"))
}
CONFIG = {
    "core.askPass": "",
    "core.bigFileThreshold": "1m",  # git streams larger files, and no proposal changes one
    "core.hooksPath": "/dev/null",
    "core.packedGitLimit": "64m",  # limits the mapped part of a pack
    "core.packedGitWindowSize": "1m",
    "credential.helper": "",
    "fetch.unpackLimit": "1",  # one pack: a single file, which MAX_FILE limits
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.postBuffer": "8388608",  # sends a request of known length, because some proxies refuse chunks
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
"""The time limit of one git process. A pod has half an hour for a few of these processes."""
POLL_SECONDS = 0.5
"""The interval at which a run checks how much time is left."""
KILL_SECONDS = 5.0
MIB = 1024 * 1024
MAX_MEMORY = 256 * MIB
"""The address space of one git process. The container has 512 MiB. A delta of a few KB can unpack to any
size."""
MAX_FILE = 256 * MIB
"""The maximum size of a file that git writes. The volume has 512 MiB. The kubelet evicts a pod that fills
it."""
MAX_OUTPUT = 64 * MIB
MAX_STDERR = 64 * 1024
CHUNK = 64 * 1024

REFUSED = re.compile(
    rb"^(?:fatal|error): .*(?:Authentication failed|could not read (?:Username|Password)|error: 40[13]\b)",
    re.M,
)
NOT_FOUND = re.compile(
    rb"^fatal: (?:repository '.*' not found|couldn't find remote ref|.*error: 404\b)", re.M
)
LARGE = re.compile(rb"^(?:fatal|error): .*(?:Out of memory|Cannot allocate memory|File too large)", re.M)
ADVICE = {
    "git_large": "the repository needs more memory or disk than there is: name a smaller one in the tier",
    "git_refused": "the forge refuses the credentials: check that their file has a valid token for this host",
    "git_not_found": "the forge has no such repository or branch, or the token's user may not see it",
    "git_unreachable": "the forge sent no usable response: check that the pod can reach it or the proxy",
    "git_failed": "check that the volume has free space and that the repository is intact",
}


class Done(NamedTuple):
    status: int
    output: bytes
    errors: bytes


@dataclass(frozen=True)
class GitProcess:
    """Runs git on the bare repository `git_dir`.

    The runner passes no token as an argument or a variable, and writes no token to a file. Git reads the
    token from the credential file itself, and never changes that file. `run` raises Unavailable with
    `git_slow` or a key of ADVICE. No message contains text of git or of the forge, because both quote
    addresses."""

    git_dir: Path
    credentials: Path | None = None
    """The file with the credentials. git-credential-store(1) defines its format."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """The environment of the runner. Of these variables, git receives only the proxies and SSL_CERT_FILE."""
    seconds: float = SECONDS
    left: Callable[[], float] = lambda: math.inf
    """Returns the seconds that are left. At 0 no process starts, and a running one is stopped."""
    max_file: int = MAX_FILE

    def line(self, *arguments: str, stdin: bytes = b"") -> str:
        """Returns the one line that git prints."""
        return self.run(*arguments, stdin=stdin).decode("ascii", "replace").strip()

    def run(
        self, *arguments: str, stdin: bytes = b"", code: str = "git_failed", limit: int = MAX_OUTPUT
    ) -> bytes:
        """Returns the standard output of a successful run. `code` is the error code if git's messages do not
        indicate a more precise code."""
        done = self.result(*arguments, stdin=stdin, limit=limit)
        if done.status:
            raise failed(arguments[0], done.status, code_of(done.errors, code))
        return done.output

    def result(self, *arguments: str, stdin: bytes = b"", limit: int = MAX_OUTPUT) -> Done:
        """Returns the result of a run with any exit status. At the end it kills every process that git
        started."""
        if self.left() <= 0:
            raise _slow(arguments[0])
        process = self._start(*arguments)
        pipes = (process.stdin, process.stdout, process.stderr)
        into, output, errors = (cast("IO[bytes]", pipe) for pipe in pipes)
        with ThreadPoolExecutor(3, "git") as threads:
            reading = threads.submit(_read, output, limit)
            reading_errors = threads.submit(_read_beginning, errors, MAX_STDERR)
            threads.submit(_write, into, stdin)
            try:
                printed = self._wait(reading)
                return Done(process.wait(KILL_SECONDS), printed, reading_errors.result(KILL_SECONDS))
            except (Late, subprocess.TimeoutExpired):
                raise _slow(arguments[0]) from None
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(KILL_SECONDS)

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        config = [part for name, value in CONFIG.items() for part in ("-c", f"{name}={value}")]
        if self.credentials:
            config += ["-c", f"credential.helper={_helper(self.credentials)}"]
        # prlimit sets the limits and then executes git. Python code between fork and exec is unsafe with
        # threads.
        limits = ("prlimit", f"--as={MAX_MEMORY}", f"--fsize={self.max_file}")
        return subprocess.Popen(  # noqa: S603  the command line is ours
            [*limits, "git", *config, *arguments],
            env=self._environment(),
            cwd=self.git_dir,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            restore_signals=False,  # SIGXFSZ stays ignored, so git reports too large a file
        )

    def _wait(self, reading: Future[bytes]) -> bytes:
        """Returns the output. Raises Late after the time limit."""
        until = time.monotonic() + self.seconds
        while (left := min(until - time.monotonic(), self.left())) > POLL_SECONDS:
            with contextlib.suppress(Late):
                return reading.result(POLL_SECONDS)
        return reading.result(max(0.0, left))

    def _environment(self) -> dict[str, str]:
        given = self.environment
        passed = {name: given[name] for name in PROXIES if given.get(name)}
        if given.get("SSL_CERT_FILE"):
            passed["GIT_SSL_CAINFO"] = given["SSL_CERT_FILE"]
        # If GIT_DIR is not set, git searches for a repository in the parent folders.
        return {**FIXED, **AUTHOR, **passed, "GIT_DIR": str(self.git_dir.absolute())}


def _helper(file: Path) -> str:
    """Returns a credential helper that only reads git's credential store. With the usual helper, git would
    delete a refused token from the file."""
    store = f"git credential-store --file={shlex.quote(str(file))} get"
    return f'!f() {{ test "$1" = get && exec {store}; }}; f'


def code_of(errors: bytes, otherwise: str) -> str:
    """Returns the error code that git's messages indicate. The forge's messages begin with `remote:` and are
    ignored."""
    if LARGE.search(errors):
        return "git_large"
    if otherwise != "git_unreachable":  # the command did not contact the forge
        return otherwise
    if REFUSED.search(errors):
        return "git_refused"
    return "git_not_found" if NOT_FOUND.search(errors) else otherwise


def failed(command: str, status: int, code: str = "git_failed") -> Unavailable:
    return Unavailable(code, f"git {command} ended with status {status}: {ADVICE[code]}")


def _slow(command: str) -> Unavailable:
    return Unavailable("git_slow", f"git {command} did not end within its time limit")


def _read(pipe: IO[bytes], limit: int) -> bytes:
    data = bytearray()
    with pipe:
        while chunk := pipe.read(CHUNK):
            data += chunk
            if len(data) > limit:
                what = f"git printed more than {limit // MIB} MiB: {ADVICE['git_large']}"
                raise Unavailable("git_large", what)
    return bytes(data)


def _read_beginning(pipe: IO[bytes], limit: int) -> bytes:
    """Returns the first `limit` bytes. It reads to the end, so the writer is never blocked."""
    data = b""
    with pipe:
        while chunk := pipe.read(CHUNK):
            data = (data + chunk)[:limit]
    return data


def _write(pipe: IO[bytes], data: bytes) -> None:
    with contextlib.suppress(OSError), pipe:
        pipe.write(data)
