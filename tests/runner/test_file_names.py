from __future__ import annotations

import pytest

from function.runner.file_names import (
    MAX_DEPTH,
    MAX_NAME,
    MAX_PATH,
    folded,
    folders_above,
    hides,
    is_git,
    misleads,
)


@pytest.mark.parametrize(
    "path",
    [
        "apps/values.yaml",
        ".gitignore",
        "a/.github/x",
        "größe.yaml",
        "d/" * (MAX_DEPTH - 1) + "x",
        "x" * MAX_NAME,
    ],
)
def test_a_plain_path_misleads_nobody(path: str) -> None:
    assert not misleads(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a//b",
        "../x",
        "a/./b",
        ".git/config",
        ".GIT/config",
        "git~1/config",
        ".git. /x",
        ".git::$INDEX_ALLOCATION/x",
        "a\u202eb",
        "new\nline",
        "bad\udcff",
        "d/" * MAX_DEPTH + "x",
        "x" * (MAX_NAME + 1),
        "abcdefg/" * (MAX_PATH // 8) + "x",
    ],
)
def test_a_path_that_may_be_taken_for_another_misleads(path: str) -> None:
    assert misleads(path)


def test_the_folders_above_are_all_of_them() -> None:
    assert folders_above(["a/b/c", "d", "a/x"]) == {"a", "a/b"}


def test_names_that_a_system_cannot_tell_apart_are_one() -> None:
    assert folded("VALUES.yaml") == folded("values.yaml") == folded("ｖalues.yaml")


@pytest.mark.parametrize(
    ("name", "expected"), [(".gitattributes", True), ("GIT~1", True), ("git", False), ("a.git", False)]
)
def test_what_belongs_to_git_is_known(name: str, expected: bool) -> None:
    assert is_git(name) is expected


@pytest.mark.parametrize(
    ("text", "expected"), [("plain", False), ("Größe", False), ("a\x00", True), ("a\u2028", True)]
)
def test_what_does_not_show_is_known(text: str, expected: bool) -> None:
    assert hides(text) is expected
