"""The world model's web edge: who may call what, MCP's streamable HTTP at /mcp and bare JSON-RPC at /jsonrpc.

A token decides which tools there are at all: what a reader cannot call does not exist for it.
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
"""For the whole of one request, its body included."""
AT_ONCE = 4
"""Tool calls of each role worked on side by side; more wait. One of a large namespace takes tens of MB."""

ROLES: tuple[Role, ...] = ("reader", "writer")
PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
"""https://www.jsonrpc.org/specification#error_object"""


class RpcError(Exception):
    """A JSON-RPC error: a code and a message that quotes nothing of the request."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Caller:
    """The tools of one role, in both forms in which they are called."""

    def __init__(self, role: Role, world: World) -> None:
        self.role, self._world, self._limiter = role, world, anyio.CapacityLimiter(AT_ONCE)
        self.tools = {tool.name: tool for tool in TOOLS if tool.role == role}
        self.sessions = StreamableHTTPSessionManager(
            Server("sre-dispatch-worldmodel", on_list_tools=self._list_tools, on_call_tool=self._call_tool),
            json_response=True,
            stateless=True,  # nothing to lose with a restart, nothing to keep for a caller that went away
            max_request_body_size=MAX_BODY,
        )

    async def answer(self, message: Any) -> Mapping[str, Any] | None:
        """The reply to one bare JSON-RPC message, None to a notification."""
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            return _error(None, RpcError(INVALID_REQUEST, "one JSON-RPC 2.0 request is wanted"))
        if "id" not in message:
            return None
        number = message["id"] if isinstance(message["id"], str | int) else None
        try:
            result = await self._answered(message.get("method"), message.get("params") or {})
        except RpcError as error:
            return _error(number, error)
        return {"jsonrpc": "2.0", "id": number, "result": result}

    async def _answered(self, method: object, parameters: Any) -> Mapping[str, Any]:
        if method == "tools/list":
            return {"tools": [_described(tool) for tool in self.tools.values()]}
        if method == "tools/call" and isinstance(parameters, dict):
            return await self._called(parameters.get("name"), parameters.get("arguments") or {})
        raise RpcError(NO_METHOD, "the methods are tools/list and tools/call")

    async def _called(self, name: object, arguments: Any) -> Mapping[str, Any]:
        """The result of a tool in MCP's form, also where the tool failed. Raises Refused."""
        tool = self.tools.get(name) if isinstance(name, str) else None
        if tool is None:
            known = ", ".join(self.tools)
            raise RpcError(INVALID_PARAMS, f"no such tool for the token of a {self.role}: it has {known}")
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
        _told(tool.name, arguments, answer, time.monotonic() - started)
        return {"content": [{"type": "text", "text": to_json(answer)}], "structuredContent": answer}

    async def _list_tools(self, _: Any, __: Any) -> mcp.ListToolsResult:
        return mcp.ListToolsResult.model_validate(await self._answered("tools/list", {}))

    async def _call_tool(self, _: Any, asked: mcp.CallToolRequestParams) -> mcp.CallToolResult:
        try:
            told = await self._called(asked.name, asked.arguments or {})
        except RpcError as error:
            told = {"content": [{"type": "text", "text": str(error)}], "isError": True}
        return mcp.CallToolResult.model_validate(told)


def app(settings: WorldModelSettings, world: World) -> Starlette:
    """The ASGI application."""
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
        Route("/jsonrpc", _guarded(partial(_bare, caller)), methods=["POST"]),
        Route("/mcp", _Streamable(caller)),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _health(_: Request) -> Response:
    """That it runs means that it could open its file. What fails later is a gap; the rest is still told."""
    return Response("ok", media_type="text/plain")


def _role(request: Request, settings: WorldModelSettings) -> Role:
    """Whose token the request carries. Raises Unauthorized, Unavailable."""
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
    """A request within its time, and every failure as a status that tells nothing of it."""

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
        except Exception as error:  # noqa: BLE001  its message may quote what was asked
            log.error("internal error: %s", location(error))  # noqa: TRY400
            return Response(status_code=500)

    return guarded


async def _bare(caller: Callable[[Request], Caller], request: Request) -> Response:
    calls = caller(request)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return Response(status_code=413)
    try:
        message = parse(bytes(body))
    except Rejected as error:
        return JSONResponse(_error(None, RpcError(PARSE_ERROR, str(error))), 400)
    reply = await calls.answer(message)
    return (
        Response(status_code=202)
        if reply is None
        else Response(to_json(reply), media_type="application/json")
    )


class _Streamable:
    """MCP's streamable HTTP, POST alone: nothing is ever sent that was not asked for."""

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
"""Stands for the reply that the session manager has sent itself."""


def _described(tool: Tool[Any]) -> Mapping[str, Any]:
    return {"name": tool.name, "description": tool.description, "inputSchema": tool.schema()}


def _error(number: str | int | None, error: RpcError) -> Mapping[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": error.code, "message": str(error)}}


def _told(tool: str, arguments: Mapping[str, Any], answer: Mapping[str, Any], seconds: float) -> None:
    """One line a call, escaped: what was asked about, never what was told."""
    about = ("resource_type", "namespace", "resource_id", "alertname", "session")
    line = {name: arguments[name] for name in about if name in arguments}
    line |= {"tool": tool, "ms": round(seconds * 1000)}
    line |= {name: answer[name] for name in ("gaps", "recorded") if name in answer}
    log.info("%s", to_json(line))
