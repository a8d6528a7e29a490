from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from function.runner.agent import claude_args
from function.runner.agent.budget import FUSE, STOP
from function.runner.tier import Server, Tier
from tests.harness.default_model import MODEL
from tests.harness.process import TIER_FILES

OUTPUT_USD, CACHED_USD = 10 / 1e6, 0.2 / 1e6
"""What a token of the tiers' model costs, by the pinned program's own price list."""
CONTEXT_TOKENS = 200_000

SERVERS = {
    "world": Server("http://127.0.0.1:8001/mcp", ("get_resource_context", "list_outcomes"), "/run/reader"),
    "kubernetes": Server("http://127.0.0.1:8002/mcp", ("pods_list_in_namespace",)),
}
READING = Tier("investigate", MODEL, SERVERS)
WRITING = Tier("merge-request", MODEL, SERVERS, built_in=("Read", "Edit"))


def flags(tier: Tier) -> dict[str, str]:
    """The command line, each flag with its value."""
    line = claude_args.argv(Path("/bin/claude"), tier, Path("/tmp/mcp.json"))
    assert line[0] == "/bin/claude"
    return {name: value for name, _, value in (part.partition("=") for part in line[1:])}


def test_an_agent_that_reads_has_no_tool_but_its_servers() -> None:
    told = flags(READING)
    assert (told["--tools"], told["--setting-sources"], told["--permission-mode"]) == ("", "", "dontAsk")
    assert told["--allowedTools"].split(",") == [
        "mcp__world__get_resource_context",
        "mcp__world__list_outcomes",
        "mcp__kubernetes__pods_list_in_namespace",
    ]
    assert {"--print", "--strict-mcp-config", "--disable-slash-commands", "--no-session-persistence"} <= set(
        told
    )
    assert "--restricted" not in told and "--dangerously-skip-permissions" not in told


def test_an_agent_with_a_clone_has_file_tools_confined_to_it_and_not_for_what_runs_elsewhere() -> None:
    told = flags(WRITING)
    assert told["--tools"] == "Read,Edit" and "--restricted" in told
    assert "Edit(./**)" in told["--allowedTools"].split(",")
    assert {"Edit(/.git/**)", "Edit(/.gitlab-ci.yml)"} <= set(told["--disallowedTools"].split(","))


def test_the_models_that_take_over_are_named_in_their_order() -> None:
    told = flags(replace(READING, fallback_models=("claude-b", "claude-a")))
    assert (told["--model"], told["--fallback-model"]) == (MODEL, "claude-b,claude-a")


def test_the_programs_own_limits_are_a_fuse_above_those_of_the_tier() -> None:
    told = flags(replace(READING, max_turns=10, max_cost_usd=3))
    assert (told["--max-turns"], told["--max-budget-usd"]) == ("13", "3.75")
    assert flags(replace(READING, max_turns=1, max_cost_usd=0.01))["--max-turns"] == "2"


@pytest.mark.parametrize("path", TIER_FILES, ids=lambda path: path.stem)
def test_between_the_request_for_the_outcome_and_the_fuse_there_is_room_for_two_responses(path: Path) -> None:
    files = next(each["data"] for each in yaml.safe_load_all(path.read_text()) if each["kind"] == "ConfigMap")
    tier = TypeAdapter(Tier).validate_json(files["tier.json"])
    longest = int(claude_args.FIXED["CLAUDE_CODE_MAX_OUTPUT_TOKENS"]) * OUTPUT_USD
    assert (FUSE - STOP) * tier.max_cost_usd >= 2 * (longest + CONTEXT_TOKENS * CACHED_USD)
    assert math.ceil(FUSE * tier.max_turns) - STOP * tier.max_turns >= 2


def test_where_no_model_takes_over_none_is_named() -> None:
    assert "--fallback-model" not in flags(READING)


def test_effort_and_system_prompt_are_named_where_there_are_any() -> None:
    assert flags(replace(READING, effort="high"))["--effort"] == "high"
    assert not {"--effort", "--system-prompt-file"} & flags(READING).keys()
    line = claude_args.argv(Path("/bin/claude"), READING, Path("/tmp/mcp.json"), Path("/in/system-prompt"))
    assert "--system-prompt-file=/in/system-prompt" in line


def test_the_outcome_is_asked_for_by_its_schema() -> None:
    assert json.loads(flags(READING)["--json-schema"])["required"][0] == "status"


def test_a_servers_token_stands_in_its_file_alone() -> None:
    told = claude_args.mcp_config(READING, lambda file: f"token of {file}")
    assert told["mcpServers"] == {
        "world": {
            "type": "http",
            "url": "http://127.0.0.1:8001/mcp",
            "headers": {"Authorization": "Bearer token of /run/reader"},
        },
        "kubernetes": {"type": "http", "url": "http://127.0.0.1:8002/mcp"},
    }
    assert "token of" not in str(flags(READING))


def test_of_the_environment_only_what_is_needed_is_passed_on() -> None:
    own = {
        "HOME": "/home/agent",
        "ANTHROPIC_API_KEY": "key",
        "GITLAB_TOKEN": "secret",
        "LD_PRELOAD": "evil.so",
    }
    told = claude_args.environment(
        own | {"ANTHROPIC_BASE_URL": "http://gateway", "NODE_OPTIONS": "--require=x"}
    )
    assert {name: told[name] for name in told if name not in claude_args.FIXED} == {
        "HOME": "/home/agent",
        "ANTHROPIC_API_KEY": "key",
        "ANTHROPIC_BASE_URL": "http://gateway",
    }


def test_what_is_fixed_cannot_be_overridden() -> None:
    own = dict.fromkeys(claude_args.FIXED, "0")
    assert claude_args.environment(own) == claude_args.FIXED
