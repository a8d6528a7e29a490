from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.shared.errors import Unavailable
from function.shared.prometheus import Bounds, Prometheus, Sample, finite, quoted
from tests.harness.process import free_port
from tests.harness.prometheus import Reply, Told, stub, vector

BOUNDS = Bounds(seconds=30, connect_seconds=30, max_bytes=1024 * 1024)


def client(url: str, read_token: Callable[[], str] | None = None) -> Prometheus:
    return Prometheus(url, BOUNDS, "THE_SETTING", read_token)


def ask(reply: Reply) -> Sequence[Sample]:
    with stub(lambda _: reply) as server:
        return client(server.url).query("up")


def test_a_query_is_posted_with_its_time_limit_and_its_samples_are_told() -> None:
    with stub(lambda _: vector(({"node": "w2"}, "1.5"), ({}, "-2"))) as server:
        samples = client(server.url).query('up{a="b&c=d"}')
    assert samples == [Sample({"node": "w2"}, 1.5), Sample({}, -2.0)]
    (asked,) = server.requests
    assert (asked.path, asked.headers["Authorization"]) == ("/api/v1/query", None)
    assert asked.form == {"query": ['up{a="b&c=d"}'], "timeout": ["30000ms"]}


def test_queries_share_one_connection() -> None:
    with stub(lambda _: vector(({}, "1")), until=3) as server:
        asking = client(server.url)
        for _ in range(3):
            asking.query("up")
    assert (len(server.requests), len({asked.client for asked in server.requests})) == (3, 1)


def test_the_token_is_read_anew_for_each_query() -> None:
    tokens = iter(["first", "second"])
    with stub(lambda _: vector()) as server:
        asking = client(server.url, lambda: next(tokens))
        asking.query("up")
        asking.query("up")
    assert [asked.headers["Authorization"] for asked in server.requests] == ["Bearer first", "Bearer second"]


def test_without_a_token_that_can_be_read_nobody_is_asked() -> None:
    def unreadable() -> str:
        raise Unavailable("prometheus_status", "the file is gone")

    with stub(lambda _: vector()) as server:
        with pytest.raises(Unavailable, match="the file is gone"):
            client(server.url, unreadable).query("up")
        assert server.requests == []


def test_values_that_are_no_numbers_are_told_and_can_be_left_out() -> None:
    odd: list[Told] = [({}, text) for text in ("NaN", "+Inf", "-Inf")]
    samples = ask(vector(*odd, ({"a": "b"}, "0")))
    assert len(samples) == 4
    assert finite(samples) == [Sample({"a": "b"}, 0.0)]


def test_histograms_are_left_out() -> None:
    result = [{"metric": {}, "histogram": [0, {"count": "1", "sum": "2"}]}, {"metric": {}, "value": [0, "1"]}]
    body = {"status": "success", "data": {"resultType": "vector", "result": result}}
    assert ask((200, json.dumps(body).encode())) == [Sample({}, 1.0)]


@pytest.mark.parametrize("status", [204, 302, 400, 401, 404, 422, 500, 503])
def test_another_status_than_200_is_no_answer_and_is_followed_nowhere(status: int) -> None:
    with stub(lambda _: (status, b"")) as server:
        with pytest.raises(Unavailable, match=str(status)) as failure:
            client(server.url).query("up")
        assert (failure.value.code, len(server.requests)) == ("prometheus_status", 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Sign in</body></html>",
        b"\xff",
        b"null",
        b"[]",
        b"{}",
        b'{"data": null}',
        b'{"data": {"result": null}}',
        b'{"data": {"resultType": "scalar", "result": [1774753800, "1"]}}',
        b'{"data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1774753800, "1"]]}]}}',
        b'{"data": {"result": [{"metric": {}, "value": [1774753800]}]}}',
        b'{"data": {"result": [{"metric": {}, "value": [1774753800, "one"]}]}}',
        b'{"data": {"result": [{"metric": {}, "value": [1774753800, null]}]}}',
        b'{"data": {"result": [{"value": [1774753800, "1"]}]}}',
        b'{"data": {"result": [null]}}',
        b'{"data": {"result": [',
        b"[" * 100_000,
    ],
    ids=lambda body: str(body[:80]),
)
def test_what_is_no_vector_is_no_answer(body: bytes) -> None:
    with pytest.raises(Unavailable) as failure:
        ask((200, body))
    assert failure.value.code == "prometheus_answer"


