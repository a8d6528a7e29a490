from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process import ROOT
from tests.server import TOKEN, Server, environment, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


def replay(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "function", "replay", "tests/deliveries/resolved.json", *arguments)
    return subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=ROOT, check=False)


def token_file(folder: Path) -> str:
    (folder / "sent").write_text(TOKEN + "\n", encoding="utf-8")
    return str(folder / "sent")


def test_it_sends_as_alertmanager_does(server: Server, tmp_path: Path) -> None:
    done = replay("--url", server.url, "--token-file", token_file(tmp_path))
    assert (done.returncode, done.stdout) == (0, '200 {"outcomes":{"resolved":1}}\n')


def test_it_sends_as_func_invoke_does(server: Server, tmp_path: Path) -> None:
    done = replay("--url", server.url, "--cloudevent", "--token-file", token_file(tmp_path))
    assert done.returncode == 0 and done.stdout.startswith("202 ")


def test_a_refusal_is_exit_1(server: Server) -> None:
    done = replay("--url", server.url)
    assert (done.returncode, done.stdout) == (1, "401 \n")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://[broken"])
def test_no_reply_is_exit_2_and_said(url: str) -> None:
    done = replay("--url", url)
    assert done.returncode == 2 and "no reply" in done.stderr and "Traceback" not in done.stderr


def test_a_token_in_the_url_is_never_printed() -> None:
    done = replay("--url", "http://x:SECRETTOKEN@127.0.0.1:1")
    assert done.returncode == 2 and "SECRETTOKEN" not in done.stdout + done.stderr
