"""Makes an expert's calls through the real Claude Code, by a scripted model, under the tier's own limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.eval.calls import LATE, TRIES, filled, readable
from tests.eval.cases import Case
from tests.eval.forms import Evidence, ToolCall
from tests.eval.prompt import Prompt
from tests.harness.container import Container
from tests.harness.model import blocks, call, outcome

SAVED = re.compile(r"/[^\s\"\\]*/tool-results/[^\s\"\\]*\.(?:txt|json)")
SECONDS = 120
AROUND = ".{0,80}"


def told(folder: Path, tier: Mapping[str, Any], given: Prompt, case: Case) -> list[str]:
    """All that the tools told the model."""
    folder.mkdir(parents=True, exist_ok=True)
    asked, items = _calls(case)

    def search(handler: BaseHTTPRequestHandler) -> None:
        """Searches what was saved to a file for the evidence that was asked for."""
        answers = results(handler.server.model.requests[-1])  # type: ignore[attr-defined]
        files = {_place(name): SAVED.search(answer) for name, answer in answers.items()}
        greps = [_grep(file[0], item) for at, file in files.items() if file for item in items[at]]
        handler.give(greps or [outcome()])  # type: ignore[attr-defined]

    for _ in range(TRIES):
        container = Container(folder, dict(tier) | {"seconds": SECONDS}, dict(given.given))
        run = container.run([_named(each) for each in asked], search, [outcome()])
        if not run.model.requests:
            raise RuntimeError(f"{case.name}: Claude Code asked nothing: {run.message} {run.errors[-500:]}")
        answers = [*results(run.model.requests[-1]).values()]
        if not any(map(LATE.search, answers)):
            break
    return [*map(readable, answers)]


def results(request: Mapping[str, Any]) -> dict[str, str]:
    """The answers of tools in a request, by the call. A call's name ends with its place in its turn."""
    answers = [
        block
        for message in request["messages"]
        for block in blocks(message)
        if block.get("type") == "tool_result"
    ]
    return {block["tool_use_id"]: "\n".join(_texts(block.get("content", ""))) for block in answers}


def _place(name: str) -> int:
    return int(name.rpartition("_")[2])


def _texts(content: Any) -> Iterator[str]:
    for part in [content] if isinstance(content, str) else content:
        yield part if isinstance(part, str) else part.get("text", "")


def _calls(case: Case) -> tuple[list[ToolCall], list[list[Evidence]]]:
    """The calls of a case, each once, and the evidence that each is for."""
    found: dict[str, tuple[ToolCall, list[Evidence]]] = {}
    for item in case.truth.evidence:
        for each in item.calls:
            found.setdefault(str(filled(each)), (filled(each), []))[1].append(item)
    return [each for each, _ in found.values()], [items for _, items in found.values()]


def _named(each: ToolCall) -> dict[str, Any]:
    return call("mcp__" + each.tool.replace(".", "__"), **each.arguments)


def _grep(file: str, item: Evidence) -> dict[str, Any]:
    """The search of a saved answer, whose JSON may have no spaces."""
    pattern = item.pattern.replace('": ', '": ?').replace(", ", ", ?")
    options: dict[str, Any] = {"output_mode": "content", "-o": True, "head_limit": 20}
    return call("Grep", pattern=f"{AROUND}(?:{pattern}){AROUND}", path=file, **options)
