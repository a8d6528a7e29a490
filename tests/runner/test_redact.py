from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner.redact import REDACTED, cleaned, redacted

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


NAMED = (
    "- name: DB_PASSWORD\n  value: {}",
    '- name: DB_PASSWORD\n  value: "{}"',
    '{{"name": "DB_PASSWORD", "value": "{}"}}',
    '{{\n  "name": "A_TOKEN",\n  "value": "{}"\n}}',
    "aws_secret_access_key = {}",
    "AWS_SECRET_ACCESS_KEY={}",
    "DB_PASS={}",
    "dbPass: {}",
    "user=it pass={}",
    "DB_PWD={}",
    "DB_PASSWORD_1={}",
    "DB_PASSWORD_PROD={}",
    "SECRET_KEY_BASE: {}",
    "MYSQL_ROOT_PASSWORD={}",
    "DB_PASSWORD:      {}",
    "passphrase: {}",
    "api-key: {}",
    "apikey={}",
    "X-Api-Key: {}",
    "private_key={}",
    "encryption-key: {}",
    "signingKey: {}",
    "SecretKey={}",
    "AccountName=it;AccountKey={};EndpointSuffix=net",
    "connection_string: {}",
    "ConnectionString='Server=db; User Id={}'",
    "credentials={}",
    "client_secret: {}",
    "clientSecret: '{}'",
    "password := {}",
    "'password' => '{}'",
    'password: "two words, {}"',
    'password: "x\\"{}"',
    "password: 'x''{}'",
    "token: password: {}",
    "token:\npassword: {}",
    "psql --password {}",
    'curl --api-key "{}"',
    "--db-password={}",
    'args: ["--password", "{}"]',
    "args:\n- --token\n- {}",
    "Authorization: token {}",
    '{{"Authorization": ["Token {}"]}}',
    "authorization: bearer {}",
)
"""Where the value of a credential stands, in what a model sees: manifests, environments, logs, commands."""
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
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
from function.runner.redact import redacted
redacted(sys.stdin.read())
"""


@pytest.mark.parametrize(
    "text",
    [
        *(part * (1_000_000 // len(part)) for part in ROWS),
        *(once.format(letter * 1_000_000) for once, letter in zip(ONCE, "\\ '\"a", strict=True)),
        *(once.format("\\\\" * 500_000) for once in ONCE[1:]),
    ],
    ids=lambda text: repr(text[:30]),
)
def test_no_megabyte_takes_a_time_that_grows_with_its_square(text: str) -> None:
    """Each takes a second or two, and hours if it grew so. The limit is one that the kernel holds."""
    ran = subprocess.run([sys.executable, "-c", LIMITED], input=text, text=True, check=False)
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
