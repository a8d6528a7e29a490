"""Changes -> one merge request that people judge. It never merges and never touches the base branch."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

from function.runner.file_names import MAX_PATH, hides
from function.runner.git import OTHER, Git, Pushed
from function.runner.outcome import IDENTITY
from function.runner.report.changes import Changes
from function.runner.report.guard import ProposalRefused
from function.runner.tier import Repository
from function.shared.errors import Misconfigured, Unavailable
from function.shared.http import connect_outside, result_within

MAX_TITLE = 120
MAX_DESCRIPTION = 8000
WORDS = (
    "In the words of the agent, which nobody has checked. The newest commit's message is the one that holds:"
)
"""Before the description. A push that moves a pull request leaves what it said when it was opened."""
API_SECONDS = 15.0
"""For a pull request's new description, of which a forge takes less than one."""
TRAILER = "Sre-Dispatch-Identity"
State = Literal["opened", "updated", "unchanged"]


@dataclass(frozen=True)
class About:
    """Why: title and description are a model's words, cleaned of secrets; `identity` is the event's."""

    identity: str
    title: str
    description: str


@dataclass(frozen=True)
class Proposal:
    state: State
    url: str = ""
    """On the repository's own host, or empty."""
    branch: str = ""
    """The topic, on Gitea and Forgejo: there it is no branch."""
    commit: str = ""
    files: tuple[str, ...] = ()
    problem: str = ""
    """What people have to know before they read it, empty for nothing."""


def propose(git: Git, repository: Repository, commit: str, changes: Changes, about: About) -> Proposal:
    """One commit on top of `commit`, and one merge request for it: a second proposal of the same identity
    takes the place of the first while that is open. Without changes nothing is pushed.

    On Gitea and Forgejo the push is an AGit one, to refs/for/<branch>. The token's user needs no right to
    write code there: to read code and pull requests is enough, and a token of scope write:repository. On
    GitLab, whose push options were not tried, it needs the role of a developer. Raises Unavailable as Git
    does, and with `git_rejected` where the forge rejects the commit; Refused where the branch on GitLab is
    somebody else's; Misconfigured without an identity.
    """
    if not IDENTITY.fullmatch(about.identity):
        raise Misconfigured(
            "there is no identity to propose for: a try-out run has none, and proposes nothing"
        )
    if not changes.files:
        return Proposal("unchanged")
    changed: dict[str, str | None] = dict.fromkeys(changes.deleted)
    changed |= {path: git.write(content) for path, content in changes.written.items()}
    made = git.commit(git.tree(git.tree_of(commit), changed), commit, message(about))
    topic = f"sre/{about.identity[:16]}"
    send = _to_gitlab if repository.forge == "gitlab" else _by_agit
    sent = send(git, repository, made, topic, about.identity)
    return replace(sent, branch=topic, commit=made, files=changes.files)


def message(about: About) -> str:
    """The commit's message, of which each forge makes the title and the description of the merge request: no
    word of the model's stands in an argument or a push option.

    The description is indented, which makes it a block of code in Markdown (no links, images or mentions),
    keeps GitLab's quick actions (`/merge`) from the beginning of a line, and leaves the trailer to us.
    """
    title = " ".join(_plain(about.title)).strip()[:MAX_TITLE] or f"Proposal {about.identity[:16]}"
    lines = [part for line in _plain(about.description) for part in textwrap.wrap(line, 96) or [""]]
    told = "\n".join(f"    {line}".rstrip() for line in lines).strip("\n")
    words = f"{WORDS}\n\n{told}\n\n" if told else ""
    return f"{title}\n\n{words}{TRAILER}: {about.identity}\n"


def _by_agit(git: Git, repository: Repository, made: str, topic: str, _: str) -> Proposal:
    """https://docs.gitea.com/usage/agit: opens a pull request for the topic, or moves the open one."""
    options = (f"topic={topic}", "force-push=true")
    pushed = git.push(repository.url, made, f"refs/for/{repository.branch}", options)
    if pushed.flag == "!" and "new commit is same with old commit" in pushed.reason:
        return Proposal("unchanged")
    _accepted(pushed)
    number = re.fullmatch(r"refs/pull/(\d{1,10})/head", pushed.ref)
    url = f"{_home(repository)}/pulls/{number[1]}" if number else ""
    if pushed.flag == "*":
        return Proposal("opened", url)
    told = describe(git, repository, number[1], git.message(made)) if number else OUTDATED
    return Proposal("updated", url, problem=told)


