"""`make soak`: very many alerts with faults, and a ledger. No alert may be lost, no problem may get two Jobs.

The sender behaves like Alertmanager: it sends a delivery again until the reply is 200. Most alerts are known
problems that still fire. Faults meet one delivery in twenty. The ledger is a file, so the next run goes on
where this one ended.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from function.dispatch import translate
from function.shared.event import SREEvent
from tests.bench.figures import progress, resident
from tests.bench.stage import Behind, components, function, group
from tests.harness.cuts import Cuts, cutting
from tests.harness.manifests import JOBS
from tests.harness.reading import reading
from tests.harness.server import TOKEN, Server

ALERTS = 50
"""The alerts of a delivery."""
GROUPS = 10
CHANGED, CHANGE_EVERY = 5, 50
"""One delivery in CHANGE_EVERY brings so many new problems. The problems before them are over, and their Jobs
expire."""
FAULT_EVERY = 20
KILL_EVERY = 50
"""In the first half of a run, one delivery in so many ends the function with SIGKILL."""
CHUNKS = 40
"""A connection is cut after at most so many chunks. A delivery of 50 known alerts has about 200."""
CHECK_EVERY = 200
TRIES = 100
FIRST = (20, 40, ALERTS)
"""How many alerts of a group the first deliveries have. More new alerts at once would be a storm."""
MOST_GROWTH = 1.25
"""How much memory may grow in the second half of a run."""


@dataclass
class Ledger:
    """What has happened so far, over all runs."""

    path: Path
    deliveries: int = 0
    alerts: int = 0
    retries: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    twice: int = 0
    megabytes: list[float] = field(default_factory=list)
    """The function's memory at each check in the second half of the last run, when nothing kills it."""

    @classmethod
    def read(cls, path: Path) -> Ledger:
        told = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return cls(path, **told | {"faults": Counter(told.get("faults", {}))})

    def write(self) -> None:
        told = {name: value for name, value in vars(self).items() if name != "path"}
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps(told), encoding="utf-8")
        draft.replace(self.path)


class Problems:
    """What is wrong at the moment: the pods by group. A number is never used again."""

    def __init__(self) -> None:
        self._next = GROUPS * ALERTS
        self.pods = {number: [*range(number * ALERTS, (number + 1) * ALERTS)] for number in range(GROUPS)}

    def change(self, of: int) -> None:
        """Some problems of the group are over, and others begin."""
        self.pods[of] = [*self.pods[of][CHANGED:], *range(self._next, self._next + CHANGED)]
        self._next += CHANGED


def body(pods: list[int], name: str) -> bytes:
    """Returns one delivery about these pods."""
    whole = json.loads(group(0, name=name))
    whole["alerts"] = [json.loads(group(1, pod, name))["alerts"][0] for pod in pods]
    return json.dumps(whole).encode()


