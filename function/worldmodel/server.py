"""The HTTP server of the world model: MCP's streamable HTTP at /mcp, bare JSON-RPC at /jsonrpc.

The token of a request selects the tools. A caller cannot see the tools that it may not use.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any

import anyio.to_thread
import mcp_types as mcp
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from function.shared import auth
from function.shared.errors import Rejected, Unavailable, location
from function.shared.strict_json import parse, to_json
from function.worldmodel.context import World
from function.worldmodel.settings import WorldModelSettings
from function.worldmodel.tools import TOOLS, BadArguments, Role, Tool

log = logging.getLogger("sre-dispatch")

MAX_BODY = 256 * 1024
REQUEST_SECONDS = 10.0
"""The time limit of one request, including its body."""
AT_ONCE = 4
"""The maximum number of parallel tool calls of each role. Other calls wait. A call about a large namespace
takes tens of MB."""

ROLES: tuple[Role, ...] = ("reader", "writer")
PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
"""https://www.jsonrpc.org/specification#error_object"""


class RpcError(Exception):
    """A JSON-RPC error. The message quotes no part of the request."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Caller:
    """The tools of one role, for both protocols."""

    def __init__(self, role: Role, world: World) -> None:
        self.role, self._world = role, world
        self._limiter, self.reading = anyio.CapacityLimiter(AT_ONCE), anyio.CapacityLimiter(AT_ONCE)
        self.tools = {tool.name: tool for tool in TOOLS if tool.role == role}
        self.sessions = StreamableHTTPSessionManager(
            Server("sre-dispatch-worldmodel", on_list_tools=self._list_tools, on_call_tool=self._call_tool),
            json_response=True,
            stateless=True,  # a restart loses no session
            max_request_body_size=MAX_BODY,
        )

    async def answer(self, message: Any) -> Mapping[str, Any] | None:
        """Returns the reply to a bare JSON-RPC message. A notification has no reply, so it returns None."""
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            return _error(None, RpcError(INVALID_REQUEST, "send one JSON-RPC 2.0 request"))
        if "id" not in message:
            return None
        number = message["id"] if isinstance(message["id"], str | int) else None
        try:
            result = await self._dispatch(message.get("method"), message.get("params") or {})
        except RpcError as error:
            return _error(number, error)
        return {"jsonrpc": "2.0", "id": number, "result": result}

    async def _dispatch(self, method: object, parameters: Any) -> Mapping[str, Any]:
        if method == "tools/list":
            return {"tools": [_description(tool) for tool in self.tools.values()]}
        if method == "tools/call" and isinstance(parameters, dict):
            return await self._call(parameters.get("name"), parameters.get("arguments") or {})
        raise RpcError(NO_METHOD, "the methods are tools/list and tools/call")

    async def _call(self, name: object, arguments: Any) -> Mapping[str, Any]:
        """Returns the result of a tool as MCP defines it. A failed tool has a result too. Raises RpcError."""
        tool = self.tools.get(name) if isinstance(name, str) else None
        if tool is None:
            known = ", ".join(self.tools)
            raise RpcError(INVALID_PARAMS, f"a {self.role} has no such tool: its tools are {known}")
        started = time.monotonic()
        try:
            answer = await anyio.to_thread.run_sync(
                partial(tool.run, self._world, arguments), limiter=self._limiter
            )
        except BadArguments as error:
            raise RpcError(INVALID_PARAMS, str(error)) from None
        except Unavailable as error:
            log.error("%s failed: %s", tool.name, error)  # noqa: TRY400
            return {"content": [{"type": "text", "text": str(error)}], "isError": True}
        _log_call(tool.name, arguments, answer, time.monotonic() - started)
        return {"content": [{"type": "text", "text": to_json(answer)}], "structuredContent": answer}

    async def _list_tools(self, _: Any, __: Any) -> mcp.ListToolsResult:
        return mcp.ListToolsResult.model_validate(await self._dispatch("tools/list", {}))

    async def _call_tool(self, _: Any, call: mcp.CallToolRequestParams) -> mcp.CallToolResult:
        try:
            result = await self._call(call.name, call.arguments or {})
        except RpcError as error:
            result = {"content": [{"type": "text", "text": str(error)}], "isError": True}
        return mcp.CallToolResult.model_validate(result)


def app(settings: WorldModelSettings, world: World) -> Starlette:
    """Returns the ASGI application."""
    callers = {role: Caller(role, world) for role in ROLES}

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for caller in callers.values():
                await stack.enter_async_context(caller.sessions.run())
            yield

    def caller(request: Request) -> Caller:
        return callers[_role(request, settings)]

    routes = [
        Route("/health/liveness", _health, methods=["GET"]),
        Route("/health/readiness", _health, methods=["GET"]),
        Route("/jsonrpc", _guarded(partial(_json_rpc, caller)), methods=["POST"]),
        Route("/mcp", _Streamable(caller)),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _health(_: Request) -> Response:
    """Returns 200 always. The server opened the memory at its start. A later failure becomes a gap in a
    response."""
    return Response("ok", media_type="text/plain")


def _role(request: Request, settings: WorldModelSettings) -> Role:
    """Returns the role of the request's token. Raises Unauthorized, Unavailable."""
    given = auth.credential(request.headers.getlist("authorization"))
    if auth.is_one_of(
        given, auth.accepted(settings.reader_token_files, "SRE_DISPATCH_WORLD_MODEL_READER_TOKEN_FILES")
    ):
        return "reader"
    if auth.is_one_of(
        given, auth.accepted(settings.writer_token_files, "SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES")
    ):
        return "writer"
    raise auth.Unauthorized


