"""WorldModel over an MCP server: FFO, our own, or any other that has the tools.

The path of its URL says how it is spoken to. `/jsonrpc` is the bare form of FFO: one JSON-RPC 2.0
`tools/call` in one POST, no handshake. Any other path is MCP's streamable HTTP.
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
from function.shared.facts import MAX_NAME
from function.shared.runs import Run
from function.shared.strict_json import Json, to_json
from function.shared.text import cut

if TYPE_CHECKING:
    import httpx

BARE_PATH = "/jsonrpc"
PROTOCOL = "2025-06-18"
"""The version of MCP that we offer; each later server still answers it."""
VERSION = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
CONNECT_SECONDS = 0.5
AT_ONCE = 8


@dataclass(frozen=True)
class Options:
    """What one answer may take, and what the tools are called."""

    seconds: float = 2.0
    """From the connection to the last byte, whatever the server does in between."""
    max_bytes: int = 256 * 1024
    context_tool: str = "get_resource_context"
    outcome_tool: str = "record_outcome"


class WorldModelClient:
    """Calls tools of the MCP server at `url`. A function that lives for minutes keeps no connection to it."""

    def __init__(
        self, url: str, read_token: Callable[[], str] | None = None, options: Options | None = None
    ) -> None:
        self._url, self._read_token, self._options = url, read_token, options or Options()
        self._threads = ThreadPoolExecutor(AT_ONCE, "world-model")

    def context(self, event: SREEvent) -> object:
        asked = ("resource_type", "namespace", "resource_id", "cluster", "alertname")
        told = {name: cut(getattr(event, name), MAX_NAME) for name in asked}
        return self._call(self._options.context_tool, told)

    def record(self, run: Run) -> bool:
        """Has the run remembered; False where it is already. Raises Unavailable, and then it may not be."""
        answer = self._call(self._options.outcome_tool, asdict(run))
        if isinstance(answer, dict) and isinstance(answer.get("recorded"), bool):
            return bool(answer["recorded"])
        raise _odd("its word that the run is recorded")

    def _call(self, tool: str, arguments: Json) -> object:
        """The tool's answer."""
        seconds = self._options.seconds
        with http.connect(self._url, seconds, min(seconds, CONNECT_SECONDS)) as client:
            told = self._threads.submit(self._told, client, tool, arguments)
            return http.result_within(seconds, told, self._late())

    def _late(self) -> Unavailable:
        return Unavailable("world_model_slow", f"the world model took over {self._options.seconds} s")

    def _told(self, client: httpx.Client, tool: str, arguments: Json) -> object:
        import httpx

        deadline = time.monotonic() + self._options.seconds
        line = _Line(client, self._url, self._headers(), self._options.max_bytes, deadline)
        try:
            if urlsplit(self._url).path != BARE_PATH:
                line.shake_hands()
            told = line.ask("tools/call", {"name": tool, "arguments": arguments})
            line.hang_up()
            return _result(told)
        except (httpx.ReadTimeout, httpx.WriteTimeout):  # which may be noticed before the whole call's end
            raise self._late() from None
        except (httpx.HTTPError, OSError, RuntimeError) as error:  # the latter two from a line cut at the end
            what = (
                f"the world model cannot be asked ({type(error).__name__}): see SRE_DISPATCH_WORLD_MODEL_URL"
            )
            raise Unavailable("world_model_unreachable", what) from None

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        if self._read_token:
            headers["Authorization"] = f"Bearer {self._read_token()}"
        return headers | http.PLAIN


