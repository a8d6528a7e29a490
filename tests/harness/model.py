"""A scripted model: the Messages API as Claude Code needs it, on loopback. It says exactly what the test
wrote, so that what is shown is what the runner and the real program enforce."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import groupby
from typing import Any
from uuid import uuid4

from tests.harness.loopback import Quiet, serving

Reply = Sequence[dict[str, Any]] | int | Callable[[BaseHTTPRequestHandler], None]
"""Blocks of one message, an HTTP status that fails, or whatever else is done with the request."""

OUTCOME = {
    "status": "investigated",
    "summary": "typedb-data fills by 0.05 GiB an hour",
    "root_cause": "write-ahead log files pile up",
    "cause": {"kind": "StatefulSet", "namespace": "f3iai", "name": "typedb", "class": "capacity"},
    "actions": [],
    "evidence": ["used 15.04 of 20 GiB"],
    "ruled_out": ["a larger load: the rate of writes is as before"],
    "not_checked": ["why no checkpoint was written"],
    "confidence": 0.8,
    "follow_up": "grow the claim",
}


def real() -> dict[str, str]:
    """How a real model is asked, as this process's environment says; nothing where there is no key."""
    names = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "HTTPS_PROXY", "NO_PROXY")
    told = {name: os.environ[name] for name in names if os.environ.get(name)}
    return told if told.keys() & {"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"} else {}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "name": tool, "input": arguments}


def outcome(**changes: Any) -> dict[str, Any]:
    """The call that ends a run with an outcome."""
    return call("StructuredOutput", **{**OUTCOME, **changes})


@dataclass
class Model:
    url: str
    script: list[Reply]
    requests: list[dict[str, Any]] = field(default_factory=list)
    """The bodies that it was asked with, in their order."""
    asked: threading.Event = field(default_factory=threading.Event)
    """Set by the first request."""
    counts_tokens: bool = True
    """Whether it can say how long a text is; many a gateway cannot."""

    def names(self) -> list[str]:
        """The models that were asked for, in their order, a repeated one once."""
        return [name for name, _ in groupby(body["model"] for body in self.requests)]

    def results(self) -> list[str]:
        """What the tools answered, as the model was told."""
        told = [
            block for body in self.requests[-1:] for message in body["messages"] for block in blocks(message)
        ]
        return [json.dumps(block.get("content")) for block in told if block.get("type") == "tool_result"]

    def offered(self) -> set[str]:
        """The tools that the model could have called."""
        return {tool["name"] for body in self.requests for tool in body.get("tools", ())}


def only(name: str, reply: Reply, status: int) -> Reply:
    """What the model of that name says; asked for any other, the API fails with the status."""

    def say(handler: BaseHTTPRequestHandler) -> None:
        assert isinstance(handler, _Handler)
        handler.give(reply if handler.name == name else status)

    return say


def blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return [text(content)] if isinstance(content, str) else list(content)


@contextmanager
def model(*script: Reply, port: int = 0, counts_tokens: bool = True) -> Iterator[Model]:
    """Answers the requests one after the other with the script's replies, the last one again and again."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
    server.daemon_threads = True
    found = Model(f"http://127.0.0.1:{server.server_port}", [*script], counts_tokens=counts_tokens)
    server.model = found  # type: ignore[attr-defined]
    with serving(server):
        yield found


class _Handler(Quiet):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        found: Model = self.server.model  # type: ignore[attr-defined]
        if self.path.startswith("/v1/messages/count_tokens"):  # asked for long answers of tools, and free
            return self._count(found)
        self.name = self._asked_for(found)
        found.asked.set()
        self.give(found.script.pop(0) if len(found.script) > 1 else found.script[0])

    def give(self, reply: Reply) -> None:
        if callable(reply):
            reply(self)
        elif isinstance(reply, int):
            self._send(reply, json.dumps(_error(reply)).encode(), "application/json")
        else:
            self._send(200, b"".join(_events(self.name, reply)), "text/event-stream")

    def _count(self, found: Model) -> None:
        size = len(self.rfile.read(int(self.headers["Content-Length"])))
        counted = {"input_tokens": size // 4} if found.counts_tokens else _error(404)
        self._send(200 if found.counts_tokens else 404, json.dumps(counted).encode(), "application/json")

    def _asked_for(self, found: Model) -> str:
        """The model that the request names; its body is kept."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found.requests.append(body)
        return str(body["model"])

    def _send(self, status: int, content: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _error(status: int) -> dict[str, Any]:
    return {"type": "error", "error": {"type": "api_error", "message": f"scripted {status}"}}


def _events(name: str, reply: Sequence[dict[str, Any]]) -> Iterator[bytes]:
    """https://docs.anthropic.com/en/docs/build-with-claude/streaming"""
    usage = {"input_tokens": 10, "output_tokens": 1}
    message = {
        "id": f"msg_{uuid4().hex}",
        "type": "message",
        "role": "assistant",
        "model": name,
        "content": [],
    }
    yield _event(
        "message_start", message={**message, "stop_reason": None, "stop_sequence": None, "usage": usage}
    )
    for index, block in enumerate(reply):
        if block["type"] == "text":
            start, delta = text(""), {"type": "text_delta", "text": block["text"]}
        else:
            start = {**block, "id": f"toolu_{id(block)}_{index}", "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        yield _event("content_block_start", index=index, content_block=start)
        yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    reason = "tool_use" if any(block["type"] == "tool_use" for block in reply) else "end_turn"
    yield _event(
        "message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage={"output_tokens": 20}
    )
    yield _event("message_stop")


def _event(kind: str, **content: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **content})}\n\n".encode()


def hanging(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(30)
