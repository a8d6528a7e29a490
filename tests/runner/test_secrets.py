from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner.secrets import REDACTED, cleaned, redacted

WORD = "0123456789abcdefghijklmnopqrstuvwxyz"
SHAPES = {
    "private key": f"-----BEGIN RSA PRIVATE KEY-----\n{WORD}\n-----END RSA PRIVATE KEY-----",
    "cut private key": f"-----BEGIN PRIVATE KEY-----\n{WORD}",
    "service account": f"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.{WORD}",
    "anthropic": f"sk-ant-api03-{WORD}",
    "github": f"ghp_{WORD}",
    "github, fine": f"github_pat_{WORD}",
    "gitlab": f"glpat-{WORD}",
    "grafana": f"glsa_{WORD}",
    "atlassian": f"ATATT3xFfGF0{WORD}",
    "slack": f"xoxb-{WORD}",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "google": f"AIza{WORD}",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_what_has_the_shape_of_a_credential_is_left_out(shape: str) -> None:
    assert redacted(f"before {SHAPES[shape]}") == f"before {REDACTED}"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("http://user:hunter22@host/path", f"http://{REDACTED}@host/path"),
        ("Authorization: Bearer abcdefghijklmnop", f"Authorization: Bearer {REDACTED}"),
        ("authorization: basic dXNlcjpwYXNzd29yZA==", f"authorization: basic {REDACTED}"),
        ("--token=abcdefgh --next", f"--token={REDACTED} --next"),
        ('{"a": "password: hunter22"}', f'{{"a": "password: {REDACTED}"}}'),
        ("PGPASSWORD=hunter22 psql", f"PGPASSWORD={REDACTED} psql"),
        ('{"password": "hunter2222", "n": 1}', f'{{"password": "{REDACTED}", "n": 1}}'),
        ('{\\"token\\":\\"hunter2222\\"}', f'{{\\"token\\":\\"{REDACTED}\\"}}'),
        ("apiKey: 'hunter2222'", f"apiKey: '{REDACTED}'"),
    ],
)
def test_what_a_credential_is_called_by_stays(text: str, left: str) -> None:
    assert redacted(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "PersistentVolumeClaim typedb-data in namespace f3iai is 75.2% full.",
        "sre-14cb864fbda03d21ab05266cea1277e77ed01645",
        "token: ok",
        "http://typedb.f3iai:1729/path@version",
        "the secret of the volume is its write-ahead log",
    ],
)
def test_what_is_none_is_left_as_it_is(text: str) -> None:
    assert redacted(text) == text


def test_a_secret_that_is_known_is_left_out_whatever_it_looks_like() -> None:
    assert redacted("it is plain-word-1 here", ["plain-word-1"]) == f"it is {REDACTED} here"
    assert redacted("a cat", ["a"]) == "a cat"  # too short to be one


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.sampled_from(sorted(SHAPES.values())), st.text(max_size=20), st.text(max_size=20))
def test_no_shape_survives_anywhere_in_a_value(value: object, secret: str, before: str, after: str) -> None:
    told = repr(cleaned([value, {f"{before} {secret}": [f"{before} {secret} {after}"]}]))
    assert secret not in told and WORD not in told


@pytest.mark.parametrize("escape", ["\\n", "\\t", "\\r", "\\u000a", "\\\\n"])
@pytest.mark.parametrize("shape", sorted(set(SHAPES) - {"private key", "cut private key"}))
def test_an_escape_of_json_before_it_hides_no_credential(shape: str, escape: str) -> None:
    assert WORD not in redacted(f"line{escape}{SHAPES[shape]}")


def test_a_row_of_beginnings_takes_no_time_that_grows_with_its_square() -> None:
    """It ends at all: with one hyphen allowed before it this took half a minute."""
    assert redacted("-eyJ" * 65_536).startswith("-eyJ")
