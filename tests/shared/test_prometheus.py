from __future__ import annotations

from collections.abc import Sequence

import pytest

from function.shared.errors import Unavailable
from function.shared.prometheus import MAX_BYTES, Prometheus, Sample
from tests.harness.prometheus import Reply, Told, stub, vector


def ask(reply: Reply) -> Sequence[Sample]:
    with stub(lambda _: reply) as server:
        return Prometheus(server.url).query("up")


def test_a_query_is_posted_with_its_time_limit_and_its_samples_are_told() -> None:
    with stub(lambda _: vector(({"node": "w2"}, "1.5"), ({}, "-2"))) as server:
        samples = Prometheus(server.url).query('up{a="b&c=d"}')
    assert samples == [Sample({"node": "w2"}, 1.5), Sample({}, -2.0)]
    (asked,) = server.requests
    assert (asked.path, asked.headers["Authorization"]) == ("/api/v1/query", None)
    assert asked.form == {"query": ['up{a="b&c=d"}'], "timeout": ["1000ms"]}


def test_queries_share_one_connection() -> None:
    with stub(lambda _: vector(({}, "1")), until=3) as server:
        asking = Prometheus(server.url)
        for _ in range(3):
            asking.query("up")
    assert (len(server.requests), len({asked.client for asked in server.requests})) == (3, 1)


def test_the_token_is_read_anew_for_each_query() -> None:
    tokens = iter(["first", "second"])
    with stub(lambda _: vector()) as server:
        asking = Prometheus(server.url, lambda: next(tokens))
        asking.query("up")
        asking.query("up")
    assert [asked.headers["Authorization"] for asked in server.requests] == ["Bearer first", "Bearer second"]


def test_without_a_token_that_can_be_read_nobody_is_asked() -> None:
    def unreadable() -> str:
        raise Unavailable("prometheus_status", "the file is gone")

    with stub(lambda _: vector()) as server:
        with pytest.raises(Unavailable, match="the file is gone"):
            Prometheus(server.url, unreadable).query("up")
        assert server.requests == []


def test_what_is_no_number_is_left_out() -> None:
    odd: list[Told] = [({}, text) for text in ("NaN", "+Inf", "-Inf")]
    assert ask(vector(*odd, ({"a": "b"}, "0"))) == [Sample({"a": "b"}, 0.0)]


@pytest.mark.parametrize("status", [204, 302, 400, 401, 404, 422, 500, 503])
def test_another_status_than_200_is_no_answer_and_is_followed_nowhere(status: int) -> None:
    with stub(lambda _: (status, b"")) as server:
        with pytest.raises(Unavailable, match=str(status)) as failure:
            Prometheus(server.url).query("up")
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
    assert ask((status, content.ljust(MAX_BYTES))) == [Sample({}, 1.0)]
    for length in (MAX_BYTES + 1, 8 * MAX_BYTES):
        with pytest.raises(Unavailable, match=f"over {MAX_BYTES} bytes") as failure:
            ask((status, content.ljust(length)))
        assert failure.value.code == "prometheus_answer"


@pytest.mark.parametrize(
    "sample", ['{"metric":{},"value":[0,1' + "0" * 400 + "]}", '{"metric":"x","value":[0,"1"]}', "{}", "7"]
)
def test_a_sample_of_another_shape_is_a_wrong_answer(sample: str) -> None:
    body = f'{{"data":{{"result":[{sample}]}}}}'.encode()
    with stub(lambda _: (200, body)) as server, pytest.raises(Unavailable) as failure:
        Prometheus(server.url).query("up")
    assert failure.value.code == "prometheus_answer"
