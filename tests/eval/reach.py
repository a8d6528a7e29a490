"""Measures reach: for each evidence of each case, by which ways it comes to the model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path

from function.dispatch.ports import Dependencies
from tests.eval import oracle
from tests.eval.calls import readable
from tests.eval.cases import Case
from tests.eval.forms import Evidence, ToolCall
from tests.eval.names import Names, joined, of_alert, of_facts
from tests.eval.prompt import Keeping, Prompt, dependencies, prompt
from tests.eval.reasons import reason
from tests.eval.walker import walked
from tests.eval.world import Place, fault, place, without_fault
from tests.harness.pages import page

LOOK = "# How to look\n"
ASK = "# How to ask\n"
Say = Callable[[str], None]
Told = Mapping[str, str]
"""Answers by call."""


@dataclass(frozen=True)
class Reached:
    """By which ways one evidence comes to the model."""

    case: str
    family: str
    says: str
    page: str
    oracle: bool
    """By an expert's calls, through Claude Code."""
    facts: bool
    """It is in the prompt."""
    look: bool
    """By the calls that every prompt names."""
    calls: bool
    """By the calls that the prompt of this alert names."""
    swapped: bool
    """By the calls that a page of another family names."""
    expert: str = ""
    """The expert's calls."""
    reason: str = ""
    """What the page does not name, where its calls do not reach the evidence."""
    twin: bool | None = None
    """By an expert's calls where there is no fault; None where the case itself has no fault."""

    @property
    def walker(self) -> bool:
        return self.facts or self.calls

    @property
    def controls(self) -> bool:
        """Whether it is one over which the controls are counted."""
        return not self.facts and not self.look


@dataclass
class Lane:
    """One place, its prompts, and what was asked and answered in the world that is up."""

    here: Place
    deps: Dependencies | None
    kept: Keeping
    answers: dict[str, str] = field(default_factory=dict)
    made: list[ToolCall] = field(default_factory=list)

    def answer(self, call: ToolCall) -> str:
        """What the tool answers; asked again, the same."""
        if str(call) not in self.answers:
            self.made.append(call)
            self.answers[str(call)] = readable(self.here.servers.answer(call))
        return self.answers[str(call)]


def measured(cases: Sequence[Case], folder: Path, lanes: int, say: Say) -> list[Reached]:
    """Every evidence of the cases. Each lane has components of its own; each takes every so manieth case."""
    shares = [cases[number::lanes] for number in range(min(lanes, len(cases)))]
    with ThreadPoolExecutor(len(shares)) as threads:
        several = [
            threads.submit(_lane, share, swaps(cases), folder / f"lane-{number}", say)
            for number, share in enumerate(shares)
        ]
        found = [item for each in several for item in each.result()]
    return sorted(found, key=lambda item: (item.family, item.case))


def swaps(cases: Sequence[Case]) -> dict[str, str]:
    """For each case the alert whose page it is given as a control: the next one's of another family."""
    found = {}
    for number, case in enumerate(cases):
        others = (*cases[number + 1 :], *cases[:number])
        alerts = [
            other.alert.labels["alertname"] for other in others if other.truth.family != case.truth.family
        ]
        found[case.name] = alerts[0] if alerts else ""
    return found


def _lane(cases: Sequence[Case], swapped: Mapping[str, str], folder: Path, say: Say) -> list[Reached]:
    with ExitStack() as stack:
        here = stack.enter_context(place(folder))
        deps, kept = dependencies(here)
        found: list[Reached] = []
        for case in cases:
            found += _case(Lane(here, deps, kept), case, swapped[case.name])
            say(f"{case.name}: {_count(found, case)}")
        return [*_with_twins(here, cases, found)]


def _count(found: Iterable[Reached], case: Case) -> str:
    own = [item for item in found if item.case == case.name]
    ways = {"oracle": [item.oracle for item in own], "walker": [item.walker for item in own]}
    ways |= {"facts": [item.facts for item in own]}
    return ", ".join(f"{way} {sum(each)} of {len(each)}" for way, each in ways.items())


def _case(lane: Lane, case: Case, swapped: str) -> Iterator[Reached]:
    with fault(lane.here, case) as now:
        assert lane.deps
        given = prompt(lane.deps, lane.kept, case, now)
        expert = oracle.told(lane.here.folder / f"agent-{case.name}", lane.here.pod.tier, given, case)
        ways = _walks(lane, given, page(swapped) if swapped else "", now)
    made = [call for call in lane.made if str(call) in ways["calls"]]
    known = [readable(given.known)]
    for item in case.truth.evidence:
        yield Reached(
            case.name,
            case.truth.family,
            item.says,
            given.page,
            oracle=arrives(item, expert),
            facts=arrives(item, known),
            look=arrives(item, ways["look"].values()),
            calls=arrives(item, ways["calls"].values()),
            swapped=arrives(item, ways["swapped"].values()),
            expert="; ".join(map(str, item.calls)),
            reason=reason(item.calls, made),
        )


def _walks(lane: Lane, given: Prompt, swapped: str, now: datetime) -> dict[str, Told]:
    """What the calls answer that the prompt's parts name."""
    names, times = words(given), (given.event.starts_at, now)
    task, _, rest = given.ways.partition(LOOK)
    own = f"\n\n`{given.expression}`" if given.expression else ""
    look = rest.partition(ASK)[0] + own
    parts = {"look": look, "calls": task + look, "swapped": swapped.partition(LOOK)[0]}
    return {way: walked(text, names, times, lane.answer) for way, text in parts.items()}


def words(given: Prompt) -> Names:
    labels = given.event.raw_payload["labels"]
    named = {**of_alert(labels, given.event.resource_type, given.event.resource_id)}
    if given.event.resource_type == "k8s_node":  # the namespace is the exporter's
        return joined(named | {"NAMESPACE": ()}, of_facts(given.known))
    return joined(named, {"NAMESPACE": (given.event.namespace,)}, of_facts(given.known))


def _with_twins(here: Place, cases: Sequence[Case], found: Sequence[Reached]) -> Iterator[Reached]:
    """What the oracle's calls reach in the same world without the fault."""
    by_name = {case.name: case for case in cases}
    for _, several in groupby(sorted(cases, key=lambda case: id(case.twin)), key=lambda case: id(case.twin)):
        group = [*several]
        with without_fault(here, group[0].twin):
            lane = Lane(here, None, Keeping(here.folder))
            for item in found:
                if item.case not in {case.name for case in group}:
                    continue
                truth = by_name[item.case].truth
                (evidence,) = [each for each in truth.evidence if each.says == item.says]
                told = [lane.answer(call) for call in evidence.calls]
                yield replace(item, twin=None if truth.fault == "none" else arrives(evidence, told))


def arrives(item: Evidence, told: Iterable[str]) -> bool:
    return any(re.search(item.pattern, answer, re.M) for answer in told)
