from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from function.runner.checkout import base_of, contents, materialize
from function.runner.git import Git
from function.shared.errors import Misconfigured


def committed(folder: Path, files: Mapping[str, bytes]) -> tuple[Git, str]:
    """A bare repository with one commit of these files, made by our own git."""
    folder.mkdir()
    subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
    git = Git(folder)
    tree = git.tree("", {path: git.write(content) for path, content in files.items()})
    made = subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@y", "commit-tree", tree],
        check=True, capture_output=True, input=b"first", env=os.environ,
    )  # fmt: skip
    return git, made.stdout.decode().strip()


def test_the_files_of_a_commit_are_written_as_they_are(tmp_path: Path) -> None:
    files = {"README.md": b"a\r\n", "apps/typedb/claim.yaml": b"size: 20Gi\n"}
    git, commit = committed(tmp_path / "it.git", files)
    (work := tmp_path / "work").mkdir()
    assert materialize(git, commit, work) == 2
    assert {name: (work / name).read_bytes() for name in files} == files


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    git, commit = committed(tmp_path / "it.git", {"a": b""})
    with pytest.raises(Misconfigured, match="give the repository an empty folder"):
        materialize(git, commit, tmp_path)


def test_a_misleading_name_is_left_out_and_known(tmp_path: Path) -> None:
    git, commit = committed(tmp_path / "it.git", {"a": b"1", "b\u202e": b"2"})
    base = base_of(git, commit)
    assert base.given.keys() == {"a"} and base.left_out == {"b\u202e"}
    assert [content for _, content in contents(git, base.given.values())] == [b"1"]
