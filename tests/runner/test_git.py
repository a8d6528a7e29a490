from __future__ import annotations

import base64
import hashlib
import os
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from function.runner.git import Git
from function.shared.errors import Unavailable
from tests.process import ROOT

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
SUBMODULE = ("160000", b"1" * 40)


def run(repository: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Git as anybody has it, without our precautions."""
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(
        command, input=stdin, env=ENVIRONMENT, check=True, capture_output=True, timeout=30
    ).stdout


def bare(path: Path) -> Path:
    path.mkdir(parents=True)
    run(path, "init", "-q", "--bare", "-b", "main")
    for name in ("http.receivepack", "receive.advertisePushOptions"):
        run(path, "config", name, "true")
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
    made = run(repository, "hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=raw)
    return made.decode().strip()


def written(repository: Path, content: bytes) -> str:
    return run(repository, "hash-object", "-w", "--stdin", stdin=content).decode().strip()


def committed(repository: Path, told: Tree, branch: str = "main", message: str = "it begins") -> str:
    """A commit of the tree without a parent, at the tip of the branch."""
    return tipped(repository, tree(repository, told), branch, message)


def tipped(repository: Path, made: str, branch: str = "main", message: str = "it begins") -> str:
    sha = run(repository, "commit-tree", made, "-m", message).decode().strip()
    run(repository, "update-ref", f"refs/heads/{branch}", sha)
    return sha


@dataclass
class Forge:
    """Bare repositories in a folder, by HTTP, for whoever has the token."""

    folder: Path
    url: str = ""
    asked: list[str] = field(default_factory=list)
    before: Callable[[Any], bool] = lambda _: False
    """Sees each request first, and says whether it was answered with that."""

    def credentials(self, token: str = TOKEN) -> Path:
        path = self.folder / f"credentials-{token[:4]}"
        path.write_text(self.url.replace("//", f"//{USER}:{token}@") + "\n", encoding="utf-8")
        return path

    def git(self, name: str = "clone", **options: Any) -> Git:
        return Git(self.folder / name, **{"credentials": self.credentials(), **options})


class Request(BaseHTTPRequestHandler):
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

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[Forge]:
    forge = Forge(folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Request,), {"forge": forge})) as server:
        forge.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield forge
        finally:
            server.shutdown()


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    bare(tmp_path / "it.git")
    with serving(tmp_path) as forge:
        yield forge


@pytest.fixture
def url(forge: Forge) -> str:
    return f"{forge.url}/it.git"


FILES: dict[str | bytes, Any] = {"a.txt": b"one\n", "run": ("100755", b"#!\n"), "apps": {"b.yaml": b"b: 1\n"}}


def code(what: Callable[[], object]) -> str:
    with pytest.raises(Unavailable) as raised:
        what()
    assert TOKEN not in str(raised.value)
    return raised.value.code


def test_a_branch_is_fetched_without_its_history(forge: Forge, url: str) -> None:
    repository = forge.folder / "it.git"
    first = committed(repository, {"a.txt": b"zero\n"})
    second = run(repository, "commit-tree", tree(repository, FILES), "-p", first, "-m", "x").decode().strip()
    run(repository, "update-ref", "refs/heads/main", second)
    git = forge.git()
    assert git.fetch(url, "main") == second == git.tip(url, "main")
    assert git.tip(url, "other") is None
    assert run(git.git_dir, "rev-list", "--count", second) == b"1\n"


def test_a_name_that_ends_like_the_branch_is_not_its_tip(forge: Forge, url: str) -> None:
    repository = forge.folder / "it.git"
    run(repository, "update-ref", "refs/x/refs/heads/main", committed(repository, FILES, "else"))
    assert forge.git().fetch(url, "else") and forge.git().tip(url, "main") is None


def test_a_tree_is_told_with_modes_sizes_and_folders(forge: Forge, url: str) -> None:
    committed(forge.folder / "it.git", {**FILES, b"odd\xff\n\t": ("120000", b"/etc"), "sub": SUBMODULE})
    git = forge.git()
    told = git.entries(git.fetch(url, "main"), below=True)
    assert {(each.path, each.mode, each.kind, each.size) for each in told} == {
        ("a.txt", "100644", "blob", 4),
        ("run", "100755", "blob", 3),
        ("apps", "040000", "tree", -1),
        ("apps/b.yaml", "100644", "blob", 5),
        ("odd\udcff\n\t", "120000", "blob", 4),
        ("sub", "160000", "commit", -1),
    }


def test_contents_come_back_as_they_are(forge: Forge, url: str) -> None:
    contents = [b"", b"\n", b"a\r\nb", bytes(range(256)) * 5000, b"no end"]
    committed(forge.folder / "it.git", FILES)
    git = forge.git()
    git.fetch(url, "main")
    shas = [git.write(content) for content in contents]
    assert [*git.blobs([*shas, shas[0]])] == [*contents, b""]
    assert code(lambda: [*git.blobs(["0" * 40])]) == "git_failed"


def test_a_tree_is_changed_where_it_is_told_and_nowhere_else(forge: Forge, url: str) -> None:
    told: Tree = {**FILES, ".git": {"config": b"x"}, "sub": SUBMODULE, b"\xff": b"x", "d": {"e": {"f": b"1"}}}
    committed(forge.folder / "it.git", told)
    git = forge.git()
    base = git.fetch(url, "main")
    new = git.write(b"new\n")
    changed = {"run": new, "a.txt": None, "a.txt/now/folder": new, "d/e/f": None, "d": new, "apps/c": new}
    made = git.tree(git.tree_of(base), changed)
    differences = run(git.git_dir, "diff-tree", "-r", "-z", "--name-status", base, made).split(b"\0")[:-1]
    assert dict(zip(differences[1::2], differences[::2], strict=True)) == {
        b"run": b"M",
        b"a.txt": b"D",
        b"a.txt/now/folder": b"A",
        b"apps/c": b"A",
        b"d": b"A",
        b"d/e/f": b"D",
    }
    assert {each.path: each.mode for each in git.entries(made)}["run"] == "100755"


def test_a_tree_from_which_all_is_taken_is_empty(forge: Forge, url: str) -> None:
    committed(forge.folder / "it.git", {"d": {"e": {"f": b"1"}}})
    git = forge.git()
    assert git.entries(git.tree(git.tree_of(git.fetch(url, "main")), {"d/e/f": None})) == []


def test_a_commit_is_pushed_with_its_options_and_says_who_made_it(forge: Forge, url: str) -> None:
    repository = forge.folder / "it.git"
    hook = repository / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\necho "$GIT_PUSH_OPTION_COUNT $GIT_PUSH_OPTION_0" >&2\n')
    hook.chmod(0o755)
    committed(repository, FILES)
    git = forge.git()
    base = git.fetch(url, "main")
    made = git.commit(git.tree_of(base), base, "a title\n\nand more\n")
    pushed = git.push(url, made, "refs/for/main", ["title=a, b; $(c) 'd' \"e\""])
    assert (pushed.flag, pushed.ref) == ("*", "refs/for/main")
    assert pushed.said.splitlines()[0] == "1 title=a, b; $(c) 'd' \"e\""
    assert git.message(made) == "a title\n\nand more\n"
    told = run(repository, "log", "-1", "--format=%an %ae %cn %P", "refs/for/main").decode()
    assert told == f"sre-dispatch sre-dispatch@noreply.invalid sre-dispatch {base}\n"


def test_a_lease_replaces_only_what_it_names(forge: Forge, url: str) -> None:
    repository = forge.folder / "it.git"
    committed(repository, FILES)
    git = forge.git()
    base = git.fetch(url, "main")
    one, two = (git.commit(git.tree_of(base), base, word) for word in ("one", "two"))
    assert git.push(url, one, "refs/heads/x", [], lease="").flag == "*"
    assert git.push(url, two, "refs/heads/x", [], lease="").flag == "!"
    assert git.push(url, two, "refs/heads/x", [], lease=base).flag == "!"
    assert git.push(url, two, "refs/heads/x", []).flag == "!"
    assert git.tip(url, "x") == one
    assert git.push(url, two, "refs/heads/x", [], lease=one).flag == "+"


def processes() -> dict[str, bytes]:
    """Command line and environment of all that runs here."""
    told = {}
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            told[each.name] = (each / "cmdline").read_bytes() + b"\0" + (each / "environ").read_bytes()
    return told


def test_the_token_is_in_no_command_line_no_environment_and_no_file_of_the_repository(
    forge: Forge, url: str
) -> None:
    committed(forge.folder / "it.git", FILES)
    seen: list[bytes] = []

    def look(_: Any) -> bool:
        seen.extend(processes().values())
        return False

    forge.before = look
    git = forge.git()
    base = git.fetch(url, "main")
    git.push(url, git.commit(git.tree_of(base), base, "x"), "refs/heads/x", ["a=b"])
    for word in (b"\0fetch\0", b"\0push\0", b"remote-http\0"):
        assert any(word in each for each in seen), word  # we looked while they ran
    assert not [each for each in seen if TOKEN.encode() in each]
    files = [path for path in git.git_dir.rglob("*") if path.is_file()]
    assert len(files) > 3 and not [path for path in files if TOKEN.encode() in path.read_bytes()]


def test_a_wrong_token_is_refused_and_stays_in_its_file(forge: Forge, url: str) -> None:
    committed(forge.folder / "it.git", FILES)
    wrong = forge.credentials("wrong-token-of-somebody")
    before = wrong.read_bytes()
    assert code(lambda: forge.git(credentials=wrong).fetch(url, "main")) == "git_refused"
    assert wrong.read_bytes() == before


def test_a_push_with_a_wrong_token_is_refused(forge: Forge, url: str) -> None:
    base = committed(forge.folder / "it.git", FILES)
    forge.git().fetch(url, "main")
    bad = forge.git(credentials=forge.credentials("wrong-token-of-somebody"))
    assert code(lambda: bad.push(url, base, "refs/heads/x", [])) == "git_refused"
    assert code(lambda: bad.tip(url, "main")) == "git_refused"


def test_without_credentials_nobody_is_asked_for_them(forge: Forge, url: str) -> None:
    assert code(lambda: forge.git(credentials=None).fetch(url, "main")) == "git_refused"


def test_user_and_token_are_those_that_git_finds_for_the_host(forge: Forge, url: str) -> None:
    committed(forge.folder / "it.git", FILES)
    (git := forge.git()).fetch(url, "main")
    assert git.credential(url) == (USER, TOKEN)
    assert code(lambda: git.credential("https://other.example.org/it.git")) == "git_refused"


@pytest.mark.parametrize(
    ("path", "branch", "told"),
    [
        ("it.git", "none", "git_not_found"),
        ("none.git", "main", "git_not_found"),
        ("it.git", "a..b", "git_unreachable"),
    ],
)
def test_what_is_not_there_is_told_apart(forge: Forge, path: str, branch: str, told: str) -> None:
    assert code(lambda: forge.git().fetch(f"{forge.url}/{path}", branch)) == told


def test_a_forge_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    assert code(lambda: Git(tmp_path / "g").fetch("http://127.0.0.1:1/it.git", "main")) == "git_unreachable"
    assert code(lambda: Git(tmp_path / "g").tip("http://127.0.0.1:1/it.git", "main")) == "git_unreachable"


def test_a_forge_that_says_nothing_is_left_with_all_that_was_started(forge: Forge, url: str) -> None:
    released = threading.Event()
    forge.before = lambda _: released.wait(30)
    git = forge.git(seconds=1)
    assert code(lambda: git.fetch(url, "main")) == "git_slow"
    ours = str(git.git_dir).encode()
    deadline = time.monotonic() + 5
    while any(b"GIT_DIR=" + ours in each for each in processes().values()) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = [each for each in processes().values() if b"GIT_DIR=" + ours in each]
    released.set()
    assert left == []


def test_a_run_of_git_ends_soon_after_the_time_that_is_left_shrinks(forge: Forge, url: str) -> None:
    asked, released = threading.Event(), threading.Event()

    def silent(_: Any) -> bool:
        asked.set()
        return released.wait(30)

    forge.before = silent
    git = forge.git(left=lambda: 0.0 if asked.is_set() else 1000.0)
    assert code(lambda: git.fetch(url, "main")) == "git_slow"
    assert not released.is_set()
    released.set()


def test_no_run_of_git_takes_more_than_the_time_that_is_left(forge: Forge, url: str) -> None:
    released = threading.Event()
    forge.before = lambda _: released.wait(30)
    until = time.monotonic() + 1
    git = forge.git(left=lambda: until - time.monotonic())
    for _ in range(2):  # the second has nothing left
        assert code(lambda: git.fetch(url, "main")) == "git_slow"
    released.set()


# What a repository may cost

MIB = 1024 * 1024


def pack_of_a_delta(size: int) -> tuple[bytes, str, str]:
    """A pack of two blobs of zeros: one of 1 MiB, and one of `size` MiB that is told as its copies, in less
    than 10 KB. Format: https://git-scm.com/docs/gitformat-pack"""

    def varint(number: int) -> bytes:
        return (bytes([number & 0x7F | 0x80]) + varint(number >> 7)) if number > 0x7F else bytes([number])

    def entry(kind: int, length: int) -> bytes:
        first = kind << 4 | length & 15
        return bytes([first | 0x80]) + varint(length >> 4) if length > 15 else bytes([first])

    zeros = bytes(MIB)
    base = hashlib.sha1(b"blob %d\0%s" % (MIB, zeros))
    large = hashlib.sha1(b"blob %d\0" % (size * MIB))
    for _ in range(size):
        large.update(zeros)
    delta = varint(MIB) + varint(size * MIB) + b"\xc0\x10" * size  # copy from 0, 0x100000 bytes
    pack = b"PACK" + struct.pack(">II", 2, 2) + entry(3, MIB) + zlib.compress(zeros)
    pack += entry(7, len(delta)) + base.digest() + zlib.compress(delta)
    return pack + hashlib.sha1(pack).digest(), base.hexdigest(), large.hexdigest()


def test_a_large_file_costs_no_memory(forge: Forge, url: str) -> None:
    repository = forge.folder / "it.git"
    run(repository, "config", "core.bigFileThreshold", "1m")
    (zeros := forge.folder / "zeros").touch()
    os.truncate(zeros, 300 * MIB)
    sha = run(repository, "hash-object", "-w", str(zeros)).decode().strip()
    made = run(repository, "mktree", stdin=f"100644 blob {sha}\tlarge\n".encode()).decode().strip()
    tipped(repository, made)
    git = forge.git()
    assert [each.size for each in git.entries(git.fetch(url, "main"))] == [300 * MIB]


def test_a_file_that_only_memory_can_unpack_is_refused(forge: Forge, url: str) -> None:
    repository = forge.folder / "it.git"
    pack, base, large = pack_of_a_delta(300)
    run(repository, "index-pack", "--stdin", stdin=pack)
    lines = f"100644 blob {base}\ta\n100644 blob {large}\tb\n"
    tipped(repository, run(repository, "mktree", stdin=lines.encode()).decode().strip())
    assert code(lambda: forge.git().fetch(url, "main")) == "git_large"


def test_a_pack_that_does_not_fit_the_volume_is_refused(forge: Forge, url: str) -> None:
    repository = forge.folder / "it.git"
    run(repository, "config", "core.compression", "0")
    committed(repository, {str(number): os.urandom(MIB) for number in range(9)})
    limited = forge.git(max_file=8 * MIB)
    assert code(lambda: limited.fetch(url, "main")) == "git_large"
    kept = [path.stat().st_size for path in limited.git_dir.rglob("*") if path.is_file()]
    assert max(kept) <= 8 * MIB
    assert forge.git("other", max_file=16 * MIB).fetch(url, "main")


HELD = """
import resource, sys
from pathlib import Path
from function.shared.errors import DispatchError
from function.runner.checkout import materialize
from function.runner.git import Git

pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
try:
    materialize(Git(Path(sys.argv[2])), sys.argv[3], Path(sys.argv[4]))
except DispatchError as error:
    print(error.code)
"""


def materialized(repository: Path, commit: str, memory: int) -> str:
    """The code of the error, told by a process that may take so many bytes more than it begins with."""
    (work := repository.parent / "work").mkdir()
    command = [sys.executable, "-c", HELD, str(memory), str(repository), commit, str(work)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def same(repository: Path, what: str, count: int, suffix: str = "") -> str:
    """A tree that has the same object under so many names."""
    lines = "".join(f"{what}\t{number:04}{suffix}\n" for number in range(count))
    return run(repository, "mktree", stdin=lines.encode()).decode().strip()


@pytest.mark.parametrize(
    ("files", "folders", "suffix", "told"),
    [
        (2000, 425, "", "git_large"),  # 100 KB in the repository, 850,000 names in the list
        (2000, 45, "", "misconfigured"),
        (1000, 21, "\ufdfa" * 80, "misconfigured"),  # one letter, 18 when it is folded
    ],
    ids=["too many to list", "many", "long"],
)
def test_names_without_number_cost_no_memory_without_bound(
    tmp_path: Path, files: int, folders: int, suffix: str, told: str
) -> None:
    repository = bare(tmp_path / "it.git")
    folder = same(repository, f"100644 blob {written(repository, b'')}", files, suffix)
    commit = tipped(repository, same(repository, f"040000 tree {folder}", folders))
    assert materialized(repository, commit, 160 * MIB) == told


def test_a_redirect_to_another_host_takes_nobody_there(forge: Forge, url: str, tmp_path: Path) -> None:
    committed(forge.folder / "it.git", FILES)
    (tmp_path / "other").mkdir()
    with serving(tmp_path / "other") as other:

        def away(request: Any) -> bool:
            request.send_response(302)
            request.send_header("Location", other.url + request.path)
            request.end_headers()
            return True

        forge.before = away
        assert code(lambda: forge.git().fetch(url, "main")) == "git_unreachable"
        assert other.asked == [] and forge.asked


@pytest.mark.parametrize("scheme", ["file://", "", "ext::cat "])
def test_only_http_is_spoken(forge: Forge, scheme: str) -> None:
    committed(forge.folder / "it.git", FILES)
    assert code(lambda: forge.git().fetch(f"{scheme}{forge.folder}/it.git", "main")) == "git_unreachable"


def test_no_hook_runs_and_no_variable_but_the_proxies_counts(forge: Forge, url: str) -> None:
    committed(forge.folder / "it.git", FILES)
    mark = forge.folder / "ran"
    hooks = forge.folder / "clone" / "hooks"
    told = {"GIT_TRACE": str(mark), "GIT_SSH_COMMAND": f"touch {mark}", "GIT_ASKPASS": f"touch {mark}"}
    told |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": str(hooks)}
    git = forge.git(environment=told)
    base = git.fetch(url, "main")
    hooks.mkdir()
    for name in ("reference-transaction", "pre-push", "post-update"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {mark}\n")
        (hooks / name).chmod(0o755)
    committed(forge.folder / "it.git", {"other": b"x"}, "moved")
    assert git.fetch(url, "moved") != base  # for which a reference moves
    git.push(url, git.commit(git.tree_of(base), base, "x"), "refs/heads/x", [])
    assert not mark.exists()


def test_a_proxy_is_used_where_one_is_told(forge: Forge, tmp_path: Path) -> None:
    committed(forge.folder / "it.git", FILES)
    git = forge.git(environment={"http_proxy": forge.url, "no_proxy": ""})
    code(lambda: git.fetch("http://forge.invalid/it.git", "main"))
    assert forge.asked[0].startswith("http://forge.invalid/it.git/info/refs")
