from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.process import ROOT

PROGRAM = """
import signal, time
from function.runner import signals
signals.hold()
print(flush=True)
input()
heard = []
signals.on_terminate(lambda: heard.append(1))
time.sleep(0.01)
print(len(heard), flush=True)
input()
print(len(heard), flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_heeded_also_if_it_came_before_anybody_listened(number: signal.Signals) -> None:
    command = (sys.executable, "-c", PROGRAM)
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout and process.stdin
        process.stdout.readline()
        process.send_signal(number)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "1\n"
        process.send_signal(number)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "2\n"
