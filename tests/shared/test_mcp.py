from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from function.shared.errors import Unavailable
from function.shared.gaps import GAPS
from function.shared.mcp import AT_ONCE, PROTOCOL, Options, WorldModelClient
from function.shared.runs import FINDINGS, Run
from tests.harness import mcp
from tests.harness.components import wait_until
from tests.harness.fakes import event
from tests.harness.mcp import Asked, Line, response, saying, speaking, talking
from tests.harness.scripted import Request, scripted

TOLD = {"facts": [], "gaps": ["not_found"]}
RUN = Run("s-1", "2026-03-29T04:10:00Z", "k8s_pvc", "claim", "Alert", "resolved", "grew", "cleared", 0.9)
BASIC = {name: value for name, value in asdict(RUN).items() if name not in FINDINGS}
TOKEN = "a-token-for-readers"
SHORT = Options(seconds=0.5)
"""What a server that never ends is left after, long before it gives up by itself."""
LONG = Options(seconds=50)


def patient(codes: set[str]) -> Options:
    """Time enough on any machine, unless slowness is what is looked for."""
    return SHORT if "world_model_slow" in codes else LONG


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
    with scripted(answer) as server:
        return WorldModelClient(server.url + path, None, options).context(event())


def test_it_asks_for_the_context_of_the_events_resource_in_one_request() -> None:
    with scripted(result(structured())) as server:
        assert WorldModelClient(f"{server.url}/jsonrpc", lambda: TOKEN).context(event()) == TOLD
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
    with scripted(result(structured({"session": "s-1", "recorded": False}))) as server:
        assert WorldModelClient(f"{server.url}/jsonrpc").record(RUN) is False
    assert server.requests[0].body["params"] == {"name": "record_outcome", "arguments": BASIC}


TOOL = {"name": "record_outcome", "inputSchema": {"properties": {"session": {}, "cause": {}, "summary": {}}}}
FOUND = replace(RUN, cause="Deployment shop/cart (release)", not_checked="the node")


@pytest.mark.parametrize(
    ("tools", "sent"),
    [
        ({"tools": [TOOL]}, {"cause": FOUND.cause, "summary": ""}),
        ({"tools": []}, {}),
        ({"tools": [TOOL, TOOL]}, {}),
        ({"tools": [{"name": "record_outcome"}]}, {}),
        ({}, {}),
    ],
)
def test_what_a_run_found_is_sent_to_a_tool_that_has_fields_for_it(tools: Any, sent: dict[str, str]) -> None:
    def answer(request: Request) -> None:
        is_list = request.asked.body["method"] == "tools/list"
        told = tools if is_list else {"structuredContent": {"recorded": True}}
        request.reply({"jsonrpc": "2.0", "id": request.asked.body["id"], "result": told})

    with scripted(answer) as server:
        assert WorldModelClient(f"{server.url}/jsonrpc").record(FOUND) is True
    assert server.requests[1].body["params"]["arguments"] == BASIC | sent


def test_tools_have_the_names_that_the_settings_give_them() -> None:
    with scripted(result(structured())) as server:
        WorldModelClient(f"{server.url}/jsonrpc", None, Options(context_tool="ffo_describe")).context(event())
    assert server.requests[0].body["params"]["name"] == "ffo_describe"


def test_a_token_is_read_anew_for_each_question() -> None:
    tokens = iter(("first-token-of-two", "second-token-of-two"))
    with scripted(result(structured())) as server:
        ffo = WorldModelClient(f"{server.url}/jsonrpc", lambda: next(tokens))
        ffo.context(event())
        ffo.context(event())
    given = [asked.headers["Authorization"] for asked in server.requests]
    assert given == ["Bearer first-token-of-two", "Bearer second-token-of-two"]


def test_the_text_is_read_where_nothing_is_structured() -> None:
    assert ask(result({"content": [{"type": "text", "text": json.dumps(TOLD)}]})) == TOLD


def streamable(call: Answer, session: str = "a-session") -> Answer:
    """A server of MCP's streamable HTTP, which answers the tool's call by `call`."""

    def answer(request: Request) -> None:
        if request.asked.method == "DELETE":
            return request.reply(b"", 405)
        method = request.asked.body["method"]
        if method == "notifications/initialized":
            return request.reply(b"", 202)
        if method == "initialize":
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
            request.hold()
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
    with scripted(streamable(call)) as server:
        assert WorldModelClient(f"{server.url}/mcp", lambda: TOKEN).context(event()) == TOLD
    assert [asked.body["method"] for asked in server.requests if asked.body] == [
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
    assert failure.value.code == "world_model_answer"


def dripped_headers(request: Request) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    request.drip(b"x")


def dripped_body(request: Request) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "100")
    request.end_headers()
    request.drip(b" ")


