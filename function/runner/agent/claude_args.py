"""Builds what Claude Code needs to start: command line, MCP configuration, environment.

`make real` tests every flag with the real program. Run it for each new version of Claude Code.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from function.runner.agent.budget import FUSE
from function.runner.outcome import schema
from function.runner.tier import Server, Tier
from function.shared.http import PROXIES

PASSED_ON = PROXIES | {"HOME", "TMPDIR", "PATH", "LANG", "TZ", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"}
"""The variables that Claude Code receives from the runner's environment. The runner passes no other
variables."""
CREDENTIALS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
"""The variables with the model's key. A gateway needs no key."""

FIXED = {
    "DISABLE_TELEMETRY": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_FILE_MENTIONS": "1",  # otherwise @/path in an alert adds that file to the prompt
    "CLAUDE_CODE_DISABLE_ATTACHMENTS": "1",
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",  # a run must not leave instructions for a later run
    # A longer answer of a tool is saved as lines of text, which the agent can search. Without this limit,
    # an answer over 50,000 characters can be saved as one line of JSON, in which a search shows nothing.
    "MAX_MCP_OUTPUT_TOKENS": "10000",
    "MCP_TRUNCATION_PROMPT_OVERRIDE": "search",  # any value: else the model is told to read all of the file
    # The default of 128,000 lets one response cost half a run. The cost is known only after the response.
    "CLAUDE_CODE_MAX_OUTPUT_TOKENS": "32000",
    "CLAUDE_CODE_MAX_RETRIES": "4",  # the default of ten retries takes three minutes if the API is down
    "API_TIMEOUT_MS": "120000",
    "MCP_TIMEOUT": "20000",
    "MCP_TOOL_TIMEOUT": "60000",
    "ENABLE_TOOL_SEARCH": "false",  # the model sees all tools, without a search
}

DENIED = (
    "Edit(/.git/**)",
    "Edit(/.github/**)",
    "Edit(/.gitlab-ci.yml)",
    "Edit(/.gitea/**)",
    "Edit(/.forgejo/**)",
)
"""Rules that deny edits of files that a forge executes after a push."""


def argv(program: Path, tier: Tier, mcp_config: Path, system_prompt: Path | None = None) -> list[str]:
    """Returns the command line, which contains no secret and no text of an alert. The file `system_prompt`
    replaces Claude Code's own system prompt."""
    return [
        str(program),
        "--print",
        "--input-format=stream-json",
        "--output-format=stream-json",
        "--verbose",  # required by stream-json
        "--setting-sources=",  # no settings: a repository can contain some
        "--strict-mcp-config",
        f"--mcp-config={mcp_config}",
        f"--tools={','.join(tier.built_in)}",
        *(["--restricted"] if tier.built_in else []),  # keeps file tools in the folders that tier.py names
        "--permission-mode=dontAsk",
        "--permission-prompts=none",
        f"--allowedTools={','.join(allowed(tier))}",
        *([f"--disallowedTools={','.join(DENIED)}"] if tier.built_in else []),
        f"--json-schema={json.dumps(schema(tier.mode))}",
        f"--max-turns={math.ceil(tier.max_turns * FUSE)}",
        f"--max-budget-usd={tier.max_cost_usd * FUSE:g}",
        "--no-session-persistence",
        "--disable-slash-commands",
        *([f"--system-prompt-file={system_prompt}"] if system_prompt else []),
        f"--model={tier.model}",
        *([f"--effort={tier.effort}"] if tier.effort else []),
        *([f"--fallback-model={','.join(tier.fallback_models)}"] if tier.fallback_models else []),
    ]


def allowed(tier: Tier) -> list[str]:
    """Returns the allowed tools as permission rules. Claude Code refuses all other tools, so a typo can only
    remove a tool."""
    servers = [f"mcp__{name}__{tool}" for name, server in tier.servers.items() for tool in server.tools]
    return [*servers, *(["Edit(./**)"] if "Edit" in tier.built_in or "Write" in tier.built_in else [])]


def mcp_config(tier: Tier, read_token: Callable[[str], str]) -> dict[str, Any]:
    """Returns Claude Code's configuration of the MCP servers. The configuration contains the servers' tokens,
    so only the agent may read the file."""
    return {"mcpServers": {name: _server(server, read_token) for name, server in tier.servers.items()}}


def _server(server: Server, read_token: Callable[[str], str]) -> dict[str, Any]:
    config: dict[str, Any] = {"type": "http", "url": server.url}
    if server.token_file:
        config["headers"] = {"Authorization": f"Bearer {read_token(server.token_file)}"}
    return config


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment of Claude Code, made from the runner's environment."""
    kept = {name: value for name, value in own.items() if name in PASSED_ON or name in CREDENTIALS}
    base = {"ANTHROPIC_BASE_URL": own["ANTHROPIC_BASE_URL"]} if own.get("ANTHROPIC_BASE_URL") else {}
    return kept | base | FIXED
