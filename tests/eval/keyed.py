"""Runs cases by a real model, with the real runner: with and without facts, page and system prompt."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from function.dispatch import render
from tests.eval.cases import Case
from tests.eval.prompt import Prompt, dependencies, prompt
from tests.eval.scores import Played
from tests.eval.world import Place, fault
from tests.harness.container import Container, Run
from tests.harness.model import blocks, outcome
from tests.harness.process import ROOT

LEAST = 0.05
"""With fewer dollars left no run is begun."""
SECONDS_OVER = 120
NO_SYSTEM = "You are given a task. Do it."
VARIANTS = ("whole", "no facts", "no page", "no system prompt")


@dataclass(frozen=True)
class Purse:
    """How the model is asked, and what may be spent."""

    asked: Mapping[str, str]
    dollars: float
    repeats: int


def played(
    here: Place, cases: Sequence[Case], purse: Purse, file: Path, say: Callable[[str], None]
) -> list[Played]:
    """All runs, as far as the money lasts. Those that stand in the file are not run again."""
    found, left = read(file), purse.dollars
    done = {(run.case, run.variant, run.number) for run in found}
    for number, variant, case in product(range(purse.repeats), VARIANTS, cases):
        if (case.name, variant, number) in done:
            continue
        if left < LEAST:
            say(f"the money is spent; run it again with the same file to go on ({len(found)} runs are in it)")
            break
        run = _play(here, case, variant, number, replace(purse, dollars=left))
        found.append(run)
        left -= run.dollars
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(run)) + "\n")
        say(f"{case.name}, {variant}, run {number + 1}: {run.dollars:.3f} dollars, {left:.2f} left")
    return found


def read(file: Path) -> list[Played]:
    """The runs in the file."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [Played(**json.loads(line)) for line in lines]


def _play(here: Place, case: Case, variant: str, number: int, purse: Purse) -> Played:
    folder = here.folder / f"run-{case.name}-{variant.replace(' ', '-')}-{number}"
    folder.mkdir()
    with fault(here, case) as now:
        deps, kept = dependencies(here, with_facts=variant != "no facts")
        if variant == "no page":
            deps = replace(deps, prompts=render.environment(_without_pages(folder / "prompts")))
        given = prompt(deps, kept, case, now)
        tier = here.pod.tier | {"max_cost_usd": min(purse.dollars, here.pod.tier["max_cost_usd"])}
        agent = Container(folder, tier, _given(given, variant), {"ANTHROPIC_BASE_URL": "", **purse.asked})
        agent.seconds = tier["seconds"] + SECONDS_OVER
        run = agent.run([outcome()])
    return _of(run, Played(case.name, variant, number, None, [given.text], "", 0, 0, 0))


def _given(given: Prompt, variant: str) -> dict[str, str]:
    return {**given.given, **({"system-prompt": NO_SYSTEM} if variant == "no system prompt" else {})}


def _without_pages(folder: Path) -> Path:
    """Prompts in which no alert has a page of its own."""
    own = [path.name for path in (ROOT / "prompts" / "alerts").glob("[!_]*")]
    shutil.copytree(ROOT / "prompts", folder, ignore=lambda *_: own)
    return folder


def _of(run: Run, begun: Played) -> Played:
    seen = [*_blocks(run.transcript)]
    calls = [block for block in seen if block.get("type") == "tool_use"]
    answers = [
        json.dumps(block.get("content"), ensure_ascii=False) for block in seen if "tool_use_id" in block
    ]
    ended = [block["input"] for block in calls if block["name"] == "StructuredOutput"]
    whole: Any = {**run.message["outcome"], **ended[-1]} if run.message.get("outcome") and ended else None
    return replace(
        begun,
        outcome=whole or run.message.get("outcome"),
        told=[*begun.told, *answers],
        called=json.dumps([block["input"] for block in calls if block["name"] != "StructuredOutput"]),
        turns=run.message.get("turns", 0),
        dollars=run.message.get("cost_usd", 0.0),
        seconds=run.message.get("seconds", 0),
    )


def _blocks(transcript: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for event in transcript:
        if event.get("type") in ("assistant", "user") and "content" in (event.get("message") or {}):
            yield from blocks(event["message"])
