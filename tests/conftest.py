"""`--renew` writes the golden files; tests are marked `real` by their folder; examples have a profile."""

from __future__ import annotations

import os
import signal

import pytest

from tests.harness import examples

pytest_plugins = ["tests.harness.control_plane"]
REAL = ("tests/real/", "tests/faults/")

examples.load()

for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    # nohup and a shell's & ignore these signals, and every child would inherit that.
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two for each core: many tests wait for a process or a limit of time."""
    return 2 * (os.cpu_count() or 1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--renew", action="store_true", help="write golden files instead of comparing")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(folder in item.path.as_posix() for folder in REAL):
            item.add_marker("real")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the table of the corpus, if its tests ran. They report their rows as properties."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    told = [pair for report in reports for pair in getattr(report, "user_properties", ())]
    if rows := sorted({row for name, row in told if name == "corpus"}):
        terminalreporter.section("corpus")
        from tests.harness.corpus import row as columns  # reading the corpus takes a second

        for row in [columns(), *rows]:
            terminalreporter.write_line(row)


@pytest.fixture
def renew(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--renew"))
