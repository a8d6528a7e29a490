from __future__ import annotations

import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import httpx
import pytest

from function.shared import http
from function.shared.errors import Unavailable
from tests.harness.mcp import Line, response, talking
from tests.harness.scripted import Request, scripted

OVER = Unavailable("over", "too much")


def received(*chunks: bytes) -> httpx.Response:
    return httpx.Response(200, stream=Chunks(chunks))


class Chunks(httpx.SyncByteStream):
    def __init__(self, chunks: tuple[bytes, ...]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks


def later() -> float:
    return time.monotonic() + 60


def test_a_body_is_read_to_its_end() -> None:
    assert http.body(received(b"a", b"b"), 2, later(), OVER) == b"ab"


def test_a_body_over_its_size_or_its_time_is_refused() -> None:
    with pytest.raises(Unavailable, match="too much"):
        http.body(received(b"a", b"bc"), 2, later(), OVER)
    with pytest.raises(Unavailable, match="too much"):
        http.body(received(b"a"), 2, time.monotonic() - 1, OVER)


def test_a_body_is_taken_as_it_came_and_not_unpacked() -> None:
    packed = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Chunks((b"no gzip",)))
    assert http.body(packed, 7, later(), OVER) == b"no gzip"


def test_a_body_without_an_end_is_left_at_its_limit() -> None:
    asked: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            asked.append(1)
            yield b"x" * 10

    told = httpx.Response(200, stream=Chunks(()))
    told.stream = type("Endless", (httpx.SyncByteStream,), {"__iter__": lambda _: endless()})()
    with pytest.raises(Unavailable, match="too much"):
        http.body(told, 95, later(), OVER)
    assert len(asked) == 10


def test_a_body_that_is_whole_is_not_waited_for() -> None:
    def endless() -> Iterator[bytes]:
        yield b"whole"
        raise AssertionError("asked for more")

    told = httpx.Response(200, stream=Chunks(()))
    told.stream = type("Endless", (httpx.SyncByteStream,), {"__iter__": lambda _: endless()})()
    assert http.body(told, 99, later(), OVER, lambda body: body == b"whole") == b"whole"


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000, b"{} {}", b"canary", b"'a'"],
    ids=lambda data: str(data[:8]),
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(Unavailable) as refused:
        http.parsed(data, OVER)
    assert refused.value is OVER
    assert http.parsed(b'{"a": [1, null, "\xc3\xa9"]}', OVER) == {"a": [1, None, "\u00e9"]}


PIECES = [
    b"",
    b"HTTP/1.1 200",
    b"HTTP/1.1 200 OK\r\nX-Slow: ",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n",
]


@pytest.mark.parametrize("begins", PIECES)
def test_a_server_that_drips_is_left_at_the_deadline_and_its_thread_ends(begins: bytes) -> None:
    ended: Future[type] = Future()

    def drip(request: Request) -> None:
        request.wfile.write(begins)
        request.drip(b"x")

    with scripted(drip) as server:
        client = http.connect(server.url, 30.0, 5.0)

        def act() -> None:
            try:
                client.get("/")
            except BaseException as error:
                ended.set_result(type(error))
                raise

        with pytest.raises(Unavailable) as raised:
            http.closed_after(0.2, client, act, OVER)
        assert raised.value is OVER and client.is_closed
        assert issubclass(ended.result(30), httpx.HTTPError | OSError | RuntimeError)


def test_what_is_in_time_is_the_result_and_an_error_is_the_callers() -> None:
    assert http.closed_after(30, httpx.Client(), lambda: 7, OVER) == 7
    with pytest.raises(ZeroDivisionError):
        http.closed_after(30, client := httpx.Client(), lambda: 1 / 0, OVER)
    assert client.is_closed


def test_a_token_is_read_anew_each_time(tmp_path: Path) -> None:
    read = http.token_in(tmp_path / "token", "TOKEN_FILE", "no_token")
    for token in ("the-first-of-two-tokens", "the-second-of-two-tokens"):
        (tmp_path / "token").write_text(f"{token}\n")
        assert read() == token


def test_a_token_may_be_as_short_as_sixteen_characters_and_stand_among_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n  0123456789abcde!  \r\n\n")
    assert http.token_in(tmp_path / "token", "TOKEN_FILE", "no_token")() == "0123456789abcde!"


def test_a_token_file_that_is_none_is_refused_by_its_name_and_setting(tmp_path: Path) -> None:
    for file in (tmp_path / "missing", tmp_path):
        with pytest.raises(Unavailable, match=f"{file} \\(see TOKEN_FILE\\) cannot be read") as refused:
            http.token_in(file, "TOKEN_FILE", "no_token")()
        assert refused.value.code == "no_token"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "canary",
        "0123456789abcde",
        "canary with a blank in it",
        "canary-0123456789\nabcdef-0123456789",
        "canary-0123456789\x00",
        "canary-0123456789\x7f",
        "c\u00e4nary-with-more-than-ascii",
    ],
)
def test_what_is_no_token_is_refused_by_its_setting_and_never_shown(tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text, encoding="utf-8")
    with pytest.raises(Unavailable, match="TOKEN_FILE") as refused:
        http.token_in(tmp_path / "token", "TOKEN_FILE", "no_token")()
    assert refused.value.code == "no_token"
    assert not text or text.strip() not in str(refused.value)


def test_a_client_follows_no_redirect_and_no_proxy_of_the_environment() -> None:
    with http.connect("http://127.0.0.1:1", 1.0, 0.5) as client:
        assert (client.follow_redirects, client.trust_env) == (False, False)
        assert (client.timeout.read, client.timeout.connect) == (1.0, 0.5)


def test_a_redirect_is_an_answer_like_another(tmp_path: Path) -> None:
    def talk(line: Line) -> None:
        line.hear()
        line.say(response(b"", "307 Elsewhere", "Location: /elsewhere"))

    with talking(talk) as server, http.connect(f"{server.url}/mcp", 5.0, 0.5) as client:
        assert client.get("").status_code == 307
    assert [asked.path for asked in server.asked] == ["/mcp/"]


@pytest.mark.parametrize("variable", ["http_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    def talk(line: Line) -> None:
        line.hear()
        line.say(response(b"itself"))

    with talking(talk) as proxy, talking(talk) as server:
        monkeypatch.setenv(variable, proxy.url)
        with http.connect(server.url, 5.0, 0.5) as client:
            assert client.get("/").content == b"itself"
    assert (len(proxy.asked), len(server.asked)) == (0, 1)


@pytest.fixture
def impostor(tmp_path: Path) -> ssl.SSLContext:
    """Has a certificate that nobody but itself has signed."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is missing")
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=127.0.0.1"
    files = ("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key", "-out", "certificate")
    subprocess.run(("openssl", *made.split(), *files), cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    return context


def test_a_server_whose_certificate_nobody_trusts_hears_nothing(impostor: ssl.SSLContext) -> None:
    heard: list[bytes] = []

    def talk(line: Line) -> None:
        with impostor.wrap_socket(line.connection, server_side=True) as secret:
            heard.append(secret.recv(99))

    with (
        talking(talk) as server,
        http.connect(server.url.replace("http:", "https:"), 5.0, 5.0) as client,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        client.get("/", headers={"Authorization": "Bearer canary"})
    assert heard in ([], [b""])
