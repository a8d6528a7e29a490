from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from function.runner.checkout import MAX_FILE, MAX_FILES, materialize
from function.runner.git import Git
from function.runner.git_process import GitProcess
from function.shared.errors import Misconfigured
from tests.harness.desk import GIVEN, Desk
from tests.harness.forge import (
    bare,
    committed,
    run,
    tipped,
    written,
)
from tests.harness.process import ROOT


def test_a_hostile_repository_becomes_plain_files(agent: Desk) -> None:
    files = {path.relative_to(agent.work).as_posix() for path in agent.work.rglob("*") if not path.is_dir()}
    assert files == GIVEN
    assert (agent.work / "apps/windows.txt").read_bytes() == b"one\r\ntwo\r\n"  # eol and encoding did nothing
    assert not [path for path in agent.work.rglob("*") if path.is_symlink()]
    modes = {path: (agent.work / path).stat().st_mode & 0o7777 for path in GIVEN}
    assert {path for path, mode in modes.items() if mode == 0o755} == {"apps/run"}
    assert set(modes.values()) == {0o755, 0o644}


def test_names_that_stand_twice_are_left_out(tmp_path: Path) -> None:
    path = bare(tmp_path / "it.git")
    double = [("a", b"file\n"), ("a", {"x": b"in folder\n"}), ("b", b"1\n"), ("b", b"2\n"), ("c", b"\n")]
    commit = committed(path, {"top": double, "a/b": b"slash\n"})
    (work := tmp_path / "work").mkdir()
    assert materialize(Git(GitProcess(path)), commit, work) == 1
    assert (work / "top" / "c").read_bytes() == b"\n"


def test_a_folder_that_is_not_empty_is_refused(agent: Desk) -> None:
    with pytest.raises(Misconfigured, match="not empty"):
        materialize(agent.git, agent.commit, agent.work)


@pytest.mark.parametrize(
    "told",
    [
        {f"{number}": b"" for number in range(MAX_FILES + 1)},
        {f"{number}": b"x" * MAX_FILE for number in range(65)},
    ],
    ids=["files", "bytes"],
)
def test_a_repository_over_the_limits_is_refused_before_anything_is_written(
    tmp_path: Path, told: dict[str, bytes]
) -> None:
    path = bare(tmp_path / "it.git")
    shas = {content: written(path, content) for content in {*told.values()}}
    lines = "".join(f"100644 blob {shas[content]}\t{name}\n" for name, content in told.items())
    made = run(path, "mktree", stdin=lines.encode()).decode().strip()
    commit = run(path, "commit-tree", made, "-m", "x").decode().strip()
    (work := tmp_path / "work").mkdir()
    with pytest.raises(Misconfigured, match="name a smaller one"):
        materialize(Git(GitProcess(path)), commit, work)
    assert [*work.iterdir()] == []


MIB = 1024 * 1024

HELD = """
import resource, sys
from pathlib import Path
from function.shared.errors import DispatchError
from function.runner.checkout import materialize
from function.runner.git import Git
from function.runner.git_process import GitProcess

pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
try:
    materialize(Git(GitProcess(Path(sys.argv[2]))), sys.argv[3], Path(sys.argv[4]))
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
