from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner.file_names import MAX_DEPTH, MAX_NAME, folded, folders_above, hides, is_git, misleads


@pytest.mark.parametrize("path", ["a", "apps/typedb/claim.yaml", ".gitignore", "x" * MAX_NAME, "Größe.md"])
def test_an_ordinary_path_misleads_nobody(path: str) -> None:
    assert not misleads(path)


@pytest.mark.parametrize(
    "path",
    [
        *("", "/etc", "a//b", "a/../b", "./a", ".git/config", "a/.GIT/x", "git~1", ".git .", ".git::$DATA"),
        *("a\u202eb", "a\nb", "a\u200bb", "a\udcff", "x" * (MAX_NAME + 1), "/".join("a" * (MAX_DEPTH + 1))),
    ],
)
def test_a_path_that_some_system_takes_for_another_misleads(path: str) -> None:
    assert misleads(path)


@pytest.mark.parametrize("name", [".git", ".GITHUB", ".gitlab-ci.yml", "GIT~1", "\uff0egit"])
def test_what_is_gits_is_known_in_any_case(name: str) -> None:
    assert is_git(name)


def test_a_name_is_folded_as_a_system_without_case_sees_it() -> None:
    assert folded("README.MD") == folded("readme.md") and folded("\ufb01le") == "file"


def test_the_folders_above_are_all_of_them() -> None:
    assert folders_above(["a/b/c", "a/d"]) == {"a", "a/b"}
    assert folders_above(["a"]) == frozenset()


@given(st.text(st.characters(categories=["L", "N", "P"])))
def test_letters_digits_and_punctuation_show(text: str) -> None:
    assert not hides(text)
