"""An MCP server of the tests' own over HTTP: its tools answer with exactly the texts of the test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from http.server import ThreadingHTTPServer
from typing import Any

from tests.harness.loopback import Quiet, serving


class Toolbox(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answers: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.url = answers, f"http://127.0.0.1:{self.server_port}/mcp"
        self.called: list[str] = []

    def respond(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The result of a request."""
        match asked["method"]:
            case "initialize":
                version = asked["params"]["protocolVersion"]
                server = {"name": "toolbox", "version": "1"}
                return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}
            case "tools/list":
                form = {"type": "object", "properties": {}}
                return {"tools": [{"name": name, "inputSchema": form} for name in self.answers]}
            case "tools/call":
                self.called.append(asked["params"]["name"])
                return {"content": [{"type": "text", "text": self.answers[asked["params"]["name"]]}]}
        return {}


class _Handler(Quiet):
    protocol_version = "HTTP/1.1"
    server: Toolbox

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "id" not in asked:  # a notification
            return self.say(b"", 202)
        answer = {"jsonrpc": "2.0", "id": asked["id"], "result": self.server.respond(asked)}
        self.say(json.dumps(answer).encode(), Content_Type="application/json")

    def do_GET(self) -> None:
        self.say(b"", 405)

    do_DELETE = do_GET


def toolbox(**answers: str) -> AbstractContextManager[Toolbox]:
    """A server with these tools, each of which always answers the same."""
    return serving(Toolbox(answers))
