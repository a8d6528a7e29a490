from __future__ import annotations

import hashlib
import os
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from function.runner.git import Git
from function.runner.git_process import GitProcess
from function.shared.errors import Unavailable
from tests.harness.components import wait_until
from tests.harness.forge import (
    SUBMODULE,
    TOKEN,
    USER,
    Forge,
    Tree,
    bare,
    commit,
    committed,
    run,
    serving,
    tipped,
    tree,
)


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
    second = commit(repository, tree(repository, FILES), parent=first)
    run(repository, "update-ref", "refs/heads/main", second)
    git = forge.git()
    assert git.fetch(url, "main") == second == git.tip(url, "main")
    assert git.tip(url, "other") is None
    assert run(git.process.git_dir, "rev-list", "--count", second) == b"1\n"


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
    shown = run(git.process.git_dir, "diff-tree", "-r", "-z", "--name-status", base, made)
    differences = shown.split(b"\0")[:-1]
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
    assert pushed.remote.splitlines()[0] == "1 title=a, b; $(c) 'd' \"e\""
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
    files = [path for path in git.process.git_dir.rglob("*") if path.is_file()]
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
    git, nowhere = Git(GitProcess(tmp_path / "g")), "http://127.0.0.1:1/it.git"
    assert code(lambda: git.fetch(nowhere, "main")) == "git_unreachable"
    assert code(lambda: git.tip(nowhere, "main")) == "git_unreachable"


def test_a_forge_that_says_nothing_is_left_with_all_that_was_started(forge: Forge, url: str) -> None:
    released = threading.Event()
    forge.before = lambda _: released.wait(60)
    git = forge.git(seconds=1)
    assert code(lambda: git.fetch(url, "main")) == "git_slow"
    ours = str(git.process.git_dir).encode()
    wait_until(
        lambda: not any(b"GIT_DIR=" + ours in each for each in processes().values()),
        "all that was started to end",
    )
    released.set()


def test_a_run_of_git_ends_soon_after_the_time_that_is_left_shrinks(forge: Forge, url: str) -> None:
    asked, released = threading.Event(), threading.Event()

    def silent(_: Any) -> bool:
        asked.set()
        return released.wait(60)

    forge.before = silent
    git = forge.git(left=lambda: 0.0 if asked.is_set() else 1000.0)
    assert code(lambda: git.fetch(url, "main")) == "git_slow"
    assert not released.is_set()
    released.set()


def test_no_run_of_git_takes_more_than_the_time_that_is_left(forge: Forge, url: str) -> None:
    released = threading.Event()
    forge.before = lambda _: released.wait(60)
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
    kept = [path.stat().st_size for path in limited.process.git_dir.rglob("*") if path.is_file()]
    assert max(kept) <= 8 * MIB
    assert forge.git("other", max_file=16 * MIB).fetch(url, "main")


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