def test_an_answer_of_a_mebibyte_is_read_and_a_longer_one_is_not() -> None:
    status, content = vector(({}, "1"))
    assert ask((status, content.ljust(BOUNDS.max_bytes))) == [Sample({}, 1.0)]
    for length in (BOUNDS.max_bytes + 1, 8 * BOUNDS.max_bytes):
        with pytest.raises(Unavailable, match=f"over {BOUNDS.max_bytes} bytes") as failure:
            ask((status, content.ljust(length)))
        assert failure.value.code == "prometheus_answer"


@pytest.mark.parametrize(
    "sample", ['{"metric":{},"value":[0,1' + "0" * 400 + "]}", '{"metric":"x","value":[0,"1"]}', "{}", "7"]
)
def test_a_sample_of_another_shape_is_a_wrong_answer(sample: str) -> None:
    body = f'{{"status":"success","data":{{"result":[{sample}]}}}}'.encode()
    with pytest.raises(Unavailable) as failure:
        ask((200, body))
    assert failure.value.code == "prometheus_answer"


def test_where_nobody_listens_prometheus_is_unreachable() -> None:
    with pytest.raises(Unavailable, match="ConnectError") as failure:
        client(f"http://127.0.0.1:{free_port()}").query("up")
    assert failure.value.code == "prometheus_unreachable"


def test_each_message_names_the_setting_to_correct() -> None:
    for reply in ((500, b""), (200, b"no JSON")):
        with pytest.raises(Unavailable, match="THE_SETTING"):
            ask(reply)


def test_a_server_that_says_nothing_is_slow() -> None:
    silent = threading.Event()

    def answer(_: str) -> Reply:
        silent.wait(30)
        return vector()

    with stub(answer) as server:
        with pytest.raises(Unavailable, match=r"took over 0\.1 s") as failure:
            client(server.url).query("up", seconds=0.1)
        silent.set()
    assert failure.value.code == "prometheus_slow"


def test_an_address_that_is_none_is_unreachable() -> None:
    with pytest.raises(Unavailable, match="InvalidURL") as failure:
        client("http://[::").query("up")
    assert failure.value.code == "prometheus_unreachable"


def test_a_client_that_was_closed_connects_again() -> None:
    with stub(lambda _: vector(({}, "1")), until=1) as server:
        asking = client(server.url)
        asking.query("up")
        asking.close()
        assert asking.query("up") == [Sample({}, 1.0)]
        assert len({asked.client for asked in server.requests}) == 2


# Literals, as promql/parser/lex.go (lexString, lexEscape) and util/strutil/quote.go read them

SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}


def read_by_prometheus(literal: str) -> str:
    """The string that a literal in double quotes means. Raises ValueError where the lexer refuses it."""
    text = literal.encode().decode()
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        raise ValueError("no literal in double quotes")
    found, letters = [], iter(text[1:-1])
    for letter in letters:
        if letter in '"\n\ufffd':  # the lexer takes U+FFFD for invalid UTF-8
            raise ValueError(f"{letter!r} has to be escaped")
        found.append(_escaped(letters) if letter == "\\" else letter)
    return "".join(found)


def _escaped(letters: Iterator[str]) -> str:
    kind = next(letters)
    if kind in SIMPLE:
        return SIMPLE[kind]
    digits = {"u": 4, "U": 8}[kind]
    point = int("".join(next(letters) for _ in range(digits)), 16)
    if 0xD800 <= point < 0xE000:
        raise ValueError("an escape of a surrogate")
    return chr(point)


@given(st.text())
def test_prometheus_reads_a_quoted_text_as_it_was(text: str) -> None:
    assert read_by_prometheus(quoted(text)) == text


@given(st.text(st.characters(exclude_categories=())))
def test_a_lone_surrogate_is_quoted_as_the_replacement_character(text: str) -> None:
    assert read_by_prometheus(quoted(text)) == re.sub("[\ud800-\udfff]", "\ufffd", text)


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("typedb-data", '"typedb-data"'),
        ('a"b\\c', r'"a\"b\\c"'),
        ("a\nb\0", r'"a\nb\u0000"'),
        ("Größe", '"Größe"'),
        ("\U0001f600", '"\U0001f600"'),
        ("\ufffd", r'"\ufffd"'),
    ],
)
def test_a_text_is_quoted_as_promql_has_it(text: str, literal: str) -> None:
    assert quoted(text) == literal