OUTDATED = "title and description of the pull request are of the proposal before; its newest commit is right"


def describe(git: Git, repository: Repository, number: str, message: str) -> str:
    """Has the pull request say what the commit says, which of Gitea's pushes only one that opens it does
    (services/agit/agit.go): https://docs.gitea.com/api/#tag/repository/operation/repoEditPullRequest, which a
    poster may. Returns what is wrong, empty for nothing: the push is done by now."""
    title, _, body = message.partition("\n\n")
    server, owner, name = _home(repository).rsplit("/", 2)
    url = f"{server}/api/v1/repos/{owner}/{name}/pulls/{number}"
    threads = ThreadPoolExecutor(1, "forge")
    try:
        user = git.credential(repository.url)
        seconds = max(0.1, min(API_SECONDS, git.left()))
        told = threads.submit(_patch, url, {"title": title, "body": body}, user, seconds)
        status = result_within(seconds, told, Unavailable("forge_slow", "the forge's API took too long"))
    except Unavailable:
        return OUTDATED
    finally:
        threads.shutdown(wait=False)
    return "" if status == 201 else OUTDATED


def _patch(url: str, body: Mapping[str, str], user: tuple[str, str], seconds: float) -> int:
    """The status; what else is answered nobody reads. Raises Unavailable."""
    import httpx

    try:
        with (
            connect_outside(url, seconds, seconds) as client,
            client.stream("PATCH", url, json=body, auth=user) as reply,
        ):
            return reply.status_code
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise Unavailable("forge_unreachable", f"the forge's API: {type(error).__name__}") from None


def _home(repository: Repository) -> str:
    return repository.url.rstrip("/").removesuffix(".git")


def _to_gitlab(git: Git, repository: Repository, made: str, topic: str, identity: str) -> Proposal:
    """https://docs.gitlab.com/topics/git/commit/#push-options: experimental, not tried on a GitLab."""
    tip = git.tip(repository.url, topic)
    if tip is not None:
        tip = git.fetch(repository.url, topic, OTHER)
        if git.message(tip).rstrip().rpartition("\n")[2] != f"{TRAILER}: {identity}":
            raise ProposalRefused("proposal_branch")
        if git.tree_of(tip) == git.tree_of(made):
            return Proposal("unchanged")
    options = ("merge_request.create", f"merge_request.target={repository.branch}")
    pushed = git.push(repository.url, made, f"refs/heads/{topic}", options, lease=tip or "")
    _accepted(pushed)
    origin = "://".join(urlsplit(repository.url)[:2]) + "/"
    links = (word for word in pushed.said.split() if re.search(r"/merge_requests/\d{1,10}$", word))
    url = next((link for link in links if link.startswith(origin) and link.isascii()), "")
    return Proposal("updated" if tip else "opened", url[:MAX_PATH], problem=OUTDATED if tip else "")


def _accepted(pushed: Pushed) -> None:
    if pushed.flag in "!-":
        raise Unavailable(
            "git_rejected",
            "the forge rejects the push: may the token's user open merge requests there, and by a push?",
        )


REFERENCE = re.compile(r"(?<!\w)@(?=\w)|#(?=\w)|!(?=\d)|://(?=\S)")
"""By which a forge notifies people, or closes an issue with a commit; it takes its own URLs for numbers."""


def _plain(text: str) -> list[str]:
    """The lines of a text, bounded, without characters that do not show or that a forge acts on. Brackets are
    round: `[skip ci]` in a commit's message has the checks left out."""
    cut = text if len(text) <= MAX_DESCRIPTION else text[: MAX_DESCRIPTION - 6] + " [cut]"
    lines = ("".join(" " if hides(letter) else letter for letter in line) for line in cut.splitlines())
    return [REFERENCE.sub(r"\g<0> ", line).translate({ord("["): "(", ord("]"): ")"}) for line in lines]
