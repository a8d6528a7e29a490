from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from function.errors import Misconfigured
from function.runner import tier
from function.runner.tier import Server, Tier

PLAIN: dict[str, Any] = {
    "mode": "investigate",
    "model": "claude-sonnet-4-5",
    "servers": {"world": {"url": "http://127.0.0.1:8001/mcp", "tools": ["get_resource_context"]}},
}


def written(folder: Path, told: Any) -> Path:
    path = folder / "tier.json"
    path.write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")
    return path


def test_a_tier_is_read_with_what_it_need_not_say(tmp_path: Path) -> None:
    servers = {"world": Server("http://127.0.0.1:8001/mcp", ("get_resource_context",))}
    read = tier.read(written(tmp_path, PLAIN))
    assert read == Tier("investigate", "claude-sonnet-4-5", servers)
    assert (read.built_in, read.seconds) == ((), 1500)


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ("", "Invalid JSON"),
        ([], "it"),
        ({}, "mode"),
        ({**PLAIN, "built_in": ["Bash"]}, "built_in"),
        ({**PLAIN, "seconds": 4000}, "seconds"),
        ({**PLAIN, "max_cost_usd": 0}, "max_cost_usd"),
        ({**PLAIN, "model": "x --dangerously-skip-permissions"}, "model"),
        ({**PLAIN, "servers": {"world": {"url": "http://x", "tools": []}}}, "tools"),
        ({**PLAIN, "servers": {"world": {"url": "http://x", "tools": ["a,Bash"]}}}, "tools"),
    ],
    ids=lambda part: str(part)[:50],
)
def test_what_is_no_tier_is_refused_by_its_field(tmp_path: Path, told: Any, named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        tier.read(written(tmp_path, told))


def test_a_missing_file_says_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="ConfigMap"):
        tier.read(tmp_path / "none")
