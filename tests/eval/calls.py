"""Calls tools of the tier's MCP servers directly, without Claude Code, and reads what they answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import yaml

from tests.eval.forms import ToolCall
from tests.harness.grafana import UID

PROTOCOL = "2025-06-18"
NEVER_WRAPPED = 1_000_000
TRIES = 6
LATE = re.compile(r"\b(?:kubernetes|prometheus|world_model)_(?:slow|unreachable)\b")
"""A gap of the world model on a busy machine, which is not what is measured."""
NEEDS_SOURCE = ("query_prometheus", "query_prometheus_histogram")


@dataclass
class Server:
    """One MCP server over streamable HTTP."""

    url: str
    token: str = ""
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60, trust_env=False))
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """What the model would be told: Claude Code tells the structured content where there is one."""
        if not self.headers:
            self._initialize()
        result = self._ask("tools/call", {"name": tool, "arguments": arguments})
        if "structuredContent" in result:
            return json.dumps(result["structuredContent"], ensure_ascii=False, separators=(",", ":"))
        return "\n".join(part.get("text", "") for part in result.get("content", ()))

    def _initialize(self) -> None:
        self.headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": PROTOCOL}
        if self.token:
            self.headers["Authorization"] = f"Bearer {self.token}"
        us = {"name": "eval", "version": "1"}
        self._ask("initialize", {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": us})
        self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def _ask(self, method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._post({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        for message in _messages(answer.text):
            if message.get("id") == 1:
                if "error" in message:
                    return {"content": [{"text": f"error: {message['error'].get('message')}"}]}
                return dict(message["result"])
        return {"content": [{"text": f"error: HTTP {answer.status_code} {answer.text[:200]}"}]}

    def _post(self, message: Any) -> httpx.Response:
        answer = self.client.post(self.url, json=message, headers=self.headers)
        if session := answer.headers.get("mcp-session-id"):
            self.headers["Mcp-Session-Id"] = session
        return answer


def _messages(body: str) -> Iterator[dict[str, Any]]:
    """The JSON-RPC messages of a body, which is one message or a stream of events."""
    if body.lstrip().startswith("{"):
        yield json.loads(body)
        return
    for line in body.splitlines():
        if line.startswith("data:") and line[5:].strip():
            yield json.loads(line[5:])


class Servers:
    """The servers of a tier, by their names in tier.json."""

    def __init__(self, told: Mapping[str, Mapping[str, Any]], tokens: Mapping[str, str]) -> None:
        self._servers = {name: Server(each["url"], tokens.get(name, "")) for name, each in told.items()}

    def answer(self, call: ToolCall) -> str:
        """What the tool answers, once it is not late."""
        server, _, tool = call.tool.partition(".")
        for _ in range(TRIES):
            told = self._servers[server].call(tool, filled(call).arguments)
            if not LATE.search(told):
                break
        return told


def filled(call: ToolCall) -> ToolCall:
    """The call with the datasource, which a case need not name."""
    if call.tool.partition(".")[2] in NEEDS_SOURCE:
        return ToolCall(call.tool, {"datasourceUid": UID, **call.arguments})
    return call


def readable(text: str) -> str:
    """The text as it is searched. Behind it stands each JSON in it in other spellings, so that evidence does
    not depend on how a program writes."""
    found = [text]
    for part in dict.fromkeys((text, *text.splitlines())):
        if part.lstrip()[:1] in ("{", "["):
            try:
                found += _spellings(json.loads(part))
            except ValueError:
                continue
    return "\n".join(found)


def _spellings(value: Any) -> Iterator[str]:
    """JSON with spaces, its keys as they are and in order; what JSON escapes, unescaped; an object of
    Kubernetes as YAML."""
    for ordered in (False, True):
        yield json.dumps(value, ensure_ascii=False, sort_keys=ordered)
    yield from _strings(value)
    if isinstance(value, Mapping) and "apiVersion" in value:
        text = yaml.dump(value, Dumper=yaml.CSafeDumper, width=NEVER_WRAPPED, allow_unicode=True)
        yield re.sub(r"'([^'\n]*)'$", r'"\1"', text, flags=re.M)  # as the Kubernetes server quotes


def _strings(value: Any) -> Iterator[str]:
    """The texts in a JSON value that have something to unescape."""
    if isinstance(value, str):
        if json.dumps(value) != f'"{value}"':
            yield value
    elif isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(each)
