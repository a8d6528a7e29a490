"""`make bench`: start and first delivery of the function, beside an empty one; times of policy and context.

Each start is a new process. They take turns in random order, so that whatever else the machine does costs
all of them alike; OPA and the Kubernetes API are stubs that answer at once. Every module is compiled, as in
the image. With --beside, the function of another checkout takes turns with this one.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from function.dispatch.settings import OLD_NAMES
from tests.bench import context, decisions
from tests.bench.figures import cpu, resident
from tests.harness import backends
from tests.harness.process import ROOT, free_port, stopping
from tests.harness.server import environment

READY_SECONDS = 30


@dataclass(frozen=True)
class Row:
    title: str
    command: tuple[str, ...]
    """What python is started with; the port to serve is in the environment."""
    probe: str
    """A path that answers 200 to a GET as soon as anything is answered."""
    context: bool = False
    """Whether a world model is asked, which is a stub as well."""
    root: Path = ROOT
    """The checkout that is started."""
    python: str = sys.executable


FUNCTION = ("-m", "function", "serve")
LAUNCH = ("-m", "tests.harness.launch")
ROWS = {
    "empty": Row("empty function", (*LAUNCH, "tests/bench/empty.py"), "/"),
    "function": Row("sre-dispatch", FUNCTION, "/health/readiness"),
    "context": Row("sre-dispatch, with context", FUNCTION, "/health/readiness", context=True),
    "typed": Row("sre-dispatch, Jobs by BatchV1Api", (*LAUNCH, "tests/bench/typed.py"), "/health/readiness"),
}
BASE = "empty"


@dataclass(frozen=True)
class Figures:
    """Of one start, or the medians of many. Milliseconds since the process was started, but for the
    delivery's own, and MB."""

    ready_wall: float
    answered_wall: float
    answered_cpu: float
    delivery_cpu: float
    rss: float


NAMES = tuple(field.name for field in fields(Figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=11, choices=range(1, 100), metavar="1..99")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for a program")
    parser.add_argument("--beside", type=Path, metavar="FOLDER", help="a checkout of another version, set up")
    options = parser.parse_args()
    if options.beside:
        ROWS["beside"] = beside(options.beside.resolve())
    about = {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "starts": options.runs,
    }
    medians = measured(options.runs)
    looks = decisions.measured()
    contexts = context.measured()
    if options.json:
        rows = {name: asdict(figures) for name, figures in medians.items()}
        print(json.dumps(about | {"rows": rows, "looks": looks, "contexts": contexts}))
        return
    print(
        "Python {python}, {cpus} CPUs, load average {load} before; "
        "medians of {starts} starts each, in random order".format(**about)
    )
    print(table(medians))
    print()
    print(decisions.table(looks))
    if contexts:
        print()
        print(context.table(contexts))


def beside(root: Path) -> Row:
    """The function of the checkout at `root`, which has its own .venv."""
    python = root / ".venv" / "bin" / "python"
    if not python.exists():
        sys.exit(f"{python} does not exist: run `make setup` in {root}")
    return Row(f"sre-dispatch of {root.name}", FUNCTION, "/health/readiness", root=root, python=str(python))


def old_names(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings by the names that an older version reads as well."""
    return {old: settings[new] for old, new in OLD_NAMES.items() if new in settings}


def measured(runs: int) -> dict[str, Figures]:
    """The medians of each row. One start of each comes first and does not count: it compiles the modules."""
    found: dict[str, list[Figures]] = {name: [] for name in ROWS}
    turns = [name for _ in range(runs) for name in random.sample([*ROWS], len(ROWS))]
    with tempfile.TemporaryDirectory() as folder, stubs() as url:
        settings = backends.settings(url, Path(folder)) | {"PYTHONPYCACHEPREFIX": folder}
        for number, name in enumerate([*ROWS, *turns]):
            print(f"\r{number + 1 - len(ROWS)} of {len(turns)} ", end="", file=sys.stderr, flush=True)
            more = backends.with_context(url) if ROWS[name].context else {}
            more |= old_names(settings) if ROWS[name].root != ROOT else {}
            figures = one_start(ROWS[name], settings | more)
            if number >= len(ROWS):
                found[name].append(figures)
    print("\r", end="", file=sys.stderr)
    return {name: median(of_row) for name, of_row in found.items()}


def median(starts: list[Figures]) -> Figures:
    return Figures(*(statistics.median(getattr(start, name) for start in starts) for name in NAMES))


@contextlib.contextmanager
def stubs() -> Iterator[str]:
    command = (sys.executable, "-m", "tests.harness.backends")
    with stopping(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


def one_start(row: Row, settings: dict[str, str]) -> Figures:
    port = free_port()
    variables = environment(**settings, PORT=str(port))
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.monotonic()
    process = subprocess.Popen(
        (row.python, *row.command),
        env=variables,
        stdout=subprocess.DEVNULL,
        text=True,
        cwd=row.root,
    )
    with stopping(process):
        wait_until_ready(process, port, row.probe)
        ready, ready_cpu = time.monotonic(), cpu(process.pid)
        status = ask(port, "POST", "/alertmanager", backends.five_alerts())
        answered, answered_cpu = time.monotonic(), cpu(process.pid)
        assert status == 200, status
        return Figures(
            ready_wall=(ready - started) * 1000,
            answered_wall=(answered - started) * 1000,
            answered_cpu=answered_cpu,
            delivery_cpu=answered_cpu - ready_cpu,
            rss=resident(process.pid),
        )


def wait_until_ready(process: subprocess.Popen[str], port: int, path: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(ConnectionError):
            if ask(port, "GET", path) == 200:
                return
        time.sleep(0.002)
    raise AssertionError("not ready")


def ask(port: int, method: str, path: str, body: bytes | None = None) -> int:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(line):
        line.request(method, path, body, {"Content-Type": "application/json"})
        return line.getresponse().status


HEADS = (
    "{:33}{:>15}{:>32}{:>15}{:>15}".format("", "start to", "start to first", "the delivery", "RSS"),
    "{:33}{:>15}{:>32}{:>15}{:>15}".format("", "ready", "delivery answered", "alone", "after it"),
    "{:33}{:>15}{:>16}{:>16}{:>15}{:>15}".format("", "wall ms", "wall ms", "CPU ms", "CPU ms", "MB"),
)


def table(medians: dict[str, Figures]) -> str:
    """Every figure, and beside it how many times the empty function's it is."""
    return "\n".join(
        (*HEADS, *(_line(ROWS[name].title, row, medians[BASE]) for name, row in medians.items()))
    )


def _line(title: str, row: Figures, base: Figures) -> str:
    pairs = ((getattr(row, name), getattr(base, name)) for name in NAMES)
    return f"{title:33}" + " ".join(f"{figure:8.0f} {_times(figure, of):>6}" for figure, of in pairs)


def _times(figure: float, of: float) -> str:
    return f"x{figure / of:.2f}" if of else "-"


if __name__ == "__main__":
    main()
