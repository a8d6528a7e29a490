from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner.redact import REDACTED, cleaned, redacted
from tests.harness.credentials import (
    DISGUISED,
    EVERYDAY,
    HONEST,
    NAMED,
    SECRET,
    SHAPES,
    TOKENS,
    WORD,
    encoded,
    token,
)
from tests.harness.examples import THOROUGH


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


VALUE = "hunter2hunter2"


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("form", NAMED)
def test_what_is_called_a_credential_is_left_out_also_in_json_within_json(form: str, depth: int) -> None:
    text = form.format(VALUE)
    for _ in range(depth):
        text = json.dumps(text)
    assert "hunter2" not in redacted(text) and REDACTED in redacted(text)


@pytest.mark.parametrize("form", sorted({*NAMED} - {"dbPass: {}"}))
def test_it_may_be_called_so_in_upper_case(form: str) -> None:
    assert "HUNTER2" not in redacted(form.format(VALUE).upper())


@pytest.mark.parametrize(
    "text",
    [
        "PersistentVolumeClaim typedb-data in namespace f3iai is 75.2% full.",
        "sre-14cb864fbda03d21ab05266cea1277e77ed01645",
        "token: ok",
        "http://typedb.f3iai:1729/path@version",
        "the secret of the volume is its write-ahead log",
        "key: app, accessModes: [ReadWriteOnce], matchLabels: {app.kubernetes.io/name: typedb}",
        "selector key=value and tier=production",
        "tests: passed=312345, failed=0; First pass: everything compiled",
        "bypass: enabled; compass=northwest; passive: listening; passing: quickly",
        "the token bucket of the limiter is empty, secret sauce, a password manager, access key rotation",
        "secretName: typedb-credentials\nsecretKeyRef:\n  name: typedb\n  key: password\n",
        "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: typedb\n      key: password\n",
        '{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "typedb", "key": "password"}}}',
        "automountServiceAccountToken: false",
        "- serviceAccountToken:\n    expirationSeconds: 3607\n    path: token\n",
        "kubectl get secret typedb-credentials -n f3iai",
        "kubectl create token grafana --duration=600s",
        "DB_PASSWORD:  <set to the key 'password' in secret 'typedb'>  Optional: false",
        'rate(apiserver_request_total{resource="secrets",verb="LIST"}[5m]) > 100000',
        'sum by (namespace) (kube_secret_info{namespace="f3iai"}) == 1234567',
        'rate(authentication_token_cache_request_total{status="miss"}[5m])',
        "DB_PASSWORD_FILE=/run/secrets/password",
        'password: "{{ .Values.database.password }}"',
        "token_url: https://login.f3iai/token",
        "secret_name=typedb-credentials",
        "max_tokens: 100000",
        "volumeMounts:\n- mountPath: /etc/tokens\n  name: tokens\n",
        "privateKeySecretRef:\n  name: letsencrypt\n",
        "type: kubernetes.io/service-account-token",
        "Authorization: the gateway refuses everybody",
        "authorization-mode: Node,RBAC",
        '{"password": "", "user": "somebody", "host": "typedb.f3iai"}',
        "password: ''\nusername: somebody\n",
        "the options --password and --token; --secret, whatever it is; --token --verbose",
        "the accounts: keyboard=english, monkey: business",
    ],
)
def test_what_is_none_is_left_as_it_is(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("text", EVERYDAY)
def test_what_logs_commands_and_files_show_is_left_out(text: str) -> None:
    clean = redacted(text)
    assert REDACTED in clean
    assert SECRET not in clean and WORD not in clean and encoded(f"it:{SECRET}") not in clean


@pytest.mark.parametrize("begins", TOKENS)
def test_a_token_of_a_provider_is_known_by_its_beginning(begins: str) -> None:
    told = token(begins)
    for text in (told, f"it is {told}.", f'{{"a": "{told}"}}', f"line\\n{told}", f"A={told}"):
        assert REDACTED in redacted(text) and told[-20:] not in redacted(text)


@pytest.mark.parametrize("text", DISGUISED)
def test_a_disguise_hides_no_credential(text: str) -> None:
    clean = redacted(text)
    assert REDACTED in clean
    pieces = re.findall(r"[A-Za-z0-9+/]{20,}", text)
    assert SECRET not in clean and WORD not in clean
    assert not any(piece in clean for piece in pieces)


@given(st.sampled_from(EVERYDAY), st.sampled_from(("", "\u200b", "\u2060")), st.integers(0, 2), st.booleans())
def test_what_is_found_is_found_in_any_disguise(text: str, letter: str, depth: int, by_percent: bool) -> None:
    told = letter.join(text) if letter else text
    for _ in range(depth if depth or letter else 1):
        told = quote(told, safe="") if by_percent else encoded(told)
    clean = redacted(told)
    assert REDACTED in clean
    assert SECRET not in clean.replace(letter or "\0", "") and encoded(SECRET)[:12] not in clean


@pytest.mark.parametrize("line", HONEST.strip().split("\n"))
def test_an_honest_line_stays_as_it_is(line: str) -> None:
    assert redacted(line) == line
    assert cleaned({"log": [line, f"  {line}"]}) == {"log": [line, f"  {line}"]}


def test_honest_lines_stay_together_as_they_are() -> None:
    assert len(HONEST.strip().split("\n")) >= 60
    assert redacted(HONEST) == HONEST and redacted(json.dumps(HONEST)) == json.dumps(HONEST)


def test_a_secret_that_is_known_is_left_out_in_a_disguise_too() -> None:
    known = "plain-word-1-and-more"
    for told in (encoded(f"it is {known} here"), quote(f"it is {known}", safe=""), "\u200b".join(known)):
        assert REDACTED in redacted(f"a {told} b", [known])


def test_a_secret_that_is_known_is_left_out_whatever_it_looks_like() -> None:
    assert redacted("it is plain-word-1 here", ["plain-word-1"]) == f"it is {REDACTED} here"
    assert redacted("a cat", ["a"]) == "a cat"  # too short to be one


ROWS = (
    *(
        "token=",
        "token=password",
        "token=a.",
        "token: ",
        "token:\n",
        "token: '",
        'token: "',
        "token=" + "a." * 40,
    ),
    *(
        "token_",
        "token_a",
        "token1",
        "pass",
        "access_key_",
        "token" + " " * 100,
        "token" + "\\n" * 100,
        '"token","value"',
    ),
    *(
        "%70",
        "%2525",
        "a%3D",
        "cookie: a=",
        "auth: aaaa",
        "mysql ",
        "redis-cli ",
        "-u a:",
        "login a password ",
        "password: |\n",
        "password: |\n  a",
        "YWFh",
        "YWFh\n",
        "a" * 60 + "\n",
        "npm_",
        "sk-",
        "glpat-a",
        "$2y$",
        "----- BEGIN ",
        "-----BEGIN A",
        "pwd=",
        "&sig=",
        "://a:",
        "\u200bpass",
    ),
    *(
        "--",
        "--a",
        "--token ",
        "--token-",
        "-- token\n",
        "authorization: token ",
        "basic ",
        "-----BEGIN PRIVATE KEY-----",
    ),
)
ONCE = ("token{}", "token={}", "token: '{}", 'token: "{}', "--{}")
SIZE = 1_000_000 if THOROUGH else 200_000
LIMITED = """
import resource, sys
from function.runner.redact import redacted
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[1]), int(sys.argv[1])))
redacted(sys.stdin.read())
"""


@pytest.mark.parametrize(
    "text",
    [
        *(part * (SIZE // len(part)) for part in ROWS),
        *(once.format(letter * SIZE) for once, letter in zip(ONCE, "\\ '\"a", strict=True)),
        *(once.format("\\\\" * (SIZE // 2)) for once in ONCE[1:]),
    ],
    ids=lambda text: repr(text[:30]),
)
def test_no_long_text_takes_a_time_that_grows_with_its_square(text: str) -> None:
    """A megabyte takes a second or two, and hours if it grew so. The kernel limits the CPU's time, which is
    the same on a busy machine."""
    limit = str(60 * SIZE // 1_000_000)
    ran = subprocess.run([sys.executable, "-c", LIMITED, limit], input=text, text=True, check=False)
    assert ran.returncode == 0


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


@pytest.mark.parametrize(
    "told",
    [
        {"password": "hunter22"},
        {"input": {"DB_PASSWORD": "hunter22"}},
        {"env": [{"name": "DB_PASSWORD", "value": "hunter22"}]},
        {"api-key": "hunter22"},
    ],
)
def test_a_field_that_is_named_like_a_credential_is_one(told: Any) -> None:
    assert "hunter22" not in json.dumps(cleaned(told))


@pytest.mark.parametrize(
    "told",
    [
        {"name": "typedb", "value": "hunter22"},
        {"secretName": "typedb-tls", "tokenFile": "/etc/token/file"},
        {"token_url": "https://example.org"},
        {"password": ""},
        {"tokens": 12345678},
    ],
)
def test_a_field_that_only_tells_of_one_stays(told: Any) -> None:
    assert cleaned(told) == told
