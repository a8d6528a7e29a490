from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner.git import Git
from function.runner.report import merge_request
from function.runner.report.changes import Changes
from function.runner.report.guard import ProposalRefused
from function.runner.report.merge_request import About, Proposal
from function.shared.errors import Misconfigured, Unavailable
from tests.harness.desk import ABOUT, GIVEN, HOSTILE, Desk, desk, refused
from tests.harness.examples import examples
from tests.harness.forge import TOKEN, USER, Forge, bare, committed, run, serving
from tests.harness.process import ROOT

OTHER_IDENTITY = "cd" * 32
GIVEN |= {"apps/deep/er/file.yaml", "apps/mixed/plain", "apps/script"}


def test_as_it_was_given_nothing_has_changed(agent: Desk) -> None:
    assert agent.changes() == Changes({}, frozenset())
    assert agent.propose() == Proposal("unchanged")
    assert not [asked for asked in agent.forge.asked if "receive-pack" in asked]


PATHS = st.sampled_from(
    [
        *(
            "values.yaml",
            "run",
            "link",
            "sub",
            "sub/x",
            "large.bin",
            "deep",
            "deep/er",
            "deep/er/file.yaml",
        ),
        *("mixed", "mixed/plain", "mixed/link", ".gitignore", ".git/config", "new", "new/x", "VALUES.yaml"),
        *("../README.md", "../.gitlab-ci.yml", "../new", "Jenkinsfile", "a\u202eb", "latin", "case.txt"),
    ]
)
CONTENTS = st.sampled_from([b"", b"new\n", b"size: 20Gi\n", b"\xff", b"a\0b", b"x" * 300_000])
ACTS = st.one_of(
    st.tuples(st.just("write"), PATHS, CONTENTS),
    st.tuples(st.just("write"), PATHS, st.just(b"new\n")),
    st.tuples(st.sampled_from(["delete", "link", "pipe", "execute", "folder"]), PATHS, st.just(b"")),
    st.tuples(st.sampled_from(["move", "hard"]), PATHS, PATHS),
)


def perform(work: Path, what: str, path: str, more: Any) -> None:
    """Whatever the agent tries; what the system refuses it is not done."""
    at = work / "apps" / path
    with suppress(OSError):
        match what:
            case "write":
                at.parent.mkdir(parents=True, exist_ok=True)
                at.write_bytes(more)
            case "delete":
                at.unlink()
            case "link":
                at.unlink(missing_ok=True)
                at.symlink_to("/etc/passwd")
            case "pipe":
                os.mkfifo(at)
            case "execute":
                at.chmod(0o755)
            case "folder":
                at.mkdir()
            case "move":
                at.rename(work / "apps" / more)
            case "hard":
                (work / "apps" / more).hardlink_to(at)


def is_there(path: Path) -> bool:
    """An empty folder is nothing to git."""
    return os.path.lexists(path) and (path.is_symlink() or not path.is_dir())


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    with serving(tmp_path_factory.mktemp("hostile")) as forge:
        bare(forge.folder / "it.git")
        committed(forge.folder / "it.git", HOSTILE)
        yield forge


@given(st.lists(ACTS, min_size=1, max_size=4))
@examples(12)
def test_whatever_is_done_the_pushed_tree_differs_in_plain_files_below_the_path_alone(
    hostile: Forge, acts: list[tuple[str, str, Any]]
) -> None:
    with TemporaryDirectory(dir=hostile.folder) as folder:
        run(hostile.folder / "it.git", "update-ref", "-d", "refs/for/main")
        agent = desk(hostile, Path(folder))
        for act in acts:
            perform(agent.work, *act)
        try:
            done = agent.propose()
        except ProposalRefused:
            return
        if done.state == "unchanged":
            return
        told = run(
            hostile.folder / "it.git", "diff-tree", "-r", "-z", "--no-renames", agent.commit, done.commit
        )
        parts = told.decode().split("\0")[:-1]
        differences = dict(zip(parts[1::2], parts[::2], strict=True))
        assert tuple(sorted(differences)) == done.files
        for path, head in differences.items():
            old, new, _, _, status = head.lstrip(":").split()
            assert path.startswith("apps/") and "/.git" not in path.lower() and "Jenkins" not in path
            assert old in ("000000", "100644") and new in ("000000", "100644")
            if status == "D":
                assert path in GIVEN and not is_there(agent.work / path)
                continue
            content = run(hostile.folder / "it.git", "cat-file", "blob", f"{done.commit}:{path}")
            assert content == (agent.work / path).read_bytes()
            assert b"\0" not in content and len(content) <= 256 * 1024 and content.decode() is not None