def cut_off(request: Request) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    request.close_connection = True


def zipped(request: Request) -> None:
    request.reply(gzip.compress(b"[" + b"0," * 10_000_000 + b"0]"), Content_Encoding="gzip")


FAULTS: dict[str, tuple[Answer, set[str]]] = {
    "401": (lambda request: request.reply({}, 401), {"world_model_token"}),
    "403": (lambda request: request.reply({}, 403), {"world_model_token"}),
    "500": (lambda request: request.reply({}, 500), {"world_model_status"}),
    "a redirect": (lambda request: request.reply({}, 307, Location="/elsewhere"), {"world_model_status"}),
    "html": (lambda request: request.reply(b"<html>canary</html>"), {"world_model_answer"}),
    "nothing": (lambda request: request.reply(b""), {"world_model_answer"}),
    "a list": (lambda request: request.reply([]), {"world_model_answer"}),
    "huge": (lambda request: request.reply(b"{" + b" " * 300_000 + b"}"), {"world_model_answer"}),
    "zipped": (zipped, {"world_model_answer"}),
    "cut off": (cut_off, {"world_model_unreachable"}),
    "silence": (Request.hold, {"world_model_slow"}),
    "dripped headers": (dripped_headers, {"world_model_slow"}),
    "dripped body": (dripped_body, {"world_model_slow", "world_model_answer"}),
    "another number": (result(structured(), number=7), {"world_model_answer"}),
    "an error": (
        lambda request: request.reply({"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "canary"}}),
        {"world_model_refused"},
    ),
    "a tool that failed": (result({"isError": True, "content": []}), {"world_model_refused"}),
    "no result": (result(None), {"world_model_answer"}),
    "an empty result": (result({}), {"world_model_answer"}),
    "no text": (result({"content": [{"type": "image"}]}), {"world_model_answer"}),
    "text that is no json": (
        result({"content": [{"type": "text", "text": "canary"}]}),
        {"world_model_answer"},
    ),
    "depth": (lambda request: request.reply(b'{"a":' + b"[" * 100_000), {"world_model_answer"}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_it_does_is_a_failure_by_name(fault: str) -> None:
    answer, codes = FAULTS[fault]
    with pytest.raises(Unavailable) as failure:
        ask(answer, options=patient(codes))
    assert failure.value.code in codes
    assert "canary" not in str(failure.value)


def test_nobody_there_is_a_failure_by_name() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and not listened on
        with pytest.raises(Unavailable) as failure:
            WorldModelClient(f"http://127.0.0.1:{taken.getsockname()[1]}/jsonrpc").context(event())
    assert failure.value.code == "world_model_unreachable"


def test_an_error_beside_a_result_is_none_where_it_is_null() -> None:
    told = {"jsonrpc": "2.0", "id": 1, "error": None, "result": structured()}
    assert ask(lambda request: request.reply(told)) == TOLD


def test_a_record_that_is_not_confirmed_is_a_failure() -> None:
    with scripted(result(structured({"recorded": "yes"}))) as server, pytest.raises(Unavailable) as failure:
        WorldModelClient(f"{server.url}/jsonrpc").record(RUN)
    assert failure.value.code == "world_model_answer"


def test_a_token_that_cannot_be_read_is_a_failure_and_asks_nobody(tmp_path: Path) -> None:
    def broken() -> str:
        raise Unavailable("world_model_token", f"{tmp_path} cannot be read")

    with scripted(result(structured())) as server, pytest.raises(Unavailable) as failure:
        WorldModelClient(f"{server.url}/jsonrpc", broken).context(event())
    assert (failure.value.code, server.requests) == ("world_model_token", [])


def test_many_slow_answers_leave_no_file_and_no_thread_behind() -> None:
    with accepting() as url:
        ffo = WorldModelClient(f"{url}/jsonrpc", None, Options(seconds=0.1))
        before, running = files(), threads()
        for _ in range(30):
            with pytest.raises(Unavailable):
                ffo.context(event())
        wait_until(lambda: files() - before < 10, "the files of what was given up to be closed")
        assert threads() - running <= 8


def threads() -> int:
    return sum(thread.name.startswith("world-model") for thread in threading.enumerate())


def files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@contextmanager
def accepting() -> Iterator[str]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_longer_name_than_kubernetes_has_is_cut_before_it_is_sent() -> None:
    with scripted(result(structured())) as server:
        WorldModelClient(f"{server.url}/jsonrpc").context(replace(event(), alertname="x" * 999))
    assert len(server.requests[0].body["params"]["arguments"]["alertname"]) == 253


def asked_of(talk: Callable[[Line], None], path: str = "/jsonrpc", options: Options = LONG) -> object:
    """What is told by a server that speaks so; it is shown TOKEN."""
    with talking(talk) as server:
        return WorldModelClient(server.url + path, lambda: TOKEN, options).context(event())


def test_a_server_that_speaks_well_is_understood_on_either_path() -> None:
    assert asked_of(speaking(), "/mcp") == mcp.TOLD
    assert asked_of(speaking(), "/jsonrpc") == mcp.TOLD


def test_streamable_http_begins_with_an_offer_and_ends_its_session() -> None:
    with talking(speaking()) as server:
        WorldModelClient(f"{server.url}/mcp", lambda: TOKEN).context(event())
    first, *later = server.asked
    assert [asked.verb for asked in server.asked] == ["POST", "POST", "POST", "DELETE"]
    assert first.body["params"]["protocolVersion"] == PROTOCOL
    assert "Mcp-Session-Id" not in first.headers and "MCP-Protocol-Version" not in first.headers
    assert {asked.headers["Mcp-Session-Id"] for asked in later} == {mcp.SESSION}
    assert {asked.headers["MCP-Protocol-Version"] for asked in later} == {mcp.VERSION}
    for asked in server.asked:
        assert (asked.path, asked.headers["Authorization"]) == ("/mcp", f"Bearer {TOKEN}")
        assert asked.headers["Accept"] == "application/json, text/event-stream"


def test_no_session_is_ended_where_there_is_none() -> None:
    with talking(speaking(initialize=mcp.result(mcp.INITIALIZED))) as server:
        WorldModelClient(f"{server.url}/mcp").context(event())
    assert [asked.verb for asked in server.asked] == ["POST"] * 3
    assert all("Mcp-Session-Id" not in asked.headers for asked in server.asked)


@pytest.mark.parametrize("ended", [saying(response(b"", "405 No")), saying(b"")], ids=["405", "hangs up"])
def test_an_answer_stands_also_where_its_session_cannot_be_ended(ended: mcp.Answer) -> None:
    assert asked_of(speaking(DELETE=ended), "/mcp") == mcp.TOLD


def test_a_run_is_recorded_by_streamable_http_as_well() -> None:
    recorded = mcp.result({"content": [], "structuredContent": {"session": "s-1", "recorded": True}})
    with talking(speaking(tools_call=recorded)) as server:
        assert WorldModelClient(f"{server.url}/mcp").record(RUN) is True
    assert server.asked[2].body["params"] == {"name": "record_outcome", "arguments": BASIC}


def test_a_run_is_recorded_by_the_tool_that_the_settings_name() -> None:
    recorded = mcp.result({"content": [], "structuredContent": {"recorded": True}})
    with talking(speaking(tools_call=recorded)) as server:
        WorldModelClient(f"{server.url}/jsonrpc", None, Options(outcome_tool="ffo_remember")).record(RUN)
    assert server.asked[0].body["params"]["name"] == "ffo_remember"


def test_what_is_structured_is_preferred_to_the_text() -> None:
    told = {
        "content": [{"type": "text", "text": '{"facts": [], "gaps": ["other"]}'}],
        "structuredContent": TOLD,
    }
    assert ask(result(told)) == TOLD


def test_a_text_is_read_where_what_is_structured_is_no_object() -> None:
    told = {"content": [{"type": "text", "text": json.dumps(TOLD)}], "structuredContent": [1]}
    assert ask(result(told)) == TOLD


def quoting(status: str = "200 OK", header: str = "X-Header", body: str = "{}") -> mcp.Answer:
    """An answer with the client's own token wherever a server can put it."""

    def answer(line: Line, asked: Asked) -> None:
        shown = asked.headers["Authorization"]
        line.say(response(body.replace("TOKEN", shown).encode(), status, f"{header}: http://canary/{shown}"))

    return answer


QUOTES = {
    "401": (quoting("401 canary", body="TOKEN"), "world_model_token"),
    "403": (quoting("403 canary", body="TOKEN"), "world_model_token"),
    "404": (quoting("404 canary", body="TOKEN"), "world_model_status"),
    "500": (quoting("500 canary", body="TOKEN"), "world_model_status"),
    "a redirect": (quoting("307 canary", "Location"), "world_model_status"),
    "html": (quoting(body="<html>canary TOKEN</html>"), "world_model_answer"),
    "an error": (
        quoting(body='{"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "canary TOKEN"}}'),
        "world_model_refused",
    ),
    "a tool that failed": (
        quoting(
            body='{"jsonrpc": "2.0", "id": 1, "result": {"isError": true, "content": '
            '[{"type": "text", "text": "canary TOKEN"}]}}'
        ),
        "world_model_refused",
    ),
    "a text": (
        quoting(body='{"jsonrpc": "2.0", "id": 1, "result": {"content": [{"text": "canary TOKEN"}]}}'),
        "world_model_answer",
    ),
    "a key": (quoting(body='{"canary TOKEN": 1}'), "world_model_answer"),
}


STEPS = [(quote, step) for quote in QUOTES for step in ("initialize", "tools_call")]
STEPS.remove(("a tool that failed", "initialize"))


@pytest.mark.parametrize(("quote", "step"), STEPS)
def test_no_word_of_the_server_and_no_token_gets_into_the_failure(quote: str, step: str) -> None:
    answer, code = QUOTES[quote]
    path = "/mcp" if step == "initialize" else "/jsonrpc"
    with talking(speaking(**{step: answer})) as server, pytest.raises(Unavailable) as failure:
        WorldModelClient(server.url + path, lambda: TOKEN, LONG).context(event())
    assert failure.value.code == code
    assert "canary" not in str(failure.value) and TOKEN not in str(failure.value)
    assert len(server.asked) == 1  # a redirect is followed nowhere, and nothing is asked twice


@pytest.mark.parametrize(
    ("status", "code"), [("401 No", "world_model_token"), ("500 No", "world_model_status")]
)
def test_a_notification_that_is_refused_ends_the_call(status: str, code: str) -> None:
    talk = speaking(notifications_initialized=lambda line, _: line.say(response(b"", status)))
    with talking(talk) as server, pytest.raises(Unavailable) as failure:
        WorldModelClient(f"{server.url}/mcp").context(event())
    assert (failure.value.code, len(server.asked)) == (code, 2)


def answer_of(result: str) -> mcp.Answer:
    return saying(response(f'{{"jsonrpc": "2.0", "id": 1, "result": {result}}}'.encode()))


def reset(line: Line, _: Asked) -> None:
    line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
    line.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
LENGTH = HEAD + b"Content-Length: %d\r\n\r\n"
BOMB = gzip.compress(b"[" + b"0," * 5_000_000 + b"0]")
OTHER = {"jsonrpc": "2.0", "id": 7, "result": mcp.RESULT}


def then(say: Callable[[Line], object], first: bytes = b"") -> mcp.Answer:
    def answer(line: Line, _: Asked) -> None:
        line.say(first)
        say(line)

    return answer


WRONGS: dict[str, tuple[mcp.Answer, set[str]]] = {
    "the end": (saying(b""), {"world_model_unreachable"}),
    "a reset": (reset, {"world_model_unreachable"}),
    "no http": (saying(b"SSH-2.0-canary\r\n\r\n"), {"world_model_unreachable"}),
    "a head without an end": (
        then(lambda line: line.flood(b"A: b\r\n" * 999), HEAD),
        {"world_model_unreachable"},
    ),
    "a head drop by drop": (then(lambda line: line.drip(b"x", 0.1), HEAD + b"A: "), {"world_model_slow"}),
    "interim answers drop by drop": (
        then(lambda line: line.drip(b"HTTP/1.1 100 Continue\r\n\r\n", 0.1)),
        {"world_model_slow"},
    ),
    "interim answers without an end": (
        then(lambda line: line.flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 99)),
        {"world_model_slow"},
    ),
    "silence after a head": (then(Line.hold, LENGTH % 9), {"world_model_slow"}),
    "more promised than told": (saying(LENGTH % 99 + b"{"), {"world_model_unreachable"}),
    "less promised than told": (saying(LENGTH % 5 + b'{"result": {}}'), {"world_model_answer"}),
    "a length that is none": (saying(HEAD + b"Content-Length: -1\r\n\r\n{}"), {"world_model_unreachable"}),
    "two lengths": (
        saying(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}"),
        {"world_model_unreachable"},
    ),
    "a body without an end": (
        then(lambda line: line.flood(b" " * 9999), LENGTH % 10**12),
        {"world_model_answer"},
    ),
    "chunks without an end": (
        then(lambda line: line.flood(b"fff\r\n" + b" " * 4095 + b"\r\n"), CHUNKED),
        {"world_model_answer"},
    ),
    "chunks of one byte": (
        then(lambda line: line.flood(b"1\r\n \r\n" * 99), CHUNKED),
        {"world_model_answer", "world_model_slow"},
    ),
    "a chunk that is none": (saying(CHUNKED + b"canary\r\n"), {"world_model_unreachable"}),
    "trailers drop by drop": (
        then(lambda line: line.drip(b"A: b\r\n", 0.1), CHUNKED + b"0\r\n"),
        {"world_model_slow"},
    ),
    "a bomb": (saying(response(BOMB, "200 OK", "Content-Encoding: gzip")), {"world_model_answer"}),
    "a bomb in a bomb": (
        saying(response(gzip.compress(BOMB), "200 OK", "Content-Encoding: gzip, gzip")),
        {"world_model_answer"},
    ),
    "no content": (saying(b"HTTP/1.1 204 No Content\r\n\r\n"), {"world_model_answer"}),
    "null": (saying(response(b"null")), {"world_model_answer"}),
    "a batch": (saying(response([OTHER])), {"world_model_answer"}),
    "another number": (saying(response(OTHER)), {"world_model_answer"}),
    "its number as a text": (saying(response(OTHER | {"id": "1"})), {"world_model_answer"}),
    "no number": (saying(response({"jsonrpc": "2.0", "result": mcp.RESULT})), {"world_model_answer"}),
    "a request of its own": (saying(response(OTHER | {"id": 1, "method": "ping"})), {"world_model_answer"}),
    "a result that is a list": (answer_of("[]"), {"world_model_answer"}),
    "a result that is a text": (answer_of('"canary"'), {"world_model_answer"}),
    "content that is no list": (answer_of('{"content": {"text": "{}"}}'), {"world_model_answer"}),
    "content of a number": (answer_of('{"content": [7]}'), {"world_model_answer"}),
    "a text with half a character": (answer_of('{"content": [{"text": "\\ud800"}]}'), {"world_model_answer"}),
    "a text too deep": (answer_of(f'{{"content": [{{"text": "{"[" * 99_999}"}}]}}'), {"world_model_answer"}),
    "a number too long": (
        answer_of(f'{{"structuredContent": {{"facts": {"9" * 9999}}}}}'),
        {"world_model_answer"},
    ),
    "bytes that are no text": (saying(response(b'{"\xff": 1}')), {"world_model_answer"}),
    "a stream of another number": (saying(mcp.STREAM + mcp.event(OTHER)), {"world_model_answer"}),
    "a stream of notices alone": (saying(mcp.STREAM + mcp.event(NOTICE)), {"world_model_answer"}),
    "a stream of broken json": (saying(mcp.STREAM + b"data: {canary\n\n"), {"world_model_answer"}),
    "a stream of nothing": (then(Line.hold, mcp.STREAM), {"world_model_slow"}),
    "notices without an end": (
        then(lambda line: line.flood(mcp.event(NOTICE)), mcp.STREAM),
        {"world_model_answer", "world_model_slow"},
    ),
    "comments drop by drop": (
        then(lambda line: line.drip(b": ping\n\n", 0.1), mcp.STREAM),
        {"world_model_slow", "world_model_answer"},
    ),
}


@pytest.mark.parametrize("path", ["/jsonrpc", "/mcp"])
@pytest.mark.parametrize("wrong", WRONGS)
def test_whatever_it_says_is_a_failure_by_name_on_either_path(wrong: str, path: str) -> None:
    answer, codes = WRONGS[wrong]
    step = "tools_call" if path == "/jsonrpc" else "initialize"
    with talking(speaking(**{step: answer})) as server:
        ffo = WorldModelClient(server.url + path, lambda: TOKEN, patient(codes))
        with pytest.raises(Unavailable) as failure:
            ffo.context(event())
        assert failure.value.code in codes <= GAPS
        assert "canary" not in str(failure.value)


def test_the_time_is_for_the_whole_call_and_not_for_each_request() -> None:
    def late(line: Line, asked: Asked) -> None:
        line.pause(0.3)
        mcp.WELL[asked.body["method"]](line, asked)

    talk = speaking(initialize=late, notifications_initialized=late, tools_call=late)
    with pytest.raises(Unavailable) as failure:
        asked_of(talk, "/mcp", SHORT)
    assert failure.value.code == "world_model_slow"
    assert asked_of(talk, "/mcp", LONG) == mcp.TOLD


def test_an_answer_may_be_as_large_as_the_settings_say_and_no_larger() -> None:
    padded = mcp.RESULT | {"padding": "x" * 2000}
    size = len(response({"jsonrpc": "2.0", "id": 1, "result": padded}).partition(b"\r\n\r\n")[2])
    talk = speaking(tools_call=mcp.result(padded))
    assert asked_of(talk, options=Options(max_bytes=size)) == mcp.TOLD
    with pytest.raises(Unavailable, match=f"over {size - 1} bytes") as failure:
        asked_of(talk, options=Options(max_bytes=size - 1))
    assert failure.value.code == "world_model_answer"


PRETTY = json.dumps({"jsonrpc": "2.0", "id": 2, "result": mcp.RESULT}, indent=1)


@pytest.mark.parametrize(
    "parts",
    [
        ["id: 1\nretry: 1000\ndata: \n\n", data(ANSWER)],
        ["".join(f"data: {line}\n" for line in PRETTY.split("\n")) + "\n"],
        [data(ANSWER).replace("data: ", "data:")],
        [data(NOTICE) + data(ANSWER)],
        [data({"jsonrpc": "2.0", "id": 2, "method": "ping"}), data(ANSWER)],
        [data(ANSWER | {"id": 1}), data(ANSWER)],
    ],
    ids=["primed", "in lines", "without a blank", "at once", "a request of its own", "another number"],
)
def test_a_stream_that_is_kept_open_is_read_to_its_answer(parts: list[str]) -> None:
    def streaming(line: Line, _: Asked) -> None:
        line.say(mcp.STREAM, *(part.encode() for part in parts))
        line.hold()

    assert asked_of(speaking(tools_call=streaming), "/mcp", LONG) == mcp.TOLD


def test_a_stream_that_ends_without_a_blank_line_is_read_as_well() -> None:
    def streaming(line: Line, asked: Asked) -> None:
        line.say(mcp.STREAM, data(ANSWER).rstrip().encode())
        line.connection.shutdown(socket.SHUT_WR)

    assert asked_of(speaking(tools_call=streaming), "/mcp") == mcp.TOLD


def silent(line: Line) -> None:
    line.hear()
    line.hold()


def test_one_that_is_slow_holds_up_no_other_for_longer_than_its_time() -> None:
    ended: list[str] = []

    def one(ffo: WorldModelClient) -> None:
        with pytest.raises(Unavailable) as failure:
            ffo.context(event())
        ended.append(failure.value.code)

    with talking(silent) as server:
        ffo = WorldModelClient(f"{server.url}/jsonrpc", None, SHORT)
        callers = [threading.Thread(target=one, args=(ffo,)) for _ in range(2 * AT_ONCE)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    assert ended == ["world_model_slow"] * 2 * AT_ONCE  # also those who found no thread


def test_two_hundred_calls_leave_no_file_open() -> None:
    kinds = [
        speaking(),
        speaking(tools_call=saying(LENGTH % 99 + b"{")),
        speaking(tools_call=saying(response(b"[]"))),
        speaking(tools_call=then(Line.hear, mcp.STREAM + mcp.event(ANSWER | {"id": 1}))),
        speaking(tools_call=reset),
    ]
    before = files()
    for talk in kinds:
        with talking(talk) as server:
            ffo = WorldModelClient(f"{server.url}/jsonrpc", None, LONG)
            for _ in range(40):
                with suppress(Unavailable):
                    ffo.context(event())
    assert files() <= before + 2
