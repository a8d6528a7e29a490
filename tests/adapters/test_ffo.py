from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from function.adapters.ffo import Ffo, Options
from function.errors import Unavailable
from function.facts import Run
from tests.adapters.test_opa import Request, stub
from tests.fakes import event

TOLD = {"facts": [], "gaps": ["not_found"]}
RUN = Run("s-1", "2026-03-29T04:10:00Z", "k8s_pvc", "claim", "Alert", "resolved", "grew", "cleared", 0.9)
TOKEN = "a-token-for-readers"
Answer = Callable[[Request], None]


def structured(content: Any = TOLD) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": "x"}], "structuredContent": content}


def result(told: Any, number: Any = None) -> Answer:
    """Answers a request with this result, under its own number."""

    def answer(request: Request) -> None:
        asked = request.server.requests[-1].body
        request.reply({"jsonrpc": "2.0", "id": number or asked["id"], "result": told})

    return answer


def ask(answer: Answer, path: str = "/jsonrpc", options: Options | None = None) -> object:
    with stub(answer) as server:
        return Ffo(server.url + path, None, options).context(event())


def test_it_asks_for_the_context_of_the_events_resource_in_one_request() -> None:
    with stub(result(structured())) as server:
        assert Ffo(f"{server.url}/jsonrpc", lambda: TOKEN).context(event()) == TOLD
    (asked,) = server.requests
    assert (asked.path, asked.headers["Authorization"]) == ("/jsonrpc", f"Bearer {TOKEN}")
    assert asked.body == {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": "get_resource_context",
            "arguments": {
                "resource_type": "k8s_pvc",
                "namespace": "f3iai",
                "resource_id": "typedb-data",
                "cluster": "fmc",
                "alertname": "PVCUsageHigh",
            },
        },
    }


def test_a_run_is_recorded_and_its_word_is_passed_on() -> None:
    with stub(result(structured({"session": "s-1", "recorded": False}))) as server:
        assert Ffo(f"{server.url}/jsonrpc").record(RUN) is False
    assert server.requests[0].body["params"] == {"name": "record_outcome", "arguments": asdict(RUN)}


def test_tools_have_the_names_that_the_settings_give_them() -> None:
    with stub(result(structured())) as server:
        Ffo(f"{server.url}/jsonrpc", None, Options(context_tool="ffo_describe")).context(event())
    assert server.requests[0].body["params"]["name"] == "ffo_describe"


def test_a_token_is_read_anew_for_each_question() -> None:
    tokens = iter(("first-token-of-two", "second-token-of-two"))
    with stub(result(structured())) as server:
        ffo = Ffo(f"{server.url}/jsonrpc", lambda: next(tokens))
        ffo.context(event())
        ffo.context(event())
    given = [asked.headers["Authorization"] for asked in server.requests]
    assert given == ["Bearer first-token-of-two", "Bearer second-token-of-two"]


def test_the_text_is_read_where_nothing_is_structured() -> None:
    assert ask(result({"content": [{"type": "text", "text": json.dumps(TOLD)}]})) == TOLD


def streamable(call: Answer, session: str = "a-session") -> Answer:
    """A server of MCP's streamable HTTP, which answers the tool's call by `call`."""

    def answer(request: Request) -> None:
        method = request.server.requests[-1].body["method"]
        if method == "notifications/initialized":
            request.reply(b"", 202)
        elif method == "initialize":
            asked = request.server.requests[-1].body
            told = {"protocolVersion": "2025-03-26", "capabilities": {}, "serverInfo": {}}
            request.reply({"jsonrpc": "2.0", "id": asked["id"], "result": told}, Mcp_Session_Id=session)
        else:
            call(request)

    return answer


def streamed(*chunks: str, hold: bool = False) -> Answer:
    """An answer as server-sent events, the stream kept open afterwards if told so."""

    def answer(request: Request) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/event-stream")
        request.end_headers()
        for chunk in chunks:
            request.wfile.write(chunk.encode())
            request.wfile.flush()
        if hold:
            time.sleep(3)
        request.close_connection = True

    return answer


def data(message: Any, newline: str = "\n") -> str:
    return f"event: message{newline}data: {json.dumps(message)}{newline}{newline}"


ANSWER = {"jsonrpc": "2.0", "id": 2, "result": structured()}
NOTICE = {"jsonrpc": "2.0", "method": "notifications/message", "params": {}}


@pytest.mark.parametrize(
    "call",
    [
        result(structured()),
        streamed(data(ANSWER)),
        streamed(data(NOTICE), ": a comment\n\n", data(ANSWER)),
        streamed(data(ANSWER, "\r\n")),
        streamed(*data(ANSWER)),
        streamed(data(ANSWER), hold=True),
    ],
    ids=["json", "stream", "notices before it", "crlf", "byte by byte", "kept open"],
)
def test_any_other_path_is_spoken_to_by_streamable_http(call: Answer) -> None:
    with stub(streamable(call)) as server:
        assert Ffo(f"{server.url}/mcp", lambda: TOKEN).context(event()) == TOLD
    assert [asked.body["method"] for asked in server.requests] == [
        "initialize",
        "notifications/initialized",
        "tools/call",
    ]
    for asked in server.requests[1:]:
        assert asked.headers["Mcp-Session-Id"] == "a-session"
        assert asked.headers["MCP-Protocol-Version"] == "2025-03-26"


