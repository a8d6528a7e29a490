"""`sre-dispatch demo` as people run it: in a pipe, on a terminal, again, and where something is wrong."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from function.commands.demo.play import CLUSTER
from tests.harness.process import ROOT, free_port
from tests.harness.server import environment

COMMAND = (sys.executable, "-m", "function", "demo")
GOLDEN = Path(__file__).with_name("golden")
WIDTH, HEIGHT = 100, 24
READY_SECONDS = 60


def demo(
    folder: Path, *arguments: str, python_path: Path = ROOT, **settings: str
) -> subprocess.CompletedProcess[str]:
    """The command in that folder, its output in pipes."""
    return subprocess.run(
        (*COMMAND, *arguments),
        cwd=folder,
        env=environment(PYTHONPATH=str(python_path), **settings),
        capture_output=True,
        text=True,
        check=False,
    )


def on_terminal(folder: Path, **settings: str) -> str:
    """What a terminal receives of it."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        COMMAND,
        cwd=folder,
        env=environment(**{"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **settings}),
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    received = b"".join(pieces(ours))
    os.close(ours)
    assert process.wait() == 0
    return received.decode()


def pieces(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux says so when the other end is closed
            return
        if not piece:
            return
        yield piece


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A folder in which it ran twice, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    first, second = demo(folder), demo(folder)
    assert (first.returncode, first.stderr) == (second.returncode, second.stderr) == (0, "")
    return folder, first.stdout, second.stdout


@pytest.mark.parametrize(("run", "name"), [(1, "first-run.txt"), (2, "second-run.txt")])
def test_what_it_prints_into_a_pipe(played: tuple[Path, str, str], run: int, name: str, renew: bool) -> None:
    printed = str(played[run])
    if renew:
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / name).write_text(printed, encoding="utf-8")
    assert printed == (GOLDEN / name).read_text(encoding="utf-8")
    assert printed.isascii() and "\x1b" not in printed


@pytest.mark.parametrize("run", [1, 2])
def test_each_alert_fits_on_one_screen(played: tuple[Path, str, str], run: int) -> None:
    introduction, *screens, what_next = str(played[run]).split("---- ")
    assert len(screens) == 2
    for part in (introduction, *screens, what_next):
        lines = part.splitlines()
        assert len(lines) <= HEIGHT and max(map(len, lines)) <= WIDTH


def test_the_files_that_it_names_hold_prompt_and_job(played: tuple[Path, str, str]) -> None:
    folder, printed, _ = played
    named = [line.split()[-1] for line in printed.splitlines() if line.endswith((".yaml", ".prompt.md"))]
    assert len(named) == 4
    for prompt, manifest in zip(named[::2], named[1::2], strict=True):
        job = yaml.safe_load((folder / manifest).read_text(encoding="utf-8"))
        annotations = job["spec"]["template"]["metadata"]["annotations"]
        assert (folder / prompt).read_text(encoding="utf-8") == annotations["sre-dispatch/prompt"]


def test_full_prints_the_whole_prompts_and_manifests(played: tuple[Path, str, str]) -> None:
    folder, _, _ = played
    printed = demo(folder, "--full").stdout
    for path in (folder / ".dispatched").iterdir():
        assert path.read_text(encoding="utf-8").rstrip("\n") in printed
    assert "\x1b" not in printed


def test_json_is_for_a_program(tmp_path: Path) -> None:
    done = demo(tmp_path, "--json")
    first, second = json.loads(done.stdout)
    assert [each["audit"]["outcome"] for each in (first, second)] == ["created"] * 2
    assert [each["decision"]["effective"] for each in (first, second)] == ["MEDIUM", "HIGH"]
    assert [each["facts"]["usage"]["used_percent"] for each in (first, second)] == [75.2, 90.4]
    assert (tmp_path / first["manifest"]).exists() and (tmp_path / second["prompt_file"]).exists()


def test_what_an_agent_did_is_told_the_next_one(tmp_path: Path) -> None:
    demo(tmp_path)
    run = json.loads((ROOT / "tests" / "runs" / "grew-to-40gi.json").read_bytes()) | {"cluster": CLUSTER}
    record = (sys.executable, "-m", "function", "record", "-")
    environ = environment(PYTHONPATH=str(ROOT))
    subprocess.run(record, input=json.dumps(run).encode(), cwd=tmp_path, env=environ, check=True)
    for path in (tmp_path / ".dispatched").iterdir():
        path.unlink()
    told = "earlier (just now): write-ahead log files pile up because no checkpoint was written for weeks"
    assert " ".join(demo(tmp_path).stdout.split()).count(told) == 2


def test_a_terminal_has_colours_and_sees_that_it_works(tmp_path: Path) -> None:
    received = on_terminal(tmp_path)
    assert "\x1b[33m\x1b[1mMEDIUM\x1b[0m" in received and "\x1b[31m\x1b[1mHIGH\x1b[0m" in received
    assert "starting the function ..." in received and "sending alert 2 of 2 ..." in received


@pytest.mark.parametrize("settings", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_a_terminal_without_colours_gets_no_escape_codes(tmp_path: Path, settings: dict[str, str]) -> None:
    received = on_terminal(tmp_path, **settings)
    assert "created" in received and "\x1b" not in received


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = demo(tmp_path, "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"port {port} cannot be used" in done.stderr and "--port" in done.stderr


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / ".dispatched").touch()
    done = demo(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot write to .dispatched" in done.stderr


def test_a_memory_that_is_no_memory_is_named(tmp_path: Path) -> None:
    (tmp_path / ".worldmodel.db").write_text("a diary", encoding="utf-8")
    done = demo(tmp_path)
    assert done.returncode == 2 and ".worldmodel.db is not a usable world model file" in done.stderr


def test_without_prompts_it_says_what_to_set(tmp_path: Path) -> None:
    done = demo(tmp_path, SRE_DISPATCH_ROOT=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"there is no {tmp_path}/prompts: set SRE_DISPATCH_ROOT" in done.stderr


def test_without_the_embedded_engine_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "regorus.py").write_text("raise ImportError", encoding="utf-8")
    done = demo(tmp_path, python_path=tmp_path)
    assert done.returncode == 2 and "pip install 'sre-dispatch[embedded]'" in done.stderr


def test_an_alert_that_is_deferred_is_exit_1(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "main.rego").write_text("package sre_dispatch\n", encoding="utf-8")
    done = demo(tmp_path, SRE_DISPATCH_POLICIES=str(tmp_path / "policies"))
    assert done.returncode == 1 and done.stdout.count("\njob       deferred no Job") == 2


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_ended_early_it_leaves_no_process(tmp_path: Path, number: int, status: int) -> None:
    """A pipe that is full and not read holds the demo where its function runs."""
    port = free_port()
    with stuck(tmp_path, port) as process:
        process.send_signal(number)
        process.communicate()
    assert process.returncode == status
    assert f"--port {port}" not in processes()


def stuck(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """The demo, once it waits for a reader in the middle of its output."""
    process = subprocess.Popen(
        (*COMMAND, "--full", "--port", str(port)),
        cwd=folder,
        env=environment(PYTHONPATH=str(ROOT)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
    deadline = time.monotonic() + READY_SECONDS
    while not list(folder.glob(".dispatched/*.prompt.md")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    assert f"--port {port}" in processes()
    return process


def processes() -> str:
    """The command lines of all."""
    return subprocess.run(("ps", "-eo", "args"), capture_output=True, text=True, check=True).stdout