def _guarded(answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """Wraps a handler. The handler has to respond within REQUEST_SECONDS. A failure becomes a status without
    a message."""

    async def guarded(request: Request) -> Response:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                response: Response = await answer(request)
                return response
        except auth.Unauthorized:
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        except Unavailable as error:
            log.error("%s", error)  # noqa: TRY400
            return Response(status_code=503)
        except (TimeoutError, ClientDisconnect):
            return Response(status_code=408)
        except Exception as error:  # noqa: BLE001  the message may quote the request
            log.error("internal error: %s", location(error))  # noqa: TRY400
            return Response(status_code=500)

    return guarded


async def _json_rpc(caller: Callable[[Request], Caller], request: Request) -> Response:
    calls = caller(request)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return Response(status_code=413)
    try:
        message = await anyio.to_thread.run_sync(parse, bytes(body), limiter=calls.reading)
    except Rejected as error:
        return JSONResponse(_error(None, RpcError(PARSE_ERROR, str(error))), 400)
    reply = await calls.answer(message)
    return (
        Response(status_code=202)
        if reply is None
        else Response(to_json(reply), media_type="application/json")
    )


class _Streamable:
    """Serves MCP's streamable HTTP. It accepts only POST, because the server sends nothing on its own."""

    def __init__(self, caller: Callable[[Request], Caller]) -> None:
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(request: Request) -> Response:
            if request.method != "POST":
                return Response(status_code=405, headers={"Allow": "POST"})
            await self._caller(request).sessions.handle_request(scope, receive, send)
            return _SENT

        response = await _guarded(answer)(Request(scope, receive))
        if response is not _SENT:
            await response(scope, receive, send)


_SENT = Response()
"""This response means that the session manager has sent the reply."""


def _description(tool: Tool[Any]) -> Mapping[str, Any]:
    return {"name": tool.name, "description": tool.description, "inputSchema": tool.schema()}


def _error(number: str | int | None, error: RpcError) -> Mapping[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": error.code, "message": str(error)}}


def _log_call(tool: str, arguments: Mapping[str, Any], answer: Mapping[str, Any], seconds: float) -> None:
    """Logs one escaped line for each call. The line names the subject of the call. It never contains the
    response."""
    logged = ("resource_type", "namespace", "resource_id", "alertname", "session")
    line = {name: arguments[name] for name in logged if name in arguments}
    line |= {"tool": tool, "ms": round(seconds * 1000)}
    line |= {name: answer[name] for name in ("gaps", "recorded") if name in answer}
    log.info("%s", to_json(line))
