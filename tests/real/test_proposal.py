"""An agent's change becomes a pull request on a real Gitea, with the rights of somebody who may only read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from function.runner.checkout import materialize
from function.runner.git import Git
from function.runner.git_process import GitProcess
from function.runner.outcome import AgentOutcome, Report
from function.runner.report import merge_request
from function.runner.report.changes import Changes, read_changes
from function.runner.report.description import description
from function.runner.report.merge_request import About, Proposal
from function.runner.tier import Proposals, Repository
from function.shared.errors import Unavailable
from tests.harness.components import need, wait_until
from tests.harness.gitea import AGENT, OWNER, Gitea, gitea

VALUES = "apps/typedb/values.yaml"
DESCRIPTION = "The claim is full on Thursday.\n\nCloses #1, says <b>@owner</b>.\n" + "It grows. " * 900
ABOUT = About("ab" * 32, "Grow typedb-data to 40Gi", DESCRIPTION)


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gitea]:
    need("gitea")
    with gitea(tmp_path_factory.mktemp("gitea")) as forge:
        # Nobody may push to main, nor merge without the owner's approval.
        rule = {"rule_name": "main", "enable_push": False, "required_approvals": 1}
        forge.ask("POST", "branch_protections", rule)
        yield forge


def proposing(forge: Gitea, folder: Path, content: str | None, about: About = ABOUT) -> Proposal:
    """The way through all three containers; `content` is what the agent writes, None for nothing."""
    credentials = forge.credentials(folder)
    repository = Repository(forge.repository, "f3iai", path="apps")
    prepare = Git(GitProcess(folder / "git", credentials))
    commit = prepare.fetch(repository.url, repository.branch)
    work = folder / f"work-{len([*folder.iterdir()])}"
    work.mkdir()
    assert materialize(prepare, commit, work) == 1
    if content is not None:
        (work / VALUES).write_text(content)
    report = Git(GitProcess(folder / "git", credentials))
    changes = read_changes(report, commit, work, repository.path, Proposals())
    return merge_request.propose(report, repository, commit, changes, about)


def pulls(forge: Gitea, identity: str) -> list[dict[str, Any]]:
    """All that carry the trailer, open or not."""
    return [each for each in forge.ask("GET", "pulls?state=all") if identity in each["body"]]


def closed(forge: Gitea, number: int) -> None:
    forge.ask("PATCH", f"pulls/{number}", {"state": "closed"})


def test_a_change_opens_one_pull_request_and_the_same_identity_moves_it(forge: Gitea, tmp_path: Path) -> None:
    opened = proposing(forge, tmp_path, "size: 40Gi\n")
    assert opened.state == "opened" and opened.files == (VALUES,)
    more = replace(ABOUT, title="Grow typedb-data to 50Gi", description="50Gi, not 40Gi.")
    updated = proposing(forge, tmp_path, "size: 50Gi\n", more)
    assert updated.state == "updated" and updated.url == opened.url and updated.problem == ""
    (pull,) = pulls(forge, ABOUT.identity)
    assert f"{pull['title']}\n\n{pull['body'].rstrip()}\n" == merge_request.message(more)
    assert (pull["state"], pull["user"]["login"], pull["base"]["ref"]) == ("open", AGENT, "main")
    assert (pull["html_url"], pull["head"]["sha"]) == (updated.url, updated.commit)
    assert forge.file(VALUES, updated.commit) == "size: 50Gi\n"
    assert [each["filename"] for each in forge.ask("GET", f"pulls/{pull['number']}/files")] == [VALUES]


def test_the_title_and_a_long_description_are_those_of_the_commit(forge: Gitea, tmp_path: Path) -> None:
    about = replace(ABOUT, identity="12" * 32)
    proposing(forge, tmp_path, "size: 41Gi\n", about)
    (pull,) = pulls(forge, about.identity)
    told = f"{pull['title']}\n\n{pull['body'].rstrip()}\n"
    assert told == merge_request.message(about) and len(told) > 8000


def test_no_words_of_a_proposal_touch_an_issue(forge: Gitea, tmp_path: Path) -> None:
    name = "issues"
    forge.ask(
        "POST", "/user/repos", {"name": name, "private": True, "auto_init": True, "default_branch": "main"}
    )
    here = f"/repos/{OWNER}/{name}"
    forge.ask("PUT", f"{here}/collaborators/{AGENT}", {"permission": "read"})
    issue = forge.ask("POST", f"{here}/issues", {"title": "it must stay open"})
    other = forge.ask("POST", f"{here}/issues", {"title": "it may be closed"})
    words = f"Fixes {issue['html_url']}, closes #1. Fixes {OWNER}/{name}#1, closes {issue['html_url']} ."
    told = AgentOutcome("proposed", words, words, None, (words,), (words,), (words,), (words,), 0.8, words)
    event = {"alertname": "PVCUsageHigh", "namespace": "f3iai", "resource_id": "typedb-data"}
    identity = "56" * 32
    report = Report(0, "completed", identity=identity, outcome=told)
    git = Git(GitProcess(tmp_path / "git", forge.credentials(tmp_path)))
    repository = Repository(f"{forge.url}/{OWNER}/{name}.git", "f3iai")
    commit = git.fetch(repository.url, "main")
    for size in ("40Gi", "50Gi"):
        made = Changes({"values.yaml": f"size: {size}\n".encode()}, frozenset())
        done = merge_request.propose(
            git, repository, commit, made, About(identity, *description(report, event))
        )
    assert (done.state, done.problem) == ("updated", "")
    pull = f"{here}/pulls/{done.url.rpartition('/')[2]}"
    wait_until(lambda: forge.ask("GET", pull)["mergeable"], "Gitea to see that it can be merged")
    forge.ask("POST", f"{pull}/merge", {"Do": "merge"})
    wait_until(lambda: forge.ask("GET", pull)["merged"], "the merge")
    # Gitea reads what was pushed in a queue: when it has read this, it has read ours.
    ours = {"content": "", "branch": "main", "message": f"closes {other['html_url']}"}
    forge.ask("POST", f"{here}/contents/read", ours)
    wait_until(lambda: forge.ask("GET", f"{here}/issues/2")["state"] == "closed", "the other issue to close")
    assert [each["type"] for each in forge.ask("GET", f"{here}/issues/1/timeline") or []] == []
    assert forge.ask("GET", f"{here}/issues/1")["state"] == "open"


def test_nothing_but_the_pull_request_is_touched(forge: Gitea, tmp_path: Path) -> None:
    before = forge.ask("GET", "branches")
    done = proposing(forge, tmp_path, "size: 42Gi\n", replace(ABOUT, identity="23" * 32))
    assert done.state == "opened"
    assert forge.ask("GET", "branches") == before and len(before) == 1
    assert forge.file(VALUES, "main") == "size: 20Gi\n"


def test_without_a_change_nothing_is_pushed(forge: Gitea, tmp_path: Path) -> None:
    about = replace(ABOUT, identity="34" * 32)
    assert proposing(forge, tmp_path, None, about) == Proposal("unchanged")
    assert pulls(forge, about.identity) == []


def test_after_people_closed_one_a_new_one_is_opened(forge: Gitea, tmp_path: Path) -> None:
    about = replace(ABOUT, identity="45" * 32)
    first = proposing(forge, tmp_path, "size: 43Gi\n", about)
    closed(forge, int(first.url.rpartition("/")[2]))
    second = proposing(forge, tmp_path, "size: 44Gi\n", about)
    assert second.state == "opened" and second.url != first.url
    assert [each["state"] for each in pulls(forge, about.identity)] == ["open", "closed"]


def test_the_same_commit_again_changes_nothing(forge: Gitea, tmp_path: Path) -> None:
    git = Git(GitProcess(tmp_path / "git", forge.credentials(tmp_path)))
    commit = git.fetch(forge.repository, "main")
    made = git.commit(git.tree(git.tree_of(commit), {VALUES: git.write(b"size: 45Gi\n")}), commit, "again\n")
    options = ("topic=sre/again", "force-push=true")
    flags = [git.push(forge.repository, made, "refs/for/main", options) for _ in range(2)]
    assert [each.flag for each in flags] == ["*", "!"]
    assert "new commit is same with old commit" in flags[1].reason


def test_the_user_may_neither_push_a_branch_nor_merge(forge: Gitea, tmp_path: Path) -> None:
    git = Git(GitProcess(tmp_path / "git", forge.credentials(tmp_path)))
    commit = git.fetch(forge.repository, "main")
    made = git.commit(git.tree_of(commit), commit, "x\n")
    for ref in ("refs/heads/main", "refs/heads/other", "refs/tags/v1"):
        assert git.push(forge.repository, made, ref, ()).flag == "!"


def test_a_wrong_token_is_refused(forge: Gitea, tmp_path: Path) -> None:
    wrong = Git(GitProcess(tmp_path / "git", forge.credentials(tmp_path, token="0" * 40)))
    with pytest.raises(Unavailable) as raised:
        wrong.fetch(forge.repository, "main")
    assert raised.value.code == "git_refused"


def test_a_repository_that_the_user_may_not_see_is_not_found(forge: Gitea, tmp_path: Path) -> None:
    forge.ask("POST", "/user/repos", {"name": "hidden", "private": True, "auto_init": True})
    git = Git(GitProcess(tmp_path / "git", forge.credentials(tmp_path)))
    with pytest.raises(Unavailable) as raised:
        git.fetch(forge.repository.replace("deployments", "hidden"), "main")
    assert raised.value.code == "git_not_found"
