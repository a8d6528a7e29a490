"""Git repositories of the tests' own, served over HTTP by git's own server program."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from function.runner.git import Git
from function.runner.git_process import GitProcess
from tests.harness.loopback import Over, Quiet
from tests.harness.loopback import serving as loopback

USER, TOKEN = "agent", "a-token-that-nobody-else-may-see"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    **{f"GIT_{who}_{what}": "somebody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}
Tree = Mapping[str | bytes, Any] | list[tuple[str | bytes, Any]]
"""Names and what each is: bytes for a file, a pair of mode and bytes, or a tree again. In a list a name may
stand twice."""
SERVED = """
[http]
    receivepack = true
[receive]
    advertisePushOptions = true
"""
SUBMODULE = ("160000", b"1" * 40)


def run(repository: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Git as anybody has it, without our precautions."""
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(
        command, input=stdin, env=ENVIRONMENT, check=True, capture_output=True, timeout=120
    ).stdout


def bare(path: Path) -> Path:
    path.mkdir(parents=True)
    run(path, "init", "-q", "--bare", "-b", "main")
    with (path / "config").open("a", encoding="ascii") as config:
        config.write(SERVED)
    return path


def tree(repository: Path, told: Tree) -> str:
    """A tree as raw bytes, so that nothing refuses a name or a double."""
    raw = b""
    pairs = [*told.items()] if isinstance(told, Mapping) else told
    for name, what in sorted(pairs, key=lambda pair: os.fsencode(pair[0])):
        if isinstance(what, Mapping | list):
            mode, sha = "40000", tree(repository, what)
        else:
            mode, content = ("100644", what) if isinstance(what, bytes) else what
            sha = content.decode() if mode == "160000" else written(repository, content)
        raw += mode.encode() + b" " + os.fsencode(name) + b"\0" + bytes.fromhex(sha)
    return written(repository, raw, "tree")


def written(repository: Path, content: bytes, kind: str = "blob") -> str:
    """A loose object, written as git writes it: a process for each would take longer than the tests."""
    whole = f"{kind} {len(content)}".encode() + b"\0" + content
    sha = hashlib.sha1(whole).hexdigest()
    path = repository / "objects" / sha[:2] / sha[2:]
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(whole, 1))
    return sha


def committed(repository: Path, told: Tree, branch: str = "main", message: str = "it begins") -> str:
    """A commit of the tree without a parent, at the tip of the branch."""
    return tipped(repository, tree(repository, told), branch, message)


def tipped(repository: Path, made: str, branch: str = "main", message: str = "it begins") -> str:
    sha = commit(repository, made, message)
    at = repository / "refs" / "heads" / branch
    at.parent.mkdir(parents=True, exist_ok=True)
    at.write_text(sha + "\n", encoding="ascii")
    return sha


def commit(repository: Path, made: str, message: str = "it begins", parent: str = "") -> str:
    who = f"somebody <somebody> {int(time.time())} +0000"
    parents = f"parent {parent}\n" if parent else ""
    text = f"tree {made}\n{parents}author {who}\ncommitter {who}\n\n{message}\n"
    return written(repository, text.encode(), "commit")


@dataclass
class Forge:
    """Bare repositories in a folder, by HTTP, for whoever has the token."""

    folder: Path
    url: str = ""
    asked: list[str] = field(default_factory=list)
    before: Callable[[Any], bool] = lambda _: False
    """Sees each request first, and says whether it was answered with that."""
    over: Over = field(default_factory=Over)

    def credentials(self, token: str = TOKEN) -> Path:
        path = self.folder / f"credentials-{token[:4]}"
        path.write_text(self.url.replace("//", f"//{USER}:{token}@") + "\n", encoding="utf-8")
        return path

    def git(self, name: str = "clone", **options: Any) -> Git:
        return Git(GitProcess(self.folder / name, **{"credentials": self.credentials(), **options}))


class Request(Quiet):
    """One request to git's own server program."""

    forge: Forge

    def do_GET(self) -> None:
        self.forge.asked.append(self.path)
        if self.forge.before(self):
            return
        allowed = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        if self.headers.get("Authorization") != allowed:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="forge"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        with suppress(BrokenPipeError):
            self._pass_on()

    do_POST = do_PATCH = do_GET

    def _pass_on(self) -> None:
        path, _, query = self.path.partition("?")
        names = {"CONTENT_TYPE": "Content-Type", "HTTP_CONTENT_ENCODING": "Content-Encoding"}
        names |= {"HTTP_GIT_PROTOCOL": "Git-Protocol", "CONTENT_LENGTH": "Content-Length"}
        told = {name: self.headers[header] for name, header in names.items() if self.headers[header]}
        told |= {"GIT_PROTOCOL": told.get("HTTP_GIT_PROTOCOL", ""), "GIT_HTTP_EXPORT_ALL": "1"}
        told |= {"GIT_PROJECT_ROOT": str(self.forge.folder), "PATH_INFO": path, "QUERY_STRING": query}
        told |= {"REQUEST_METHOD": self.command, "REMOTE_USER": USER, "REMOTE_ADDR": "127.0.0.1"}
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        done = subprocess.run(
            ["git", "http-backend"], env=ENVIRONMENT | told, input=body, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(folder: Path) -> Iterator[Forge]:
    forge = Forge(folder)
    bound = type("Bound", (Request,), {"forge": forge})
    with loopback(ThreadingHTTPServer(("127.0.0.1", 0), bound)) as server:
        forge.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield forge
        finally:
            forge.over.end()