@dataclass
class _Line:
    """JSON-RPC to one server, one request after the other."""

    client: httpx.Client
    url: str
    headers: dict[str, str]
    max_bytes: int
    deadline: float
    requests: int = 0

    def shake_hands(self) -> None:
        about = {"name": "sre-dispatch", "version": "1"}
        told = self.ask("initialize", {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": about})
        version = told.get("protocolVersion")
        if not isinstance(version, str) or not VERSION.fullmatch(version):
            raise _odd("a version of MCP")
        self.headers["MCP-Protocol-Version"] = version
        self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def hang_up(self) -> None:
        """Ends the session, where the server keeps one."""
        import httpx

        if "Mcp-Session-Id" in self.headers:
            with contextlib.suppress(httpx.HTTPError, OSError):
                self.client.delete(self.url, headers=self.headers)

    def ask(self, method: str, parameters: Json) -> Mapping[str, Any]:
        """The result of one request."""
        self.requests += 1
        asked = {"jsonrpc": "2.0", "id": self.requests, "method": method, "params": parameters}
        if (answer := self._answer(self._post(asked))) is None:
            raise _odd("an answer to what was asked")
        if answer.get("error") is not None:
            what = "the world model refused the call: has it the tool that is named?"
            raise Unavailable("world_model_refused", what)
        if not isinstance(answer.get("result"), dict):
            raise _odd("a result")
        result: Mapping[str, Any] = answer["result"]
        return result

    def _post(self, message: Json) -> bytes:
        asked: Any = {"headers": self.headers, "content": to_json(message)}
        with self.client.stream("POST", self.url, **asked) as response:
            _check(response.status_code)
            if session := response.headers.get("mcp-session-id"):
                self.headers["Mcp-Session-Id"] = session
            over = Unavailable(
                "world_model_answer", f"the world model's answer is over {self.max_bytes} bytes"
            )
            return http.body(response, self.max_bytes, self.deadline, over, self._is_whole)

    def _is_whole(self, body: bytes) -> bool:
        """Whether a stream of events holds the answer: it may be kept open after that."""
        return _is_stream(body) and body.endswith((b"\n\n", b"\r\n\r\n")) and bool(self._answer(body))

    def _answer(self, body: bytes) -> Mapping[str, Any] | None:
        for message in _messages(body):
            if isinstance(message, dict) and message.get("id") == self.requests and "method" not in message:
                return message
        return None


def _is_stream(body: bytes) -> bool:
    return body.lstrip()[:1] not in (b"{", b"[")


def _messages(body: bytes) -> Iterator[object]:
    """The JSON-RPC messages in a body, which is one, or a stream of server-sent events."""
    if not _is_stream(body):
        yield http.parsed(body, _odd("JSON"))
        return
    for event in body.replace(b"\r\n", b"\n").split(b"\n\n"):
        data = [line[5:] for line in event.split(b"\n") if line.startswith(b"data:")]
        if b"".join(data).strip():
            yield http.parsed(b"\n".join(data), _odd("JSON"))


def _result(told: Mapping[str, Any]) -> object:
    """What the tool said: its structured content, else the JSON in its first text."""
    if told.get("isError"):
        raise Unavailable("world_model_refused", "the world model's tool failed: its own log says why")
    if isinstance(told.get("structuredContent"), dict):
        return told["structuredContent"]
    content = told.get("content")
    first = content[0] if isinstance(content, list) and content else None
    text = first.get("text") if isinstance(first, dict) else None
    if not isinstance(text, str):
        raise _odd("structured content or a text")
    return http.parsed(text.encode("utf-8", "surrogatepass"), _odd("JSON as its text"))


def _check(status: int) -> None:
    if status in (401, 403):
        what = f"the world model answered {status}: does the token file hold a token that it accepts?"
        raise Unavailable("world_model_token", what)
    if status not in (200, 202, 204):
        raise Unavailable(
            "world_model_status",
            f"the world model answered {status}, wanted 200: see SRE_DISPATCH_WORLD_MODEL_URL",
        )


def _odd(wanted: str) -> Unavailable:
    return Unavailable(
        "world_model_answer",
        f"the world model's answer is not {wanted}: is SRE_DISPATCH_WORLD_MODEL_URL an MCP server?",
    )
