from __future__ import annotations

import socket
from contextlib import AbstractContextManager

import pytest

from function.commands.check.webhook import address
from tests.harness.scripted import Request, Scripted, scripted


def answering(status: int) -> AbstractContextManager[Scripted]:
    def answer(request: Request) -> None:
        found = status if request.asked.path == "/health/readiness" else 404
        request.reply(b"", found, Location="/elsewhere")

    return scripted(answer)


def test_an_address_that_is_ready_passes() -> None:
    with answering(200) as server:
        row = address(server.url)
    assert (row.passed, row.detail) == (True, server.url)


@pytest.mark.parametrize("status", [204, 302, 404, 503])
def test_an_address_that_answers_otherwise_fails_and_says_how(status: int) -> None:
    with answering(status) as server:
        row = address(server.url)
    assert not row.passed and f"answers {status}" in row.detail


def test_an_address_where_nobody_listens_fails() -> None:
    row = address("http://127.0.0.1:1")
    assert not row.passed and "does not answer (ConnectError)" in row.detail


def test_a_name_that_is_not_known_is_said_to_be_that() -> None:
    def lookup(host: str, port: int) -> object:
        assert host == "sre-dispatch.f3iai.svc"
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    row = address("http://sre-dispatch.f3iai.svc", lookup)
    assert not row.passed and "DNS has no address for sre-dispatch.f3iai.svc" in row.detail
