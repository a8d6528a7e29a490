"""Opens or updates one merge request with the changes. It never merges, and it never changes the base
branch."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
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
from function.shared.http import closed_after, connect_outside
from function.shared.text import cut

MAX_TITLE = 120
MAX_DESCRIPTION = 8000
UNCHECKED = (
    "The agent wrote this text. Nobody has checked it. Only the message of the newest commit is valid:"
)
"""The text before the description. If a push updates a pull request, the forge keeps the description of the
first push."""
API_SECONDS = 15.0
"""The time limit for updating the description of a pull request."""
TRAILER = "Sre-Dispatch-Identity"
State = Literal["opened", "updated", "unchanged"]


@dataclass(frozen=True)
class About:
    """The content of a merge request. `identity` is the event's identity. Title and description are redacted
    text of the model."""

    identity: str
    title: str
    description: str


@dataclass(frozen=True)
class Proposal:
    state: State
    url: str = ""
    """The URL of the merge request on the host of the repository. It is empty if the forge reported none."""
    branch: str = ""
    """The name of the branch. On Gitea and Forgejo it is the topic, which is not a branch."""
    commit: str = ""
    files: tuple[str, ...] = ()
    problem: str = ""
    """A problem that reviewers have to know about. It is empty if there is none."""


def propose(git: Git, repository: Repository, commit: str, changes: Changes, about: About) -> Proposal:
    """Pushes one commit on top of `commit` and opens one merge request for it. A second proposal of the same
    identity replaces the first one while the first is open. Without changes it pushes nothing.

    On Gitea and Forgejo it pushes to refs/for/<branch> (AGit). The token's user needs read access to code and
    pull requests, but no write access to code. The token needs the scope write:repository. On GitLab
    (experimental) the user needs the role Developer. Raises Unavailable like Git, and with `git_rejected` if
    the forge rejects the commit. Raises ProposalRefused if the branch on GitLab belongs to somebody else.
    Raises Misconfigured if there is no identity.
    """
    if not IDENTITY.fullmatch(about.identity):
        raise Misconfigured("a run without an identity, such as a try-out, cannot propose anything")
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
    """Returns the message of the commit. Forges copy title and description of the merge request from the
    message. So no argument and no push option contains text of the model.

    The description is indented. In Markdown the indented text is a block of code, without links, images or
    mentions. GitLab finds no quick action (`/merge`), because a quick action has to be at the start of a
    line. For the same reason no line can be a trailer.
    """
    title = " ".join(_plain(about.title)).strip()[:MAX_TITLE] or f"Proposal {about.identity[:16]}"
    lines = [part for line in _plain(about.description) for part in textwrap.wrap(line, 96) or [""]]
    body = "\n".join(f"    {line}".rstrip() for line in lines).strip("\n")
    description = f"{UNCHECKED}\n\n{body}\n\n" if body else ""
    return f"{title}\n\n{description}{TRAILER}: {about.identity}\n"


def _by_agit(git: Git, repository: Repository, made: str, topic: str, _: str) -> Proposal:
    """https://docs.gitea.com/usage/agit: opens a pull request for the topic, or updates the open pull
    request."""
    options = (f"topic={topic}", "force-push=true")
    pushed = git.push(repository.url, made, f"refs/for/{repository.branch}", options)
    if pushed.flag == "!" and "new commit is same with old commit" in pushed.reason:
        return Proposal("unchanged")
    _check_accepted(pushed)
    number = re.fullmatch(r"refs/pull/(\d{1,10})/head", pushed.ref)
    url = f"{_home(repository)}/pulls/{number[1]}" if number else ""
    if pushed.flag == "*":
        return Proposal("opened", url)
    problem = describe(git, repository, number[1], git.message(made)) if number else OUTDATED
    return Proposal("updated", url, problem=problem)


OUTDATED = "the pull request still has the title and description of an earlier proposal; its commit is new"


def describe(git: Git, repository: Repository, number: str, message: str) -> str:
    """Sets title and description of the pull request to the commit's message. Gitea sets them only when a
    push opens the pull request (services/agit/agit.go). The author of a pull request may change them by
    https://docs.gitea.com/api/#tag/repository/operation/repoEditPullRequest. The push has succeeded before,
    so a failure does not raise an error. Returns a sentence about the failure, or an empty string after
    success."""
    title, _, body = message.partition("\n\n")
    server, owner, name = _home(repository).rsplit("/", 2)
    url = f"{server}/api/v1/repos/{owner}/{name}/pulls/{number}"
    try:
        user = git.credential(repository.url)
        seconds = max(0.1, min(API_SECONDS, git.process.left()))
        status = _patch(url, {"title": title, "body": body}, user, seconds)
    except Unavailable:
        return OUTDATED
    return "" if status == 201 else OUTDATED


def _patch(url: str, body: Mapping[str, str], user: tuple[str, str], seconds: float) -> int:
    """Sends a PATCH request and returns the status of the response. Raises Unavailable."""
    import httpx

    client = connect_outside(url, seconds, seconds)

    def send() -> int:
        # OSError and RuntimeError come from a connection that was closed after the time limit.
        try:
            with client.stream("PATCH", url, json=body, auth=user) as reply:
                return reply.status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError, RuntimeError) as error:
            what = f"the forge's API cannot be reached: {type(error).__name__}"
            raise Unavailable("forge_unreachable", what) from None

    late = Unavailable("forge_slow", "the forge's API took too long")
    return closed_after(seconds, client, send, late)


def _home(repository: Repository) -> str:
    return repository.url.rstrip("/").removesuffix(".git")


def _to_gitlab(git: Git, repository: Repository, made: str, topic: str, identity: str) -> Proposal:
    """https://docs.gitlab.com/topics/git/commit/#push-options. This code is experimental: it was never tested
    with GitLab."""
    tip = git.tip(repository.url, topic)
    if tip is not None:
        tip = git.fetch(repository.url, topic, OTHER)
        if git.message(tip).rstrip().rpartition("\n")[2] != f"{TRAILER}: {identity}":
            raise ProposalRefused("proposal_branch")
        if git.tree_of(tip) == git.tree_of(made):
            return Proposal("unchanged")
    options = ("merge_request.create", f"merge_request.target={repository.branch}")
    pushed = git.push(repository.url, made, f"refs/heads/{topic}", options, lease=tip or "")
    _check_accepted(pushed)
    origin = "://".join(urlsplit(repository.url)[:2]) + "/"
    links = (word for word in pushed.remote.split() if re.search(r"/merge_requests/\d{1,10}$", word))
    url = next((link for link in links if link.startswith(origin) and link.isascii()), "")
    return Proposal("updated" if tip else "opened", url[:MAX_PATH], problem=OUTDATED if tip else "")


def _check_accepted(pushed: Pushed) -> None:
    if pushed.flag in "!-":
        raise Unavailable(
            "git_rejected",
            "the forge rejects the push: check that the token's user may open merge requests by a push",
        )


REFERENCE = re.compile(r"(?<!\w)@(?=\w)|#(?=\w)|!(?=\d)|://(?=\S)")
"""References that notify people or close an issue. A forge treats a URL of its own pages as a reference
too."""


def _plain(text: str) -> list[str]:
    """Returns the lines of a text within the limits, without invisible characters and references. Square
    brackets become round, because `[skip ci]` in a message would skip the checks."""
    lines = (
        "".join(" " if hides(letter) else letter for letter in line)
        for line in cut(text, MAX_DESCRIPTION).splitlines()
    )
    return [REFERENCE.sub(r"\g<0> ", line).translate({ord("["): "(", ord("]"): ")"}) for line in lines]
