from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from email.message import Message
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from function.dispatch import decide
from function.dispatch.adapters.opa import MAX_BYTES, PATH, Opa, connect
from function.shared.errors import Unavailable
from function.shared.http import token_in
from tests.fakes import REVISION, decided, event
from tests.loopback import Quiet, serving

TOKEN = "the-token-that-opa-accepts"
MEBIBYTE = b" " * 1024 * 1024


class Asked(NamedTuple):
    path: str
    headers: Message
    body: Any


class Request(Quiet):
    """One connection to the stub, and how it may answer on it."""

    protocol_version = "HTTP/1.1"
    server: Stub

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(Asked(self.path, self.headers, body))
        try:
            self.server.answer(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the adapter has had enough

    def reply(self, body: object, status: int = 200, **headers: str) -> None:
        self.say(body if isinstance(body, bytes) else json.dumps(body).encode(), status, **headers)


class Stub(ThreadingHTTPServer):
    """Answers what no OPA would."""

    daemon_threads = True

    def __init__(self, answer: Callable[[Request], None]) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.answer = answer
        self.requests: list[Asked] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


def stub(answer: Callable[[Request], None]) -> AbstractContextManager[Stub]:
    return serving(Stub(answer))


def served(result: object, *revisions: str) -> Any:
    """An answer of OPA that names the revisions of the bundles it serves."""
    bundles = {f"bundle-{number}": {"revision": revision} for number, revision in enumerate(revisions)}
    return {"result": result, "provenance": {"version": "1.22.2", "bundles": bundles}}


def ask(answer: Callable[[Request], None], read_token: Callable[[], str] | None = None) -> object:
    with stub(answer) as server, closing(Opa(server.url, read_token)) as opa:
        return opa.ask({"phase": "triage"})


def test_it_posts_the_input_to_the_one_path_with_strict_built_ins_and_asks_for_the_revision() -> None:
    with stub(lambda request: request.reply(served(decided(), REVISION))) as server:
        with closing(Opa(server.url)) as opa:
            assert opa.ask({"phase": "triage"}) == decided()
        (request,) = server.requests
    path, _, query = request.path.partition("?")
    assert (path, request.body) == (PATH, {"input": {"phase": "triage"}})
    assert sorted(query.split("&")) == ["provenance=true", "strict-builtin-errors=true"]
    assert "Authorization" not in request.headers


def test_it_shows_the_token_that_the_file_holds_at_that_moment(tmp_path: Path) -> None:
    file = tmp_path / "token"
    with (
        stub(lambda request: request.reply({})) as server,
        closing(Opa(server.url, token_in(file, "SRE_DISPATCH_OPA_TOKEN_FILE", "opa_token"))) as opa,
    ):
        for token in (TOKEN, "the-token-that-comes-next"):
            file.write_text(f"{token}\n")
            opa.ask({})
        assert [request.headers["Authorization"] for request in server.requests] == [
            "Bearer the-token-that-opa-accepts",
            "Bearer the-token-that-comes-next",
        ]


@pytest.mark.parametrize(
    "text", ["", "\n", "fifteen-letters", f"{TOKEN} {TOKEN}", f"{TOKEN}\n{TOKEN}", "é" * 16]
)
def test_without_a_token_in_the_file_it_asks_nobody(text: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(text, encoding="utf-8")
    with stub(lambda request: request.reply({})) as server:
        for file in (tmp_path / "token", tmp_path / "missing"):
            with (
                closing(Opa(server.url, token_in(file, "SRE_DISPATCH_OPA_TOKEN_FILE", "opa_token"))) as opa,
                pytest.raises(Unavailable) as failure,
            ):
                opa.ask({})
            assert failure.value.code == "opa_token" and TOKEN not in str(failure.value)
        assert server.requests == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_names_the_setting_of_the_token(status: int) -> None:
    with pytest.raises(Unavailable, match=f"{status}.*SRE_DISPATCH_OPA_TOKEN_FILE") as failure:
        ask(lambda request: request.reply({}, status), lambda: TOKEN)
    assert failure.value.code == "opa_token"


def test_an_undefined_decision_is_none() -> None:
    assert ask(lambda request: request.reply({})) is None


def test_a_revision_of_any_of_the_bundles_will_do() -> None:
    assert ask(lambda request: request.reply(served(decided(), "other", REVISION))) == decided()


@pytest.mark.parametrize(
    "answer",
    [
        served(decided(), "other"),
        served(decided(policy_revision=None), REVISION),
        served({}, REVISION),
        served(decided()),
        {"result": decided()},
        {"result": decided(), "provenance": None},
        {"result": decided(), "provenance": {"bundles": [REVISION]}},
        {"result": decided(), "provenance": {"bundles": {"policy": REVISION}}},
    ],
)
def test_a_decision_of_no_bundle_that_is_served_is_refused(answer: Any) -> None:
    with pytest.raises(Unavailable) as failure:
        ask(lambda request: request.reply(answer))
    assert failure.value.code == "policy_revision"


@pytest.mark.parametrize("status", [204, 302, 400, 404, 429, 500, 503])
def test_another_status_than_200_is_no_answer_and_is_followed_nowhere(status: int) -> None:
    with stub(lambda request: request.reply(b"", status, Location="/")) as server:
        with closing(Opa(server.url)) as opa, pytest.raises(Unavailable) as failure:
            opa.ask({})
        assert (failure.value.code, len(server.requests)) == ("opa_status", 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff",
        b"[]",
        b"null",
        b'"allowed"',
        b'{"result": {}',
        b"[" * 100_000,
        b" " * MAX_BYTES,
    ],
    ids=lambda body: str(body[:16]),
)
def test_what_is_no_json_object_is_no_answer(body: bytes) -> None:
    with pytest.raises(Unavailable) as failure:
        ask(lambda request: request.reply(body))
    assert failure.value.code == "opa_answer"


def a_hundred_megabytes(request: Request) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(100 * len(MEBIBYTE)))
    request.end_headers()
    for _ in range(100):
        request.wfile.write(MEBIBYTE)


