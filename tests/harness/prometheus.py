"""A Prometheus that gives to each query what the test says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from tests.harness.fakes import NOW
from tests.harness.scripted import Request, Scripted, scripted

Reply = tuple[int, bytes]


Told = tuple[Mapping[str, str], str]
"""Labels and a value, as the API writes it."""


@contextmanager
def stub(answer: Callable[[str], Reply], until: int = 0) -> Iterator[Scripted]:
    """A Prometheus that gives to each query what `answer` says, and ends the connection from the query number
    `until` on."""

    def answered(request: Request) -> None:
        status, content = answer(request.asked.form["query"][0])
        last = {"Connection": "close"} if len(request.server.requests) >= until else {}
        request.reply(content, status, Location="/elsewhere", **last)

    with scripted(answered) as server:
        yield server


def vector(*samples: Told) -> Reply:
    result = [{"metric": labels, "value": [NOW.timestamp(), value]} for labels, value in samples]
    return 200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()
