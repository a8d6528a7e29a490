from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner.report.leaks import has_new_credential
from function.runner.report.lines import is_hiding
from tests.harness.credentials import DISGUISED, EVERYDAY, HONEST, TOKENS, token

LINES = HONEST.strip().split("\n")


@pytest.mark.parametrize("told", [*EVERYDAY, *map(token, TOKENS), *DISGUISED], ids=ascii)
def test_a_new_credential_of_any_form_is_found_unless_its_characters_hide(told: str) -> None:
    content = f"size: 40Gi\n{told}\n".encode()
    assert has_new_credential(content, b"size: 20Gi\n") or is_hiding(told)
    assert not has_new_credential(content, content)


@pytest.mark.parametrize("line", LINES)
def test_an_honest_line_is_no_credential(line: str) -> None:
    assert not has_new_credential(f"size: 40Gi\n{line}\n  {line}\n".encode(), b"")


@given(st.lists(st.sampled_from(LINES)), st.sampled_from(EVERYDAY), st.lists(st.sampled_from(LINES)))
def test_no_lines_around_it_hide_a_new_credential(above: list[str], told: str, below: list[str]) -> None:
    before = "\n".join([*above, *below]).encode()
    assert not has_new_credential(before, b"")
    assert has_new_credential("\n".join([*above, told, *below]).encode(), before)


@pytest.mark.parametrize(
    "text",
    [
        "- name: DB_PASSWORD\n  value: hunter22\n",
        "password: |\n  hunter22\n",
        "auth:\n  password:\n    hunter22x: hunter22\n  password: hunter22\n",
    ],
)
def test_a_credential_over_several_lines_is_found(text: str) -> None:
    assert has_new_credential(text.encode(), b"")


@pytest.mark.parametrize(
    "text",
    [
        "- name: DB_PASSWORD\n  value: $(PASSWORD)\n",
        "- name: DB_PASSWORD\n  valueFrom: {secretKeyRef: {name: database, key: password}}\n",
        "credentials:\nregion: eu-west-1\n",
        "token:\nnamespace: f3iai\nsecret:\n  name: typedb\n",
        "password: |\n  $(PASSWORD)\n",
    ],
)
def test_a_reference_over_several_lines_is_none(text: str) -> None:
    assert not has_new_credential(text.encode(), b"")
