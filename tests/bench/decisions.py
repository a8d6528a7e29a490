"""How long one look at the policy takes, by engine, for a usual alert and for one with 20 kB of text."""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from function.dispatch import decide, normalize
from function.dispatch.adapters.opa import Opa
from function.dispatch.adapters.rego import Rego
from function.dispatch.model import Activity
from function.dispatch.policy_files import read, write
from function.shared.event import SREEvent
from function.shared.strict_json import Json
from tests.harness.components import OPA_SECRET, Missing, find, opa
from tests.harness.fakes import NOW, WHOLE, delivery, event
from tests.harness.process import ROOT

LOOKS = 60
LONG = " ".join(f"Volume {number} of the claim is {number} percent full." for number in range(600))[:20_000]
ALERTS = {"usual": event(), "20 kB": replace(event(), raw_payload={"description": LONG})}


def measured() -> dict[str, dict[str, float]]:
    """Milliseconds by row and alert; without OPA's row where OPA is not on this machine."""
    rows = {"text prepared": {name: median(partial(prepared, of)) for name, of in ALERTS.items()}}
    questions = {name: question(of) for name, of in ALERTS.items()}
    for engine, ask in engines():
        rows[engine] = {name: median(partial(ask, asked)) for name, asked in questions.items()}
    return rows


def prepared(of: SREEvent) -> decide.PolicyText:
    return decide.prepared(of, normalize.read(delivery("incident-75").notification))


def question(of: SREEvent) -> Json:
    return decide.question(of, prepared(of), Activity(0, 0, 0, 0, 0), NOW.timestamp(), WHOLE)


def engines() -> Iterator[tuple[str, Callable[[Json], object]]]:
    yield "embedded engine", Rego(read(ROOT / "policies")).ask
    with contextlib.ExitStack() as stack, contextlib.suppress(Missing):
        find("opa")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write(ROOT / "policies", folder / "bundle")
        server = stack.enter_context(opa(folder, folder / "bundle"))
        client = stack.enter_context(contextlib.closing(Opa(server.url, lambda: OPA_SECRET["token"])))
        yield "OPA, over HTTP", client.ask


def median(call: Callable[[], object]) -> float:
    call()
    times = []
    for _ in range(LOOKS):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Every figure, and beside it how many times that of preparing the same text it is."""
    base = rows["text prepared"]
    lines = [f"{'one look at the policy':33}" + "".join(f"{f'{name}, ms':>15}" for name in base)]
    for title, row in rows.items():
        figures = (f"{row[name]:.1f} x{row[name] / of:.1f}" for name, of in base.items())
        lines.append(f"{title:33}" + "".join(f"{figure:>15}" for figure in figures))
    return "\n".join(lines)