# What the forge is told


def test_a_proposal_is_one_commit_with_our_trailer_and_leaves_the_base_alone(agent: Desk) -> None:
    agent.write("apps/values.yaml", "size: 40Gi\n")
    done = agent.propose()
    assert (done.state, done.branch, done.files) == ("opened", "sre/" + "ab" * 8, ("apps/values.yaml",))
    assert agent.on_forge("rev-parse", "refs/for/main").strip() == done.commit
    assert agent.on_forge("rev-parse", "main").strip() == agent.commit
    told = agent.on_forge("log", "-1", "--format=%P|%(trailers:only,unfold)", done.commit).strip()
    assert told == f"{agent.commit}|Sre-Dispatch-Identity: {ABOUT.identity}"


def test_a_rejected_push_is_told_as_one(agent: Desk) -> None:
    hook = agent.forge.folder / "it.git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho its own words >&2\nexit 1\n")
    hook.chmod(0o755)
    agent.write("apps/values.yaml", "size: 40Gi\n")
    with pytest.raises(Unavailable) as raised:
        agent.propose()
    assert raised.value.code == "git_rejected" and "own words" not in str(raised.value)


@dataclass
class Api:
    """Where pull requests are described; answers with the status, after so many seconds or when released."""

    status: int = 201
    seconds: float = 0.0
    told: list[Any] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def __call__(self, request: Any) -> bool:
        if request.command != "PATCH":
            return False
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        self.told.append((request.path, request.headers["Authorization"], body))
        self.released.wait(self.seconds)
        request.send_response(self.status)
        request.send_header("Location", f"http://127.0.0.1:1{request.path}")
        request.end_headers()
        return True


def test_a_pull_request_that_is_moved_is_described_anew(agent: Desk) -> None:
    agent.forge.before = api = Api()
    assert (
        merge_request.describe(agent.git, agent.repository_at("owner/it"), "7", "title\n\nand\n\nmore\n")
        == ""
    )
    told = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
    body = {"title": "title", "body": "and\n\nmore\n"}
    assert api.told == [("/api/v1/repos/owner/it/pulls/7", told, body)]


@pytest.mark.parametrize("status", [302, 307, 403, 404, 409, 500])
def test_a_pull_request_that_keeps_its_old_description_is_said_to(agent: Desk, status: int) -> None:
    agent.forge.before = api = Api(status)
    assert "of an earlier proposal" in merge_request.describe(
        agent.git, agent.repository_at("owner/it"), "7", "t\n\nb"
    )
    assert len(api.told) == 1


def test_a_forge_that_is_slow_to_answer_does_not_hold_the_report(agent: Desk) -> None:
    agent.forge.before = api = Api(seconds=10)
    hurried = Git(replace(agent.git.process, left=lambda: 1.0))
    assert "of an earlier proposal" in merge_request.describe(
        hurried, agent.repository_at("owner/it"), "7", "t\n\nb"
    )
    api.released.set()


