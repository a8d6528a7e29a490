"""A tier -> how Claude Code is started: command line, MCP configuration, environment.

Every flag was tried on the real program, and tests/runner tries them again with each version of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from function.runner.outcome import schema
from function.runner.tier import Server, Tier
from function.shared.http import PROXIES

PASSED_ON = PROXIES | {"HOME", "TMPDIR", "PATH", "LANG", "TZ", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"}
"""Of the runner's own environment. All else stays outside, whatever a template puts there."""
CREDENTIALS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
"""The model's key, the one secret in this container; none behind a gateway."""

FIXED = {
    "DISABLE_TELEMETRY": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_FILE_MENTIONS": "1",  # else @/path in an alert puts that file into the prompt
    "CLAUDE_CODE_DISABLE_ATTACHMENTS": "1",
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
    "CLAUDE_CODE_MAX_RETRIES": "4",  # ten take three minutes to say that the API is not there
    "API_TIMEOUT_MS": "120000",
    "MCP_TIMEOUT": "20000",
    "MCP_TOOL_TIMEOUT": "60000",
    "ENABLE_TOOL_SEARCH": "false",  # tools are offered as they are, not behind a search
}

DENIED = (
    "Edit(/.git/**)",
    "Edit(/.github/**)",
    "Edit(/.gitlab-ci.yml)",
    "Edit(/.gitea/**)",
    "Edit(/.forgejo/**)",
)
"""What runs somewhere else once it is pushed."""


def argv(program: Path, tier: Tier, mcp_config: Path) -> list[str]:
    """The command line; no secret and no text of an alert is in it."""
    return [
        str(program),
        "--print",
        "--input-format=stream-json",
        "--output-format=stream-json",
        "--verbose",  # stream-json asks for it
        "--setting-sources=",  # none: a clone brings its own
        "--strict-mcp-config",
        f"--mcp-config={mcp_config}",
        f"--tools={','.join(tier.built_in)}",
        *(["--restricted"] if tier.built_in else []),  # file tools stay in the working folder
        "--permission-mode=dontAsk",
        "--permission-prompts=none",
        f"--allowedTools={','.join(allowed(tier))}",
        *([f"--disallowedTools={','.join(DENIED)}"] if tier.built_in else []),
        f"--json-schema={json.dumps(schema(tier.mode))}",
        f"--max-turns={tier.max_turns}",
        f"--max-budget-usd={tier.max_cost_usd}",
        "--no-session-persistence",
        "--disable-slash-commands",
        f"--model={tier.model}",
        *([f"--fallback-model={','.join(tier.fallback_models)}"] if tier.fallback_models else []),
    ]


def allowed(tier: Tier) -> list[str]:
    """The exact tools, as permission rules. What may be is listed: a typo in what may not is no rule."""
    servers = [f"mcp__{name}__{tool}" for name, server in tier.servers.items() for tool in server.tools]
    return [*servers, *(["Edit(./**)"] if "Edit" in tier.built_in or "Write" in tier.built_in else [])]


def mcp_config(tier: Tier, read_token: Callable[[str], str]) -> dict[str, Any]:
    """Claude Code's own form of the servers; it holds their tokens, so its file is the agent's alone."""
    return {"mcpServers": {name: _server(server, read_token) for name, server in tier.servers.items()}}


def _server(server: Server, read_token: Callable[[str], str]) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "http", "url": server.url}
    if server.token_file:
        told["headers"] = {"Authorization": f"Bearer {read_token(server.token_file)}"}
    return told


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """What Claude Code gets of the runner's environment."""
    kept = {name: value for name, value in own.items() if name in PASSED_ON or name in CREDENTIALS}
    base = {"ANTHROPIC_BASE_URL": own["ANTHROPIC_BASE_URL"]} if own.get("ANTHROPIC_BASE_URL") else {}
    return kept | base | FIXED
