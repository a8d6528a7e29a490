"""What was seen, and when: the lines that are printed, the facts that are wanted, the usage over time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

FACTS = {
    "scraped": "Volume statistics are scraped for all claims of f3iai",
    "files": "962 write-ahead log files fill 75 % of 20Gi",
    "fired": "PVCUsageHigh waits, then fires, at 75 %",
    "routed": "PVCUsageHigh and PVCUsageCritical go to sre-dispatch",
    "people": "Critical alerts and SREDispatchNeedsPerson go to people",
    "translated": "The payload becomes an SREEvent",
    "job": "One Job is created, and runs",
    "prompt": "The agent is told of the crash before, and of its 962 files",
    "pull": "A pull request asks for 40Gi in place of 20Gi",
    "outcome": "The outcome is proposed, and nothing was changed",
    "ticket": "A ticket says so",
    "grown": "Merged and synced, the claim and its volume grow",
    "resolved": "The alert is gone, and the usage is half of what it was",
    "low": "The enrolled alert is LOW, and its agent acts alone",
    "ceiling": "The agent grows the claim up to its ceiling, and no further",
    "verified": "The runner verifies by Prometheus that the alert cleared",
    "remembered": "The world model remembers both runs",
}
KILLED = "What came while a part was away came again, or waited"


def facts(unit: str) -> dict[str, str]:
    """What is to be seen, where volumes have sizes in that unit."""
    return {name: text.replace("Gi", unit) for name, text in FACTS.items()}


@dataclass(frozen=True)
class Entry:
    at: float
    """Seconds since the start."""
    what: str
    mark: str = ""
    """What the picture says of it; nothing keeps it out."""
    usage: Mapping[str, float] = field(default_factory=dict)
    """Percent by claim."""


@dataclass
class Diary:
    wanted: Mapping[str, str]
    started: float = field(default_factory=time.monotonic)
    entries: list[Entry] = field(default_factory=list)
    samples: list[tuple[float, Mapping[str, float]]] = field(default_factory=list)
    """When, and how full each claim's volume was."""
    facts: dict[str, str] = field(default_factory=dict)
    """What was observed of what is wanted."""

    def begin(self) -> None:
        """From here on, set-up not counted."""
        self.started = time.monotonic()
        self.samples.clear()

    def now(self) -> float:
        return time.monotonic() - self.started

    def sample(self, percent: Mapping[str, float]) -> None:
        """How full each claim's volume is now."""
        self.samples.append((self.now(), {claim: round(part, 1) for claim, part in percent.items()}))

    def note(self, what: str, mark: str = "") -> None:
        usage = self.samples[-1][1] if self.samples else {}
        entry = Entry(self.now(), what, mark, usage)
        self.entries.append(entry)
        print(line(entry), flush=True)

    def fact(self, name: str, seen: str) -> None:
        """Keeps what was observed, an empty text being nothing."""
        assert name in self.wanted
        if seen:
            self.facts[name] = seen

    def missing(self) -> list[str]:
        return [text for name, text in self.wanted.items() if name not in self.facts]


def line(entry: Entry) -> str:
    usage = "  ".join(f"{claim} {percent:4.1f} %" for claim, percent in entry.usage.items())
    return f"{entry.at:6.1f} s  {usage}  {entry.what}"