def without_an_end(request: Request) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(MEBIBYTE)


def drop_by_drop(request: Request) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b" ")
        time.sleep(0.05)


@pytest.mark.parametrize("answer", [a_hundred_megabytes, without_an_end, drop_by_drop])
def test_what_is_too_large_or_too_slow_is_not_read_to_its_end(answer: Callable[[Request], None]) -> None:
    with pytest.raises(Unavailable, match=f"over {MAX_BYTES} bytes"):
        ask(answer)


def test_it_unpacks_nothing() -> None:
    packed = gzip.compress(json.dumps(served(decided(), REVISION)).encode())
    with stub(lambda request: request.reply(packed, Content_Encoding="gzip")) as server:
        with closing(Opa(server.url)) as opa, pytest.raises(Unavailable, match="no JSON"):
            opa.ask({})
        assert [request.headers["Accept-Encoding"] for request in server.requests] == ["identity"]


SHAPES: dict[str, Any] = {
    "a key more": decided(extra=True),
    "a key less": {key: value for key, value in decided().items() if key != "denials"},
    "effective below initial": decided("LOW"),
    "an unknown mode": decided(mode="root"),
    "a list": [decided()],
    "a text": "allowed",
    "true": True,
    "null": None,
}


@pytest.mark.parametrize("result", SHAPES.values(), ids=SHAPES)
def test_an_answer_of_another_shape_is_no_decision(result: Any) -> None:
    answer = ask(lambda request: request.reply(served(result, REVISION)))
    with pytest.raises(Unavailable):
        decide.decide(event(), answer)


def test_an_undefined_decision_is_no_decision() -> None:
    with pytest.raises(Unavailable):
        decide.decide(event(), ask(lambda request: request.reply({})))


def test_a_connection_that_was_closed_meanwhile_is_opened_again_once() -> None:
    def hang_up_after_the_first(request: Request) -> None:
        if len(request.server.requests) == 2:
            request.close_connection = True  # and not a word
        else:
            request.reply(served(decided(), REVISION))

    with stub(hang_up_after_the_first) as server, closing(Opa(server.url)) as opa:
        assert [opa.ask({}), opa.ask({})] == [decided(), decided()]
        assert len(server.requests) == 3


def test_one_that_always_hangs_up_is_asked_twice() -> None:
    def hang_up(request: Request) -> None:
        request.close_connection = True

    with stub(hang_up) as server, closing(Opa(server.url)) as opa:
        with pytest.raises(Unavailable, match="RemoteProtocolError"):
            opa.ask({})
        assert len(server.requests) == 2


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.ConnectTimeout])
def test_a_broken_line_is_unavailable_and_tried_once(error: type[httpx.TransportError]) -> None:
    calls: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(1)
        raise error("secret of the peer")

    def broken(url: str) -> httpx.Client:
        return httpx.Client(base_url=url, transport=httpx.MockTransport(answer))

    failing = pytest.raises(Unavailable, match=error.__name__)
    with closing(Opa("http://opa:8181", connect=broken)) as opa, failing as failure:
        opa.ask({})
    assert len(calls) == 1 and "secret" not in str(failure.value)


def test_the_client_uses_no_proxy_of_the_environment() -> None:
    with connect("http://127.0.0.1:8181") as client:
        assert not client.trust_env
