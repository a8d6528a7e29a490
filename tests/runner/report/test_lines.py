from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner.report.lines import is_hiding, loads_from_elsewhere, new_lines


def test_lines_that_were_there_are_not_new() -> None:
    assert new_lines(b"a\nb\nc\n", b"c\na\n") == {"b"}
    assert new_lines(b"a\r\nb\r\n", b"a\nb\n") == set()
    assert new_lines(b"a\rb\n", b"a\nb\n") == {"a\rb"}


def test_the_mark_of_the_byte_order_is_no_part_of_a_line_of_a_file_that_had_it() -> None:
    mark = "\ufeff".encode()
    assert new_lines(mark + b"b", mark + b"a") == {"b"}
    assert new_lines(mark + b"a", b"a") == {"\ufeffa"}
    assert new_lines(b"a", mark + b"a") == set()


@given(
    st.text(max_size=50), st.characters(categories=("Cc", "Cf", "Co", "Cn", "Zl", "Zp")), st.text(max_size=50)
)
def test_a_control_or_format_character_hides_wherever_it_is(before: str, letter: str, after: str) -> None:
    assert is_hiding(f"{before}{letter}{after}") or letter == "\t"


@given(st.text(st.characters(categories=("L", "Nd", "P", "Zs")), max_size=50))
def test_letters_digits_and_blanks_hide_nothing_but_fillers(line: str) -> None:
    fillers = set("\u115f\u1160\u3164\uffa0")
    assert is_hiding(line) == bool(fillers & {*line})


@given(st.characters(), st.sampled_from("\ufe0e\ufe0f"))
def test_a_variation_selector_belongs_to_a_symbol(letter: str, selector: str) -> None:
    if unicodedata.category(letter)[0] in "LMNZ":
        assert is_hiding(f"{letter}{selector}")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("kustomization.yaml", True),
        ("a/Kustomization", True),
        ("a/CHART.yaml", True),
        ("values.yaml", False),
        ("a/kustomization.yaml/b.yaml", False),
    ],
)
def test_only_files_that_load_others_are_looked_at_for_it(path: str, expected: bool) -> None:
    assert loads_from_elsewhere(path, "- https://example.org/it") is expected
    assert not loads_from_elsewhere(path, "- ../base")
