"""Long answers of tools, with the real runner and the real Claude Code: what it saves to a file, the agent
can search, and it can read nothing beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.harness.components import need
from tests.harness.container import KEY, PROMPT, Container
from tests.harness.default_model import MODEL
from tests.harness.model import Model, Reply, call, outcome
from tests.harness.toolbox import toolbox

NEEDLE = "OOMKilled: the limit of 512Mi is too low"
CANARY = "root:a-canary-that-nobody-may-read"
SAVED = re.compile(r"/[^\s\"\\]*/tool-results/[^\s\"\\]*\.(?:txt|json)")


def lines(characters: int) -> str:
    """A log with one line that matters."""
    log = [f"2026-11-28T10:00:{number % 60:02} GET /health {number}" for number in range(characters // 36)]
    log.insert(len(log) * 2 // 3, NEEDLE)
    return "\n".join(log)


def one_line(characters: int) -> str:
    """The answer of a Prometheus, which has no end of a line."""
    series = [{"metric": {"pod": f"web-{number}"}, "value": [1, "0"]} for number in range(characters // 48)]
    return json.dumps([*series, {"metric": {"reason": NEEDLE}}, *series[:9]])


def saved(model: Model) -> str:
    """The file that Claude Code named to the model."""
    found = SAVED.search(json.dumps(model.requests[-1]["messages"]))
    assert found
    return found[0]


def about_the_file(*calls: Callable[[str], dict[str, Any]]) -> Reply:
    """Calls of tools that take the saved file."""

    def say(handler: BaseHTTPRequestHandler) -> None:
        file = saved(handler.server.model)  # type: ignore[attr-defined]
        handler.give([each(file) for each in calls])  # type: ignore[attr-defined]

    return say


def quoting(handler: BaseHTTPRequestHandler) -> None:
    """Ends with what the last tool answered as evidence."""
    told = handler.server.model.results()[-1]  # type: ignore[attr-defined]
    handler.give([outcome(evidence=[json.loads(told)])])  # type: ignore[attr-defined]


def reading(folder: Path, url: str) -> Container:
    need("claude")
    server = {"url": url, "tools": ["logs"]}
    tier = {"mode": "investigate", "model": MODEL, "servers": {"world": server}, "seconds": 60}
    return Container(folder, tier | {"built_in": ["Read", "Grep"]})


@pytest.mark.parametrize("characters", [45_000, 60_000, 200_000, 900_000])
@pytest.mark.parametrize(
    "search", [lambda file: call("Grep", pattern="OOMKilled.*", path=file, output_mode="content")]
)
def test_a_long_log_is_searched_and_its_line_quoted(
    tmp_path: Path, characters: int, search: Callable[[str], dict[str, Any]]
) -> None:
    with toolbox(logs=lines(characters)) as tools:
        run = reading(tmp_path, tools.url).run([call("mcp__world__logs")], about_the_file(search), quoting)
    assert (run.status, run.message["ended"]) == (0, "completed")
    assert NEEDLE in run.message["outcome"]["evidence"][0]
    assert "searches" in run.model.results()[0] and "MUST read" not in run.model.results()[0]
    assert len(run.model.results()[0]) < 3_000 and len(run.model.results()[1]) < 300


@pytest.mark.parametrize("characters", [60_000, 200_000])
def test_a_long_line_is_searched_for_a_part_of_it(tmp_path: Path, characters: int) -> None:
    part: dict[str, Any] = {"pattern": ".{0,20}OOMKilled.{0,60}", "output_mode": "content", "-o": True}
    with toolbox(logs=one_line(characters)) as tools:
        run = reading(tmp_path, tools.url).run(
            [call("mcp__world__logs")],
            about_the_file(lambda file: call("Grep", path=file, **part)),
            quoting,
        )
    assert NEEDLE in run.message["outcome"]["evidence"][0]


def test_a_part_of_a_long_log_is_read_by_its_lines(tmp_path: Path) -> None:
    with toolbox(logs=lines(200_000)) as tools:
        run = reading(tmp_path, tools.url).run(
            [call("mcp__world__logs")],
            about_the_file(lambda file: call("Read", file_path=file, offset=100, limit=2)),
            [outcome()],
        )
    assert "GET /health 99" in run.model.results()[1] and "GET /health 103" not in run.model.results()[1]


def test_a_gateway_that_counts_no_tokens_is_no_hindrance(tmp_path: Path) -> None:
    with toolbox(logs=lines(200_000)) as tools:
        container = reading(tmp_path, tools.url)
        run = container.run([call("mcp__world__logs")], [outcome()], counts_tokens=False)
    assert SAVED.search(run.model.results()[0])


CANARIES: list[Callable[[Path], dict[str, Any]]] = [
    lambda folder: call("Read", file_path="/etc/passwd"),
    lambda folder: call("Read", file_path="/proc/self/environ"),
    lambda folder: call("Read", file_path="/proc/self/cmdline"),
    lambda folder: call("Read", file_path=str(folder / "home" / "canary")),
    lambda folder: call("Read", file_path=str(folder / "home" / ".claude.json")),
    lambda folder: call("Read", file_path=str(folder / "tier.json")),
    lambda folder: call("Read", file_path=str(folder / "dispatch" / "prompt")),
    lambda folder: call("Read", file_path="../dispatch/prompt"),
    lambda folder: call("Read", file_path="link"),
    lambda folder: call("Grep", pattern="root", path="/etc", output_mode="content"),
    lambda folder: call("Grep", pattern="canary", path=str(folder), output_mode="content"),
    lambda folder: call("Grep", pattern="canary", path=str(folder / "home"), output_mode="content"),
    lambda folder: call("Grep", pattern="Authorization", path=str(folder / "tmp"), output_mode="content"),
    lambda folder: call("Grep", pattern="root", path="link", output_mode="content"),
    lambda folder: call("Grep", pattern="root", output_mode="content"),
    lambda folder: call("Grep", pattern="root", path="..", output_mode="content"),
    lambda folder: call("Write", file_path="new", content="x"),
    lambda folder: call("Edit", file_path="link", old_string="root", new_string="x"),
    lambda folder: call("Glob", pattern="**/*", path=str(folder)),
    lambda folder: call("Bash", command="cat /etc/passwd"),
]


@pytest.mark.parametrize("forbidden", CANARIES)
def test_beside_the_long_answer_nothing_can_be_read(
    tmp_path: Path, forbidden: Callable[[Path], dict[str, Any]]
) -> None:
    for place in ("home", "tmp", "work"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "canary").write_text(CANARY)
    (tmp_path / "work" / "canary").unlink()
    (tmp_path / "work" / "link").symlink_to(tmp_path / "home" / "canary")
    with toolbox(logs=lines(200_000)) as tools:
        run = reading(tmp_path, tools.url).run([call("mcp__world__logs")], [forbidden(tmp_path)], [outcome()])
    assert run.status == 0
    answer = run.model.results()[1]
    assert not any(word in answer for word in ("root:", CANARY, KEY, PROMPT[:20], "Bearer", '"mode"'))
    assert [path.name for path in run.work.iterdir()] == ["link"]
    assert (tmp_path / "home" / "canary").read_text() == CANARY


@pytest.mark.parametrize(
    "forbidden",
    [
        lambda file: call("Write", file_path=file, content="forged"),
        lambda file: call("Read", file_path=f"{file}/../../../.claude.json"),
        lambda file: call("Read", file_path=str(Path(file).parents[4] / "canary")),
        lambda file: call("Grep", pattern="root", path=str(Path(file).parents[2]), output_mode="content"),
        lambda file: call("Grep", pattern="root", path=str(Path(file).parents[3]), output_mode="content"),
        lambda file: call("Read", file_path=str(Path(file).parents[2] / "other" / "tool-results" / "x.txt")),
    ],
)
def test_around_the_long_answer_nothing_can_be_read_or_written(
    tmp_path: Path, forbidden: Callable[[str], dict[str, Any]]
) -> None:
    (tmp_path / "home" / ".claude").mkdir(parents=True)
    (tmp_path / "home" / "canary").write_text(CANARY)
    other = tmp_path / "home" / ".claude" / "projects"
    with toolbox(logs=lines(200_000)) as tools:
        container = reading(tmp_path, tools.url)
        slug = re.sub(r"[^A-Za-z0-9]", "-", str(tmp_path / "work"))
        results = other / slug / "other" / "tool-results"
        results.mkdir(parents=True)
        (results / "x.txt").write_text(CANARY)
        run = container.run([call("mcp__world__logs")], about_the_file(forbidden), [outcome()])
    assert run.status == 0
    answer = run.model.results()[1]
    assert CANARY not in answer and "firstStartTime" not in answer and "forged" not in answer
    assert (results / "x.txt").read_text() == CANARY


def test_a_tool_that_the_tier_does_not_list_is_not_shown(tmp_path: Path) -> None:
    with toolbox(logs="x", nodes_log="secret") as tools:
        run = reading(tmp_path, tools.url).run([call("mcp__world__nodes_log")], [outcome()])
    assert run.model.offered() == {"Read", "Grep", "StructuredOutput", "mcp__world__logs"}
    assert "No such tool" in run.model.results()[0] and tools.called == []
