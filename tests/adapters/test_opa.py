from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from function.adapters.opa import MAX_BYTES, Opa, connect
from function.errors import Unavailable

Answer = Callable[[httpx.Request], httpx.Response]


def opa(answer: Answer) -> Opa:
    return Opa(
        "http://opa:8181",
        lambda url: httpx.Client(base_url=url, transport=httpx.MockTransport(answer)),
    )


def test_it_posts_the_input_to_the_one_path_with_strict_built_ins() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"result": {"allowed": True}})

    assert opa(answer).ask({"look": "triage"}) == {"allowed": True}
    (request,) = seen
    assert (request.method, request.url.path) == ("POST", "/v1/data/sre_dispatch/decision")
    assert dict(request.url.params) == {"strict-builtin-errors": "true"}
    assert json.loads(request.content) == {"input": {"look": "triage"}}


def test_an_undefined_decision_is_none() -> None:
    assert opa(lambda _: httpx.Response(200, json={})).ask({}) is None


def drip() -> Iterator[bytes]:
    while True:
        yield b" " * 65536


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: httpx.Response(500, json={"code": "internal_error"}),
        lambda _: httpx.Response(302, headers={"Location": "http://elsewhere"}),
        lambda _: httpx.Response(200, text="<html>"),
        lambda _: httpx.Response(200, json=[]),
        lambda _: httpx.Response(200, text="[" * 100_000),
        lambda _: httpx.Response(200, content=b" " * (MAX_BYTES + 1)),
        lambda _: httpx.Response(200, content=drip()),
    ],
)
def test_anything_else_is_unavailable(answer: Answer) -> None:
    with pytest.raises(Unavailable):
        opa(answer).ask({})


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.ConnectTimeout])
def test_a_broken_line_is_unavailable_and_tried_once(error: type[httpx.TransportError]) -> None:
    calls: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(1)
        raise error("secret of the peer")

    with pytest.raises(Unavailable, match=error.__name__) as failure:
        opa(answer).ask({})
    assert len(calls) == 1 and "secret" not in str(failure.value)


def test_a_connection_that_was_closed_meanwhile_is_opened_again_once() -> None:
    calls: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(1)
        if len(calls) == 1:
            raise httpx.RemoteProtocolError("closed")
        return httpx.Response(200, json={"result": 1})

    assert opa(answer).ask({}) == 1


def test_the_client_uses_no_proxy_of_the_environment() -> None:
    assert not connect("http://127.0.0.1:8181").trust_env
