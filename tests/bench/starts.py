"""From the start of a process to its first reply. The programs take turns in random order, so that whatever
else the machine does costs all of them alike. OPA, the Kubernetes API and the world model are stubs that
answer at once. Every Python module is compiled before, as in the image."""

from __future__ import annotations

import contextlib
import http.client
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from function.dispatch.settings import OLD_NAMES
from tests.bench.figures import Figure, cpu, progress, resident
from tests.harness import backends
from tests.harness.process import ROOT, free_port, stopping
from tests.harness.server import environment

READY_SECONDS = 30
EMPTY = "empty function"
READY, REPLY, WORK, MEMORY = (
    "start to ready, ms",
    "start to the first reply, ms",
    "CPU until the first reply, ms",
    "memory after the first reply, MB",
)


@dataclass(frozen=True)
class Program:
    command: tuple[str, ...]
    """It serves the port in the environment variable PORT."""
    probe: str = "/"
    """A path that answers 200 to a GET as soon as anything is answered."""
    context: bool = False
    """Whether it asks a world model."""
    root: Path = ROOT
    """The checkout in which it is started."""


PYTHON = sys.executable
FUNCTION = ("-m", "function", "serve")
LAUNCH = (PYTHON, "-m", "tests.harness.launch")
PROGRAMS = {
    "bare Python": Program((PYTHON, "tests/bench/bare.py")),
    EMPTY: Program((*LAUNCH, "tests/bench/empty.py")),
    "sre-dispatch": Program((PYTHON, *FUNCTION), "/health/readiness"),
    "sre-dispatch, with context": Program((PYTHON, *FUNCTION), "/health/readiness", context=True),
    "sre-dispatch, Jobs by BatchV1Api": Program((*LAUNCH, "tests/bench/typed.py"), "/health/readiness"),
}


def measured(runs: int, beside: Path | None = None) -> list[Figure]:
    """Returns the medians of each program. One start of each goes before and does not count: it compiles."""
    found: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as name, stubs() as url:
        folder = Path(name)
        programs = {**PROGRAMS, **_go_hello(folder), **(_other_checkout(beside) if beside else {})}
        settings = backends.settings(url, folder) | {"PYTHONPYCACHEPREFIX": name}
        turns = [title for _ in range(runs) for title in random.sample([*programs], len(programs))]
        for done, title in enumerate([*programs, *turns]):
            progress(f"start {done + 1} of {len(programs) + len(turns)}: {title}")
            program = programs[title]
            more = backends.with_context(url) if program.context else {}
            more |= old_names(settings) if program.root != ROOT else {}
            started = one_start(program, settings | more)
            if done >= len(programs):
                found.setdefault(title, []).append(started)
    return [
        Figure(section, title, statistics.median(start[section] for start in found[title]), EMPTY)
        for section in (READY, REPLY, WORK, MEMORY)
        for title in programs
    ]


def _go_hello(folder: Path) -> dict[str, Program]:
    """Returns Go's least server, if Go is on this machine."""
    go = shutil.which("go")
    if go is None:
        print("no Go on PATH: Go's start is not measured", file=sys.stderr)
        return {}
    hello = folder / "hello"
    subprocess.run([go, "build", "-o", hello, "tests/bench/hello.go"], cwd=ROOT, check=True, timeout=300)
    return {"Go hello": Program((str(hello),))}


def _other_checkout(root: Path) -> dict[str, Program]:
    """Returns the function of the checkout at `root`, which has its own .venv."""
    python = root.resolve() / ".venv" / "bin" / "python"
    if not python.exists():
        sys.exit(f"{python} does not exist: run `make setup` in {root}")
    title = f"sre-dispatch of {root.resolve().name}"
    return {title: replace(PROGRAMS["sre-dispatch"], command=(str(python), *FUNCTION), root=root.resolve())}


def old_names(settings: Mapping[str, str]) -> dict[str, str]:
    """Returns the settings by the names that an older version reads."""
    return {old: settings[new] for old, new in OLD_NAMES.items() if new in settings}


@contextlib.contextmanager
def stubs() -> Iterator[str]:
    command = (PYTHON, "-m", "tests.harness.backends")
    with stopping(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


def one_start(program: Program, settings: Mapping[str, str]) -> dict[str, float]:
    port = free_port()
    variables = environment(**settings, PORT=str(port))
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.monotonic()
    process = subprocess.Popen(
        program.command,
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=program.root,
    )
    with stopping(process):
        wait_until_ready(process, port, program.probe)
        ready = time.monotonic()
        status = ask(port, "POST", "/alertmanager", backends.five_alerts())
        replied = time.monotonic()
        assert status == 200, status
        return {
            READY: (ready - started) * 1000,
            REPLY: (replied - started) * 1000,
            WORK: cpu(process.pid),
            MEMORY: resident(process.pid),
        }


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
