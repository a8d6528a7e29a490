"""A world model of the tests' own on loopback: it speaks MCP well, or says exactly the bytes that a test
gives it."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.client import parse_headers
from threading import Thread
from typing import Any, NamedTuple

from tests.harness.loopback import Over


class Asked(NamedTuple):
    verb: str
    path: str
    headers: Message
    body: Any
    """The JSON of the body, None where there is none."""


class Line:
    """One connection, as the server holds it."""

    def __init__(self, connection: socket.socket, server: Server) -> None:
        self.connection, self._server = connection, server
        self._heard = connection.makefile("rb")

    def hear(self) -> Asked:
        """The next request. Raises ConnectionError where the client has gone."""
        words = self._heard.readline().decode().split()
        if len(words) < 2:
            raise ConnectionError
        headers = parse_headers(self._heard)
        body = self._heard.read(int(headers.get("Content-Length", 0)))
        asked = Asked(words[0], words[1], headers, json.loads(body or b"null"))
        self._server.asked.append(asked)
        return asked

    def say(self, *parts: bytes) -> None:
        for part in parts:
            self.connection.sendall(part)

    def flood(self, data: bytes) -> None:
        """The same again and again, as fast as it goes, until the client has gone."""
        while True:
            self.connection.sendall(data)

    def drip(self, data: bytes, seconds: float) -> None:
        """The same again and again, so far apart, until the client has gone or the test ends."""
        for _ in self._server.over.moments(seconds):
            self.connection.sendall(data)

    def hold(self) -> None:
        """Silence, until the test ends."""
        self._server.over.hold()

    def pause(self, seconds: float) -> None:
        self._server.over.wait(seconds)

    def close(self) -> None:
        self._heard.close()
        self.connection.close()


@dataclass
class Server:
    url: str
    asked: list[Asked] = field(default_factory=list)
    over: Over = field(default_factory=Over)
    lines: list[Line] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)

    def accept(self, listening: socket.socket, talk: Callable[[Line], None]) -> None:
        with contextlib.suppress(OSError):  # the test is over
            while not self.over.is_set():
                line = Line(listening.accept()[0], self)
                self.lines.append(line)
                self.threads.append(Thread(target=self._talk, args=(line, talk)))
                self.threads[-1].start()

    def _talk(self, line: Line, talk: Callable[[Line], None]) -> None:
        with contextlib.suppress(OSError), contextlib.closing(line):  # the client may go at any moment
            talk(line)


@contextlib.contextmanager
def talking(talk: Callable[[Line], None]) -> Iterator[Server]:
    """A server that speaks so on each connection; whatever it still says is cut off when the block ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        server = Server(f"http://127.0.0.1:{listening.getsockname()[1]}")
        accepting = Thread(target=server.accept, args=(listening, talk))
        accepting.start()
        try:
            yield server
        finally:
            server.over.set()
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for line in server.lines:
                with contextlib.suppress(OSError):  # closed already
                    line.connection.shutdown(socket.SHUT_RDWR)
            for thread in server.threads:
                thread.join()
            server.over.end()


TOLD: dict[str, Any] = {"facts": [], "gaps": ["not_found"]}
RESULT: dict[str, Any] = {"content": [{"type": "text", "text": "x"}], "structuredContent": TOLD}
VERSION = "2025-03-26"
SESSION = "a-session"

Answer = Callable[[Line, Asked], None]


def response(body: object = b"", status: str = "200 OK", *headers: str) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(content)}", "", ""]
    return "\r\n".join(head).encode("latin-1") + content


def saying(*parts: bytes) -> Answer:
    """These bytes, whatever was asked, and then the end."""

    def answer(line: Line, _: Asked) -> None:
        line.say(*parts)
        line.connection.shutdown(socket.SHUT_WR)

    return answer


def result(told: object = RESULT, *headers: str) -> Answer:
    """This result, under the number that was asked for."""

    def answer(line: Line, asked: Asked) -> None:
        line.say(response({"jsonrpc": "2.0", "id": asked.body["id"], "result": told}, "200 OK", *headers))

    return answer


def event(message: object, newline: str = "\n") -> bytes:
    """A server-sent event."""
    return f"event: message{newline}data: {json.dumps(message)}{newline}{newline}".encode()


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
"""The head of a stream of events, which ends with its connection."""

INITIALIZED: dict[str, Any] = {"protocolVersion": VERSION, "capabilities": {}, "serverInfo": {}}
WELL: Mapping[str, Answer] = {
    "initialize": result(INITIALIZED, f"Mcp-Session-Id: {SESSION}"),
    "notifications/initialized": lambda line, _: line.say(response(b"", "202 Accepted")),
    "tools/call": result(),
    "DELETE": lambda line, _: line.say(response(b"", "200 OK")),
}
"""What a server says that keeps to MCP, by the method that is asked, or the verb where there is no method."""


def speaking(**answers: Answer) -> Callable[[Line], None]:
    """Speaks well, but for these answers; underscores stand for slashes."""
    spoken = {**WELL, **{name.replace("_", "/"): answer for name, answer in answers.items()}}

    def talk(line: Line) -> None:
        while True:
            asked = line.hear()
            spoken[asked.body["method"] if asked.body else asked.verb](line, asked)

    return talk
