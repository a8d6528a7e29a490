"""A client for a world model that is an MCP server. It works with FFO, our own world model, and other servers
with the same tools.

The path of the URL selects the protocol. `/jsonrpc` selects bare JSON-RPC 2.0, the protocol of FFO: one
`tools/call` in one POST, without a handshake. Any other path selects MCP's streamable HTTP.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from function.shared import http
from function.shared.errors import Unavailable
from function.shared.event import SREEvent
from function.shared.fact_fields import MAX_NAME
from function.shared.runs import FINDINGS, Run
from function.shared.strict_json import Json, to_json
from function.shared.text import cut

if TYPE_CHECKING:
    import httpx

BARE_PATH = "/jsonrpc"
PROTOCOL = "2025-06-18"
"""The version of MCP that the client offers. Servers with a later version of MCP accept this version too."""
VERSION = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
CONNECT_SECONDS = 0.5
AT_ONCE = 80
"""How many calls run at once: ten deliveries of eight alerts each. So a delivery whose calls hang delays only
itself."""


@dataclass(frozen=True)
class Options:
    """The limits of one call, and the names of the tools."""

    seconds: float = 2.0
    """The time limit of a call, from the connection to the last byte."""
    max_bytes: int = 256 * 1024
    context_tool: str = "get_resource_context"
    outcome_tool: str = "record_outcome"


class WorldModelClient:
    """Calls tools of the MCP server at `url`. Each call has its own connection."""

    def __init__(
        self, url: str, read_token: Callable[[], str] | None = None, options: Options | None = None
    ) -> None:
        self._url, self._read_token, self._options = url, read_token, options or Options()
        self._threads = ThreadPoolExecutor(AT_ONCE, "world-model")

    def context(self, event: SREEvent) -> object:
        names = ("resource_type", "namespace", "resource_id", "cluster", "alertname")
        arguments = {name: cut(getattr(event, name), MAX_NAME) for name in names}
        return self._called(self._options.context_tool, arguments)

    def record(self, run: Run) -> bool:
        """Stores the run. Returns False if the run was stored before. After Unavailable, the run may or may
        not be stored."""
        known = self._fields() if any(getattr(run, name) for name in FINDINGS) else frozenset()
        sent = {name: value for name, value in asdict(run).items() if name not in FINDINGS or name in known}
        answer = self._called(self._options.outcome_tool, sent)
        if isinstance(answer, dict) and isinstance(answer.get("recorded"), bool):
            return bool(answer["recorded"])
        raise _unexpected("a confirmation that the run is recorded")

    def _fields(self) -> frozenset[str]:
        """Returns the fields of the tool that records outcomes, as far as the server tells them."""
        try:
            tools = self._call("tools/list", {})["tools"]
            (schema,) = (tool["inputSchema"] for tool in tools if tool["name"] == self._options.outcome_tool)
            return frozenset(schema["properties"])
        except (Unavailable, *http.SHAPE_ERRORS):
            return frozenset()

    def _called(self, tool: str, arguments: Json) -> object:
        """Returns the result of the tool."""
        return _content(self._call("tools/call", {"name": tool, "arguments": arguments}))

    def _call(self, method: str, parameters: Json) -> Mapping[str, Any]:
        """Returns the result of one request, within the time limit."""
        seconds = self._options.seconds
        with http.connect(self._url, seconds, min(seconds, CONNECT_SECONDS)) as client:
            future = self._threads.submit(self._exchange, client, method, parameters)
            return http.result_within(seconds, future, self._late())

    def _late(self) -> Unavailable:
        return Unavailable("world_model_slow", f"the world model took over {self._options.seconds} s")

    def _exchange(self, client: httpx.Client, method: str, parameters: Json) -> Mapping[str, Any]:
        import httpx

        deadline = time.monotonic() + self._options.seconds
        session = _Session(client, self._url, self._headers(), self._options.max_bytes, deadline)
        try:
            if urlsplit(self._url).path != BARE_PATH:
                session.initialize()
            result = session.request(method, parameters)
            session.end()
            return result
        except (httpx.ReadTimeout, httpx.WriteTimeout):  # before the limit of the whole call
            raise self._late() from None
        # OSError and RuntimeError come from a connection that was closed after the time limit.
        except (httpx.HTTPError, OSError, RuntimeError) as error:
            what = f"the world model cannot be reached ({type(error).__name__})"
            raise Unavailable(
                "world_model_unreachable", f"{what}: check SRE_DISPATCH_WORLD_MODEL_URL"
            ) from None

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        if self._read_token:
            headers["Authorization"] = f"Bearer {self._read_token()}"
        return headers | http.PLAIN


@dataclass
class _Session:
    """Sends JSON-RPC requests to one server, one after the other."""

    client: httpx.Client
    url: str
    headers: dict[str, str]
    max_bytes: int
    deadline: float
    requests: int = 0

    def initialize(self) -> None:
        us = {"name": "sre-dispatch", "version": "1"}
        result = self.request(
            "initialize", {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": us}
        )
        version = result.get("protocolVersion")
        if not isinstance(version, str) or not VERSION.fullmatch(version):
            raise _unexpected("a version of MCP")
        self.headers["MCP-Protocol-Version"] = version
        self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def end(self) -> None:
        """Ends the session if the server has sessions."""
        import httpx

        if "Mcp-Session-Id" in self.headers:
            with contextlib.suppress(httpx.HTTPError, OSError):
                self.client.delete(self.url, headers=self.headers)

    def request(self, method: str, parameters: Json) -> Mapping[str, Any]:
        """Returns the result of one request."""
        self.requests += 1
        message = {"jsonrpc": "2.0", "id": self.requests, "method": method, "params": parameters}
        if (answer := self._answer(self._post(message))) is None:
            raise _unexpected("an answer to our request")
        if answer.get("error") is not None:
            what = "the world model refused the call: check that it has the configured tool"
            raise Unavailable("world_model_refused", what)
        if not isinstance(answer.get("result"), dict):
            raise _unexpected("a result")
        result: Mapping[str, Any] = answer["result"]
        return result

    def _post(self, message: Json) -> bytes:
        content: Any = {"headers": self.headers, "content": to_json(message)}
        with self.client.stream("POST", self.url, **content) as response:
            _check(response.status_code)
            if session := response.headers.get("mcp-session-id"):
                self.headers["Mcp-Session-Id"] = session
            over = Unavailable(
                "world_model_answer", f"the world model's answer is over {self.max_bytes} bytes"
            )
            return http.body(response, self.max_bytes, self.deadline, over, self._is_whole)

    def _is_whole(self, body: bytes) -> bool:
        """Returns whether the body is a stream of events with the response. The server may keep the stream
        open afterwards."""
        return _is_stream(body) and body.endswith((b"\n\n", b"\r\n\r\n")) and bool(self._answer(body))

    def _answer(self, body: bytes) -> Mapping[str, Any] | None:
        for message in _messages(body):
            if isinstance(message, dict) and message.get("id") == self.requests and "method" not in message:
                return message
        return None


def _is_stream(body: bytes) -> bool:
    return body.lstrip()[:1] not in (b"{", b"[")


def _messages(body: bytes) -> Iterator[object]:
    """Yields the JSON-RPC messages in a body. The body is one message or a stream of server-sent events."""
    if not _is_stream(body):
        yield http.parsed(body, _unexpected("JSON"))
        return
    for event in body.replace(b"\r\n", b"\n").split(b"\n\n"):
        data = [line[5:] for line in event.split(b"\n") if line.startswith(b"data:")]
        if b"".join(data).strip():
            yield http.parsed(b"\n".join(data), _unexpected("JSON"))


def _content(result: Mapping[str, Any]) -> object:
    """Returns the structured content of a tool's result, or else the JSON in the result's first text."""
    if result.get("isError"):
        raise Unavailable("world_model_refused", "the world model's tool failed: see its log")
    if isinstance(result.get("structuredContent"), dict):
        return result["structuredContent"]
    content = result.get("content")
    first = content[0] if isinstance(content, list) and content else None
    text = first.get("text") if isinstance(first, dict) else None
    if not isinstance(text, str):
        raise _unexpected("structured content or a text")
    return http.parsed(text.encode("utf-8", "surrogatepass"), _unexpected("JSON in its text"))


def _check(status: int) -> None:
    if status in (401, 403):
        what = f"the world model answered {status}: check that it accepts the token in our token file"
        raise Unavailable("world_model_token", what)
    if status not in (200, 202, 204):
        raise Unavailable(
            "world_model_status",
            f"the world model answered {status}, not 200: check SRE_DISPATCH_WORLD_MODEL_URL",
        )


def _unexpected(wanted: str) -> Unavailable:
    return Unavailable(
        "world_model_answer",
        f"the world model's answer is not {wanted}: check that SRE_DISPATCH_WORLD_MODEL_URL is an MCP server",
    )