@pytest.mark.parametrize("version", ["", None, 7, "\u00e9", "\ud800", "latest\r\nX: y"])
def test_a_version_that_is_none_is_a_wrong_answer(version: Any) -> None:
    def initialize(request: Request) -> None:
        request.reply({"jsonrpc": "2.0", "id": 1, "result": {"protocolVersion": version}})

    with pytest.raises(Unavailable) as failure:
        ask(initialize, "/mcp")
    assert failure.value.code == "ffo_answer"


def dripped_headers(request: Request) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 100:
        request.wfile.write(bytes([byte]))
        request.wfile.flush()
        time.sleep(0.2)


def dripped_body(request: Request) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "100")
    request.end_headers()
    for _ in range(100):
        request.wfile.write(b" ")
        request.wfile.flush()
        time.sleep(0.2)


def silence(_: Request) -> None:
    time.sleep(3)


def cut_off(request: Request) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    request.close_connection = True


def zipped(request: Request) -> None:
    request.reply(gzip.compress(b"[" + b"0," * 10_000_000 + b"0]"), Content_Encoding="gzip")


FAULTS: dict[str, tuple[Answer, set[str]]] = {
    "401": (lambda request: request.reply({}, 401), {"ffo_token"}),
    "403": (lambda request: request.reply({}, 403), {"ffo_token"}),
    "500": (lambda request: request.reply({}, 500), {"ffo_status"}),
    "a redirect": (lambda request: request.reply({}, 307, Location="/elsewhere"), {"ffo_status"}),
    "html": (lambda request: request.reply(b"<html>canary</html>"), {"ffo_answer"}),
    "nothing": (lambda request: request.reply(b""), {"ffo_answer"}),
    "a list": (lambda request: request.reply([]), {"ffo_answer"}),
    "huge": (lambda request: request.reply(b"{" + b" " * 300_000 + b"}"), {"ffo_answer"}),
    "zipped": (zipped, {"ffo_answer"}),
    "cut off": (cut_off, {"ffo_unreachable"}),
    "silence": (silence, {"ffo_slow"}),
    "dripped headers": (dripped_headers, {"ffo_slow"}),
    "dripped body": (dripped_body, {"ffo_slow", "ffo_answer"}),
    "another number": (result(structured(), number=7), {"ffo_answer"}),
    "an error": (
        lambda request: request.reply({"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "canary"}}),
        {"ffo_refused"},
    ),
    "a tool that failed": (result({"isError": True, "content": []}), {"ffo_refused"}),
    "no result": (result(None), {"ffo_answer"}),
    "an empty result": (result({}), {"ffo_answer"}),
    "no text": (result({"content": [{"type": "image"}]}), {"ffo_answer"}),
    "text that is no json": (result({"content": [{"type": "text", "text": "canary"}]}), {"ffo_answer"}),
    "depth": (lambda request: request.reply(b'{"a":' + b"[" * 100_000), {"ffo_answer"}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_it_does_is_a_failure_by_name_in_time(fault: str) -> None:
    answer, codes = FAULTS[fault]
    started = time.monotonic()
    with pytest.raises(Unavailable) as failure:
        ask(answer, options=Options(seconds=0.5))
    assert failure.value.code in codes
    assert (
        time.monotonic() - started < 4.5
    )  # the promise is 0.5 s; the stub itself takes up to 3 to be stopped
    assert "canary" not in str(failure.value)


def test_nobody_there_is_a_failure_by_name() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and not listened on
        with pytest.raises(Unavailable) as failure:
            Ffo(f"http://127.0.0.1:{taken.getsockname()[1]}/jsonrpc").context(event())
    assert failure.value.code == "ffo_unreachable"


def test_an_error_beside_a_result_is_none_where_it_is_null() -> None:
    told = {"jsonrpc": "2.0", "id": 1, "error": None, "result": structured()}
    assert ask(lambda request: request.reply(told)) == TOLD


def test_a_record_that_is_not_confirmed_is_a_failure() -> None:
    with stub(result(structured({"recorded": "yes"}))) as server, pytest.raises(Unavailable) as failure:
        Ffo(f"{server.url}/jsonrpc").record(RUN)
    assert failure.value.code == "ffo_answer"


def test_a_token_that_cannot_be_read_is_a_failure_and_asks_nobody(tmp_path: Path) -> None:
    def broken() -> str:
        raise Unavailable("ffo_token", f"{tmp_path} cannot be read")

    with stub(result(structured())) as server, pytest.raises(Unavailable) as failure:
        Ffo(f"{server.url}/jsonrpc", broken).context(event())
    assert (failure.value.code, server.requests) == ("ffo_token", [])


def test_many_slow_answers_leave_no_file_and_no_thread_behind() -> None:
    with accepting() as url:
        ffo = Ffo(f"{url}/jsonrpc", None, Options(seconds=0.1))
        before, running = files(), threads()
        for _ in range(30):
            with pytest.raises(Unavailable):
                ffo.context(event())
        time.sleep(0.5)  # what was given up ends within the client's own limit
        assert files() - before < 10
        assert threads() - running <= 8


def threads() -> int:
    return sum(thread.name.startswith("ffo") for thread in threading.enumerate())


def files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@contextmanager
def accepting() -> Iterator[str]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_longer_name_than_kubernetes_has_is_cut_before_it_is_sent() -> None:

    with stub(result(structured())) as server:
        Ffo(f"{server.url}/jsonrpc").context(replace(event(), alertname="x" * 999))
    assert len(server.requests[0].body["params"]["arguments"]["alertname"]) == 253