def dripping(request: Any) -> bool:
    """One byte of a header after the other, for as long as anybody listens."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    with suppress(ConnectionError):
        for _ in request.forge.over.moments(0.05):
            request.wfile.write(b"x")
    return True


REPORTING = """
import sys
from pathlib import Path
from function.runner.git import Git
from function.runner.git_process import GitProcess
from function.runner.report import merge_request
from function.runner.tier import Repository
git = Git(GitProcess(Path(sys.argv[1]), Path(sys.argv[2]), left=lambda: 1.0))
repository = Repository(sys.argv[3], "f3iai")
print(merge_request.describe(git, repository, "7", "title"))
"""


def test_a_forge_that_drips_holds_neither_the_report_nor_its_process(agent: Desk) -> None:
    """The forge drips for longer than the test waits for the process."""
    agent.forge.before = dripping
    process = agent.git.process
    told = [str(process.git_dir), str(process.credentials), agent.repository_at("owner/it").url]
    ran = subprocess.run(
        [sys.executable, "-c", REPORTING, *told], cwd=ROOT, timeout=30, capture_output=True, check=True
    )
    assert b"of an earlier proposal" in ran.stdout


@pytest.mark.parametrize("identity", ["", "short", "AB" * 32, "ab" * 32 + "\n", "../" * 21 + "x"])
def test_without_an_identity_nothing_is_proposed(agent: Desk, identity: str) -> None:
    agent.write("apps/values.yaml", "size: 40Gi\n")
    with pytest.raises(Misconfigured, match="identity"):
        agent.propose(replace(ABOUT, identity=identity))


def test_on_gitlab_the_branch_is_opened_moved_and_left_as_it_is(on_gitlab: Desk) -> None:
    agent, git_dir = on_gitlab, on_gitlab.forge.folder / "it.git"
    hook = git_dir / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        "#!/bin/sh\nenv | grep ^GIT_PUSH_OPTION_ | sort >options\n"
        "echo 'View merge request for sre/x:' >&2\n"
        "echo '  https://evil.example.org/x/-/merge_requests/7' >&2\n"
        f"echo '  {agent.forge.url}/x/-/merge_requests/new?a=b' >&2\n"
        f"echo '  {agent.forge.url}/x/-/merge_requests/7' >&2\n"
    )
    hook.chmod(0o755)
    agent.write("apps/values.yaml", "size: 40Gi\n")
    opened = agent.propose()
    assert (opened.state, opened.url) == ("opened", f"{agent.forge.url}/x/-/merge_requests/7")
    assert (git_dir / "options").read_text().splitlines() == [
        "GIT_PUSH_OPTION_0=merge_request.create",
        "GIT_PUSH_OPTION_1=merge_request.target=main",
        "GIT_PUSH_OPTION_COUNT=2",
    ]
    assert agent.propose().state == "unchanged"
    agent.write("apps/values.yaml", "size: 50Gi\n")
    updated = agent.propose()
    assert (updated.state, updated.problem) == ("updated", merge_request.OUTDATED)
    assert agent.on_forge("rev-parse", opened.branch).strip() == updated.commit
    assert agent.on_forge("rev-list", "--count", f"main..{opened.branch}") == "1\n"
    assert agent.on_forge("rev-parse", "main").strip() == agent.commit


@pytest.mark.parametrize(
    "message",
    [
        "somebody's own",
        f"with another\n\nSre-Dispatch-Identity: {OTHER_IDENTITY}",
        f"quoted\n\n    Sre-Dispatch-Identity: {ABOUT.identity}",
        f"before\n\nSre-Dispatch-Identity: {ABOUT.identity}\n\nand after",
    ],
)
def test_on_gitlab_a_branch_of_somebody_else_is_not_overwritten(on_gitlab: Desk, message: str) -> None:
    branch = "sre/" + "ab" * 8
    theirs = committed(on_gitlab.forge.folder / "it.git", {"a": b"b"}, branch, message)
    on_gitlab.write("apps/values.yaml", "size: 40Gi\n")
    assert refused(on_gitlab.propose)[0] == "proposal_branch"
    assert on_gitlab.on_forge("rev-parse", branch).strip() == theirs


def test_the_message_says_whose_words_it_holds() -> None:
    told = About(
        ABOUT.identity,
        "Grow [skip ci] it\nfor @all, fixes https://forge/a/b/issues/1",
        "/merge\n\nCloses #3, a/b#3 and !4, see nginx@sha256:1\nFixes http://forge/a/b/issues/2\n",
    )
    assert merge_request.message(told) == (
        "Grow (skip ci) it for @ all, fixes https:// forge/a/b/issues/1\n\n"
        f"{merge_request.UNCHECKED}\n\n"
        "    /merge\n\n    Closes # 3, a/b# 3 and ! 4, see nginx@sha256:1\n"
        "    Fixes http:// forge/a/b/issues/2\n\n"
        f"Sre-Dispatch-Identity: {ABOUT.identity}\n"
    )


@given(
    st.text(max_size=300) | st.text("https:/#1@! \n\u200b", max_size=300),
    st.text(max_size=9000)
    | st.text("https:/#1@! \n\u200b", max_size=900)
    | st.just(f"x\n\nSre-Dispatch-Identity: {OTHER_IDENTITY}\n"),
)
def test_no_words_forge_the_trailer_give_an_order_or_run_long(title: str, description: str) -> None:
    told = merge_request.message(About(ABOUT.identity, title, description))
    lines = told.removesuffix("\n").split("\n")
    assert lines[0].strip() and len(lines[0]) <= 120 and lines[1] == ""
    assert lines[-2:] == ["", f"Sre-Dispatch-Identity: {ABOUT.identity}"]
    ours = ("", merge_request.UNCHECKED)
    assert all(line in ours or line.startswith("    ") for line in lines[1:-2])
    assert not re.search(r"://\S|#\w|!\d|(?<!\w)@\w", told)
    assert len(told) < 20_000 and told.encode() and not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", told)
