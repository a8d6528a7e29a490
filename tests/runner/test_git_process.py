from __future__ import annotations

from pathlib import Path

import pytest

from function.runner.git_process import ADVICE, GitProcess, code_of
from function.shared.errors import Unavailable


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        (b"fatal: Authentication failed for 'https://forge/'", "git_refused"),
        (b"fatal: could not read Username for 'https://forge'", "git_refused"),
        (b"error: RPC failed\nfatal: unable to access: The requested URL returned error: 403", "git_refused"),
        (b"fatal: repository 'https://forge/a/b.git/' not found", "git_not_found"),
        (b"fatal: couldn't find remote ref refs/heads/main", "git_not_found"),
        (b"fatal: Out of memory, malloc failed", "git_large"),
        (b"fatal: unable to access 'https://forge/': Could not resolve host", "git_unreachable"),
        (b"remote: fatal: Authentication failed", "git_unreachable"),
        (b"", "git_unreachable"),
    ],
)
def test_a_failure_has_the_code_that_gits_own_messages_give(errors: bytes, code: str) -> None:
    assert code_of(errors, "git_unreachable") == code
    assert code in ADVICE


def test_a_command_that_asks_no_forge_is_never_refused_by_one() -> None:
    assert code_of(b"fatal: Authentication failed", "git_failed") == "git_failed"


def test_the_output_of_a_run_is_told_and_its_errors_are_not(tmp_path: Path) -> None:
    git = GitProcess(tmp_path)
    assert git.line("--version").startswith("git version")
    with pytest.raises(Unavailable) as failure:
        git.run("rev-parse", "--verify", "no-such-name")
    assert failure.value.code == "git_failed" and "no-such-name" not in str(failure.value)


WAIT = ("-c", "alias.wait=!touch started && sleep 600", "wait")


@pytest.mark.parametrize("left", [0.0, -1.0])
def test_nothing_starts_when_no_time_is_left(tmp_path: Path, left: float) -> None:
    with pytest.raises(Unavailable) as failure:
        GitProcess(tmp_path, left=lambda: left).run(*WAIT)
    assert failure.value.code == "git_slow" and not list(tmp_path.iterdir())


def test_a_run_is_stopped_when_the_time_that_is_left_ends(tmp_path: Path) -> None:
    def left() -> float:
        return 0.0 if (tmp_path / "started").exists() else 60.0

    with pytest.raises(Unavailable) as failure:
        GitProcess(tmp_path, left=left).run(*WAIT)
    assert failure.value.code == "git_slow"


def test_an_output_over_its_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as failure:
        GitProcess(tmp_path).run("help", "--all", limit=100)
    assert failure.value.code == "git_large"


def test_nothing_of_the_machine_reaches_git_but_proxies_and_authorities(tmp_path: Path) -> None:
    given = {
        "HTTPS_PROXY": "http://proxy:3128",
        "SSL_CERT_FILE": "/ca.pem",
        "GIT_SSH_COMMAND": "touch /tmp/x",
    }
    shown = GitProcess(tmp_path, environment=given).run("-c", "alias.env=!env", "env").decode()
    names = {line.partition("=")[0] for line in shown.splitlines()}
    assert {"HTTPS_PROXY", "GIT_SSL_CAINFO", "GIT_DIR"} <= names and "GIT_SSH_COMMAND" not in names
