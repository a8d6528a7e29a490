"""Tries cases: brings each one up, asks what an expert would ask, and says what arrives."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.eval.calls import Servers, readable
from tests.eval.cases import Case
from tests.eval.forms import Evidence, Unusable
from tests.eval.world import Place, fault, place, without_fault

SHOWN = 240
Say = Callable[[str], None]


def check(cases: Sequence[Case], folder: Path, say: Say) -> bool:
    """Whether all is well with the cases. Says everything that is not, and what each evidence gave."""
    say("starting the API server, the world model and the MCP servers")
    found: list[bool] = []
    with place(folder) as here:
        for case in cases:
            try:
                found.append(_tried(here, case, say))
            except Unusable as error:
                say(f"{case.name}: {error}")
                found.append(False)
    say(f"{sum(found)} of {len(found)} cases are well")
    return all(found)


def _tried(here: Place, case: Case, say: Say) -> bool:
    with fault(here, case):
        arrived = {item.says: answers(here.servers, item) for item in case.truth.evidence}
    with without_fault(here, case.twin):
        twin = {item.says: answers(here.servers, item) for item in case.truth.evidence}
    say(f"{case.name} ({case.truth.family}, fault: {case.truth.fault})")
    well = True
    for item in case.truth.evidence:
        here_too, there_too = matches(item, arrived[item.says]), matches(item, twin[item.says])
        judged = there_too and case.truth.fault != "none"  # a case without a fault has no better twin
        verdict = "arrives" if here_too else "DOES NOT ARRIVE"
        twin_verdict = (
            "also in the twin, WRONGLY" if judged else "also in the twin" if there_too else "not in the twin"
        )
        say(f"  {verdict}, {twin_verdict}: {item.says}")
        if not here_too or judged:
            well = False
            _explain(item, arrived[item.says] if not here_too else twin[item.says], say)
    return well


def _explain(item: Evidence, told: Sequence[str], say: Say) -> None:
    say(f"      pattern: {item.pattern}")
    for call, answer in zip(item.calls, told, strict=True):
        found = re.search(item.pattern, answer, re.M)
        begin = max(0, found.start() - SHOWN // 2) if found else 0
        text = answer[begin : begin + (SHOWN if found else 5 * SHOWN)].replace("\n", "\n          ")
        say(f"      {call}\n          {text}{'...' if len(answer) > begin + 5 * SHOWN else ''}")


def answers(servers: Servers, item: Evidence) -> list[str]:
    return [readable(servers.answer(call)) for call in item.calls]


def matches(item: Evidence, told: Sequence[str]) -> bool:
    return any(re.search(item.pattern, answer, re.M) for answer in told)
