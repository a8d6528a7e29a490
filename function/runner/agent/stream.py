"""Reads the events of Claude Code that the runner uses. Every other field may have any shape.

The output is untrusted, because a new version of the program may change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from function.shared.text import cut

MAX_NAME = 100
MAX_DENIALS = 20
MAX_MODELS = 5
MAX_NUMBER = 1e12
OUTCOME_TOOL, OUTCOME_CALL = "StructuredOutput", "the call with the outcome"


class Unreadable(Exception):
    """An event does not have the expected shape. The message contains no text of the event."""


@dataclass(frozen=True)
class McpServer:
    """An MCP server as Claude Code sees it."""

    status: str
    tools: frozenset[str]


@dataclass(frozen=True)
class Response:
    """A response of the model, or a part of one."""

    id: str
    calls: frozenset[str]
    """The ids of its calls of tools. OUTCOME_CALL stands for the call with the outcome."""


@dataclass(frozen=True)
class Totals:
    """The numbers of a run. A field with an unexpected shape counts as missing, because the outcome is worth
    more than these numbers."""

    session: str
    cost_usd: float
    turns: int
    denials: tuple[str, ...]
    """The tools that the model called without permission. Each tool is listed once."""
    models: tuple[str, ...]
    """The models that answered. The model that wrote the most comes first."""


def response_to(event: Mapping[str, Any], number: str) -> Mapping[str, Any] | None:
    """Returns the response in the event, or None if the event is no response to the request `number`. Raises
    Unreadable."""
    if event.get("type") != "control_response":
        return None
    response = event.get("response")
    if not isinstance(response, dict) or not isinstance(response.get("request_id"), str):
        raise Unreadable("a response to a control request names no request")
    if response["request_id"] != number:
        return None
    inner = response.get("response")
    if inner is None:  # after an error, and after a request without a result
        return {}
    if not isinstance(inner, dict):
        raise Unreadable("a response to a control request is not an object")
    return inner


def servers(response: Mapping[str, Any]) -> Mapping[str, McpServer]:
    """Returns the MCP servers by name, from the response to `mcp_status`. Raises Unreadable."""
    found: dict[str, McpServer] = {}
    for each in _items(response.get("mcpServers"), "the list of MCP servers"):
        match each:
            case {"name": str(name), "status": str(status)} if name not in found:
                tools = _items(each.get("tools"), "the list of tools of an MCP server")
                found[name] = McpServer(status, frozenset(map(_tool, tools)))
            case _:
                raise Unreadable("an MCP server has no name of its own or no status")
    return found


def response(event: Mapping[str, Any]) -> Response | None:
    """Returns the response in the event, or None if the event contains none."""
    match event:
        case {"type": "assistant", "message": {"id": str(number), "content": list(parts)}}:
            return Response(number, frozenset(filter(None, map(_call, parts))))
    return None


def answered(event: Mapping[str, Any]) -> frozenset[str]:
    """Returns the ids of the calls whose results are in the event."""
    match event:
        case {"type": "user", "message": {"content": list(parts)}}:
            return frozenset(
                part["tool_use_id"]
                for part in parts
                if isinstance(part, dict) and isinstance(part.get("tool_use_id"), str)
            )
    return frozenset()


def cost(event: Mapping[str, Any]) -> float:
    """Returns the cost of the run so far, from a response to `get_usage`. It is 0 for any other event."""
    match event:
        case {"type": "control_response", "response": {"response": {"session": {"total_cost_usd": cost}}}}:
            return _number(cost)
    return 0.0


def totals(result: Mapping[str, Any]) -> Totals:
    """Returns the totals in a result event."""
    denials = result.get("permission_denials")
    names = [each.get("tool_name") for each in _list(denials) if isinstance(each, dict)]
    return Totals(
        session=_text(result.get("session_id")),
        cost_usd=_number(result.get("total_cost_usd")),
        turns=int(_number(result.get("num_turns"))),
        denials=tuple(dict.fromkeys(filter(None, map(_text, names))))[:MAX_DENIALS],
        models=_models(result.get("modelUsage")),
    )


def api_status(result: Mapping[str, Any]) -> str:
    """Returns the HTTP status with which the model's API failed."""
    status = result.get("api_error_status")
    return str(status) if type(status) is int and 100 <= status <= 999 else "unknown"


def _models(usage: object) -> tuple[str, ...]:
    """Returns the models with output, by the amount of their output."""
    if not isinstance(usage, dict):
        return ()
    written = {
        _text(name): _number(each.get("outputTokens"))
        for name, each in usage.items()
        if isinstance(each, dict)
    }
    answered = [name for name in written if name and written[name] > 0]
    return tuple(sorted(answered, key=lambda name: -written[name])[:MAX_MODELS])


def _call(part: object) -> str:
    match part:
        case {"type": "tool_use", "name": name, "id": str(number)}:
            return OUTCOME_CALL if name == OUTCOME_TOOL else number
    return ""


def _items(value: object, what: str) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise Unreadable(f"{what} is not a list")


def _tool(tool: object) -> str:
    match tool:
        case {"name": str(name)}:
            return name.rpartition("__")[2]
    raise Unreadable("a tool of an MCP server has no name")


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return cut(value, MAX_NAME) if isinstance(value, str) else ""


def _number(value: object) -> float:
    return round(float(value), 4) if isinstance(value, int | float) and abs(value) < MAX_NUMBER else 0.0