class Soak:
    """The sender, and what it does to the function."""

    def __init__(self, behind: Behind, api: Cuts, policy: Cuts, ledger: Ledger, seed: int) -> None:
        self._behind, self._api, self._policy, self.ledger = behind, api, policy, ledger
        self._settings = behind.settings(api.url, policy.url)
        self._random = random.Random(seed)
        self._problems = Problems()
        self._acknowledged: dict[str, SREEvent] = {}
        """By the name of the Job, the problems that a reply 200 has accepted."""
        self._stack = ExitStack()
        self._server = self._started()

    def run(self, deliveries: int) -> None:
        with self._stack:
            for group_number in self._problems.pods:
                for count in FIRST:
                    self._deliver(group_number, self._problems.pods[group_number][:count], "")
            for number in range(1, deliveries + 1):
                self._next(number, deliveries)
                if number % CHECK_EVERY == 0 or number == deliveries:
                    self._check(is_second_half=number > deliveries / 2)
                    progress(f"{number:,} of {deliveries:,} deliveries, {self.ledger.retries:,} retries")

    def _next(self, number: int, of: int) -> None:
        group_number = self._random.randrange(GROUPS)
        if self._random.randrange(CHANGE_EVERY) == 0:
            self._expire(self._problems.pods[group_number][:CHANGED], group_number)
            self._problems.change(group_number)
        fault = ""
        if number % KILL_EVERY == 0 and number <= of / 2:
            fault = "function killed"
        elif self._random.randrange(FAULT_EVERY) == 0:
            fault = self._random.choice(["body cut", "API server cut", "OPA cut"])
        self._deliver(group_number, self._problems.pods[group_number], fault)

    def _deliver(self, group_number: int, pods: list[int], fault: str) -> None:
        """Send one delivery until it is accepted."""
        sent = body(pods, f"Group{group_number}")
        self._with_fault(fault, sent)
        for _ in range(TRIES):
            status = self._post(sent)
            if status == 200:
                break
            if status not in (0, 503):
                raise AssertionError(f"the reply was {status}")
            self.ledger.retries += 1
        else:
            raise AssertionError(f"no reply 200 in {TRIES} tries")
        self.ledger.deliveries += 1
        self.ledger.alerts += len(pods)
        self._acknowledged |= {event.job: event for event in _events(sent)}
        self._server.lines.clear()

    def _with_fault(self, fault: str, sent: bytes) -> None:
        if not fault:
            return
        self.ledger.faults[fault] += 1
        if fault == "body cut":
            self._post(sent, cut=self._random.randrange(len(sent)))
        elif fault == "function killed":
            with suppress(OSError), self._line() as line:
                line.request("POST", "/alertmanager", sent, HEADERS)
                time.sleep(self._random.uniform(0, 0.1))  # a random moment of the work on the delivery
                self._server.process.kill()
            self._stack.close()
            self._server = self._started()
        else:
            proxy = self._api if fault == "API server cut" else self._policy
            proxy.cut(self._random.randint(1, CHUNKS))

    def _post(self, sent: bytes, cut: int | None = None) -> int:
        """Returns the status, or 0 if there was none. With `cut`, only so many bytes are sent."""
        try:
            with self._line() as line:
                if cut is None:
                    line.request("POST", "/alertmanager", sent, HEADERS)
                    return line.getresponse().status
                line.putrequest("POST", "/alertmanager")
                for name, value in (HEADERS | {"Content-Length": str(len(sent))}).items():
                    line.putheader(name, value)
                line.endheaders(sent[:cut])
                return 0
        except (OSError, http.client.HTTPException):
            return 0

    @contextmanager
    def _line(self) -> Iterator[http.client.HTTPConnection]:
        line = http.client.HTTPConnection("127.0.0.1", int(self._server.url.rpartition(":")[2]), timeout=30)
        try:
            yield line
        finally:
            line.close()

    def _started(self) -> Server:
        return self._stack.enter_context(function(self._behind.folder / "function", self._settings))

    def _expire(self, pods: list[int], group_number: int) -> None:
        """Deletes the Jobs of problems that are over, as Kubernetes does when their time has come."""
        with self._behind.api.client() as admin:
            for event in _events(body(pods, f"Group{group_number}")):
                self._acknowledged.pop(event.job, None)
                admin.delete(f"{JOBS}/{event.job}", params={"propagationPolicy": "Background"})

    def _check(self, *, is_second_half: bool) -> None:
        """Compare the Jobs with the problems that were accepted."""
        accept = {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
        with self._behind.api.client(timeout=60) as admin:
            jobs = admin.get(JOBS, headers=accept).raise_for_status().json()["items"]
        names = {job["metadata"]["name"] for job in jobs}
        resources = Counter(job["metadata"]["labels"]["sre-dispatch/resource"] for job in jobs)
        self.ledger.lost += len(self._acknowledged.keys() - names)
        self.ledger.twice += sum(resources[event.resource] > 1 for event in self._acknowledged.values())
        if is_second_half:
            self.ledger.megabytes.append(resident(self._server.process.pid))
        self.ledger.write()


HEADERS = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}


def _events(sent: bytes) -> list[SREEvent]:
    return [*translate.webhook(json.loads(sent), reading("fmc")).firing]


def soak(alerts: int, path: Path, seed: int) -> Ledger:
    """Sends so many alerts in all runs with this ledger, and returns the ledger."""
    ledger = Ledger.read(path)
    ledger.megabytes = []
    left = max(0, alerts - ledger.alerts) // ALERTS
    with (
        tempfile.TemporaryDirectory() as folder,
        components(Path(folder)) as behind,
        cutting(behind.api.url, behind.opa_url) as (api, policy),
    ):
        Soak(behind, api, policy, ledger, seed).run(left)
    return ledger


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all that was started is ended
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alerts", type=int, default=1_000_000)
    parser.add_argument("--ledger", type=Path, default=Path("build/soak.json"))
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options = parser.parse_args()
    options.ledger.parent.mkdir(exist_ok=True)
    started = time.monotonic()
    ledger = soak(options.alerts, options.ledger, options.seed)
    print(
        f"{ledger.alerts:,} alerts in {ledger.deliveries:,} deliveries, {ledger.retries:,} of them sent again"
    )
    print("faults: " + ", ".join(f"{count} x {name}" for name, count in sorted(ledger.faults.items())))
    first, last = (ledger.megabytes or [0.0])[0], (ledger.megabytes or [0.0])[-1]
    print(f"memory: {first:.0f} MB in the middle of this run, {last:.0f} MB at its end")
    seconds = time.monotonic() - started
    print(f"lost: {ledger.lost}, twice: {ledger.twice}, in {seconds:.0f} s (seed {options.seed})")
    if ledger.lost or ledger.twice or last > first * MOST_GROWTH:
        sys.exit("the soak failed")


if __name__ == "__main__":
    main()
