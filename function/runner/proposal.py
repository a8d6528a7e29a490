"""From what an agent did to a folder of files to one merge request that people judge.

`materialize` writes the folder, file by file, so that nothing in a foreign repository acts. `changes` reads
it, trusts neither what it holds nor that it stands still, and refuses it as a whole if anything in it is not
a plain edit. `propose` pushes what is left; it never merges and never touches the base branch.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import stat
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from function.errors import Misconfigured, Poison, Unavailable
from function.runner.git import OTHER, Entry, Git, Pushed
from function.runner.outcome import IDENTITY
from function.runner.secrets import NAMED, SHAPES
from function.runner.tier import Repository
from function.wire import connect_outside, within

KIB, MIB = 1024, 1024 * 1024
MAX_FILES = 20_000
MAX_FILE = MIB
MAX_TOTAL = 64 * MIB
BATCH = 8 * MIB
MAX_PATH = 1024
MAX_NAME = 255
"""Bytes; Linux takes no longer name."""
MAX_DEPTH = 32
"""Folders above a file; each is an open descriptor while the tree is walked."""

MAX_ENTRIES = 2 * MAX_FILES
MAX_CHANGED = 50
MAX_DELETED = 50
MAX_CHANGED_FILE = 256 * KIB
MAX_CHANGED_TOTAL = MIB
"""More than that nobody reads, and what nobody reads nobody should merge."""

MAX_TITLE = 120
MAX_DESCRIPTION = 8000
WORDS = (
    "In the words of the agent, which nobody has checked. The newest commit's message is the one that holds:"
)
"""Before the description. A push that moves a pull request leaves what it said when it was opened."""
API_SECONDS = 15.0
"""For a pull request's new description, of which a forge takes less than one."""
TRAILER = "Sre-Dispatch-Identity"

MACHINES = re.compile(
    r"\.?(?:forgejo|woodpecker|drone|circleci|travis|appveyor|buildkite|cirrus|semaphore|teamcity|tekton|prow"
    r"|agola|screwdriver|harness|codefresh|wercker|onedev-buildspec|buildspec|cloudbuild|azure-pipelines"
    r"|bitbucket-pipelines|jenkinsfile|jenkins|dagger|builds?)(?:[.-].*)?"
    r"|\.ci|.*\.jenkinsfile|codeowners|atlantis\.ya?ml|renovate\.json5?|\.renovaterc.*|\.pre-commit-.*|\.husky"
    r"|\.envrc|\.devcontainer.*|\.vscode|\.idea|\.mcp\.json|\.claude.*|claude(?:\.local)?\.md|agents\.md|\.cursor.*"
    r"|owners(?:_aliases)?|\.mergify.*|\.?lefthook(?:-local)?\..*|\.goreleaser.*|skaffold\.ya?ml|tiltfile"
    r"|(?:gnu)?makefile|.*\.(?:mk|sh|bash)|dockerfile.*|containerfile|vagrantfile|justfile|rakefile"
    r"|taskfile\..*|(?:gruntfile|gulpfile).*|(?:package|package-lock|npm-shrinkwrap)\.json"
    r"|(?:yarn|pnpm)[.-]lock.*|\.npmrc|\.yarnrc.*|tox\.ini|(?:noxfile|setup|conftest)\.py|pyproject\.toml"
)
"""Names by which a machine takes orders, in lower case: continuous integration, rules of review, what runs
when a checkout is opened, what builds and tests run on a pull request before anybody has read it, and what
the next agent is told. What begins with .git is out of bounds anyway."""
GIT_FOLDER = re.compile(r"(?:\.git|git~\d+)[ .]*(?:[:\\].*)?", re.DOTALL)
"""What some system takes for .git: NTFS by its short name, its streams, and the ends that it drops
(CVE-2014-9390, CVE-2019-1352). The look-alikes of HFS+ hold format characters, and no name may."""

VARIABLE = r"(?:\$\w*[({][\w./-]+[)}]|\$[A-Z_][A-Z0-9_]*|\{\{[^{}\"'`]*\}\})"
"""By which Kubernetes, shells, Grafana ($__file{/path}) and templates refer to a value; without a default."""
NO_SHAPE = re.compile(rf"[^:]*:{VARIABLE}|[a-z]+\.?", re.ASCII)
"""Of secrets.SHAPES: a URL whose password is a variable, and words as in `basic authentication`."""
NO_VALUE = re.compile(rf"(?:{VARIABLE}+|(?:/[a-z0-9_.-]+){{2,}}|<[\w.-]+>|\[redacted\])[)\]}}]*", re.ASCII)
"""Of secrets.NAMED: variables, a path, and what people fill in. Base64 as well may begin with a slash, but
has capitals."""
OBJECTS = ("existing", "password", "pull", "tls", "certificate", "credentials")
"""Before `Secret`: by a name of this kind a chart is told which object holds the credential."""
OBJECT_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}[)\]}]*")

FLAWS = {
    "proposal_outside": "a file outside the folder that the tier names was changed",
    "proposal_git": "a name that begins with .git was changed",
    "proposal_machine": "a file from which a machine takes orders was changed",
    "proposal_name": "a name is too long or too deep, no UTF-8, or holds characters that do not show",
    "proposal_link": "there is a symbolic link",
    "proposal_special": "there is something that is neither a file nor a folder",
    "proposal_left_out": "there is a file where the repository has something that the agent was not given",
    "proposal_collision": "a new name differs from one that is there in upper and lower case alone",
    "proposal_executable": "a file that can be executed was made, changed or deleted",
    "proposal_file_size": f"a changed file is over {MAX_CHANGED_FILE // KIB} KiB",
    "proposal_size": f"the changed files are over {MAX_CHANGED_TOTAL // MIB} MiB together",
    "proposal_changed": f"more than {MAX_CHANGED} files were changed or added",
    "proposal_deleted": f"more than {MAX_DELETED} files were deleted",
    "proposal_entries": f"there are more than {MAX_ENTRIES:,} files and folders",
    "proposal_binary": "a changed file is no UTF-8 text",
    "proposal_secret": "a new line of a file looks like a credential",
    "proposal_unreadable": "something cannot be read, or changed while it was",
    "proposal_branch": "the branch is not one that we made for this alert",
}


State = Literal["opened", "updated", "unchanged"]


class Refused(Poison):
    """The whole proposal is refused, now and whenever it is made again: `code` is a key of FLAWS. `path` says
    where, escaped and cut; it is the agent's text and so in no message."""

    def __init__(self, code: str, path: str = "") -> None:
        super().__init__(code, f"the proposal is refused as a whole: {FLAWS[code]}")
        self.path = ascii(path)[1:-1][:200]


@dataclass(frozen=True)
class Changes:
    """What the agent did, every rule passed: content by path, and paths of deleted files."""

    written: Mapping[str, bytes]
    deleted: frozenset[str]

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(sorted({*self.written, *self.deleted}))


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


def repository_of(event: Mapping[str, Any], repositories: Sequence[Repository]) -> Repository | None:
    """Where the event's resource is deployed from: of the entries that fit, the one with the most names, the
    first of equals. None where none fits."""

    def fits(each: Repository) -> bool:
        return (
            each.namespace == event.get("namespace", "")
            and each.resource_type in ("", event.get("resource_type", ""))
            and each.resource_id in ("", event.get("resource_id", ""))
        )

    def names(each: Repository) -> int:
        return sum(map(bool, (each.resource_type, each.resource_id)))

    return max(filter(fits, repositories), key=names, default=None)


class _Base(NamedTuple):
    """A commit's tree, sorted into what the agent is given and what it is not."""

    given: Mapping[str, Entry]
    left_out: frozenset[str]
    """All else, folders excepted. A proposal leaves it as it is."""
    paths: frozenset[str]
    folded: frozenset[str]


def materialize(git: Git, commit: str, work: Path) -> int:
    """Writes the plain files of the commit into the empty folder `work`; returns how many.

    Links, submodules, files over MAX_FILE bytes and names that could mislead are left out. Raises
    Misconfigured where the repository is over MAX_FILES files or MAX_TOTAL bytes, or the folder is not empty;
    Unavailable as Git does.
    """
    if next(work.iterdir(), None) is not None:
        raise Misconfigured(f"{work} is not empty: the repository needs a folder of its own")
    files = [*_base(git, commit).given.values()]
    if len(files) > MAX_FILES or sum(file.size for file in files) > MAX_TOTAL:
        limits = f"{MAX_FILES:,} files or {MAX_TOTAL // MIB} MiB"
        raise Misconfigured(f"the repository is over {limits}: name a smaller one in the tier")
    for file, content in _contents(git, files):
        path = work / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as out:
            out.write(content)
            os.fchmod(out.fileno(), 0o755 if file.mode == "100755" else 0o644)
    return len(files)


def changes(git: Git, commit: str, work: Path, path: str) -> Changes:
    """What is different in `work` from what `materialize` put there, if every bit of it may be proposed.

    `path` is the folder outside which nothing may change, empty for none. No link is followed, and each
    content is read once, so that it does not matter who writes there meanwhile. Raises Refused at the first
    flaw, Unavailable as Git does.
    """
    base = _base(git, commit)
    blocked = base.left_out | _folders(base.left_out)
    written: dict[str, bytes] = {}
    seen = set()
    try:
        for found in _walk(work):
            seen.add(found.path)
            was = base.given.get(found.path)
            if found.executable and (was is None or was.mode != "100755"):
                raise Refused("proposal_executable", found.path)
            if was is None or was.sha != _sha(found.content):
                _judge_place(found.path, path)
                if was is None:
                    _judge_new(found.path, base, blocked)
                written[found.path] = _judged(found)
                _judge_sizes(written)
    except OSError:
        raise Refused("proposal_unreadable") from None
    deleted = base.given.keys() - seen
    if len(deleted) > MAX_DELETED:
        raise Refused("proposal_deleted")
    for each in sorted(deleted):
        _judge_place(each, path)
    _judge_scripts(git, base, written, deleted)
    new = {name for each in written.keys() - base.given.keys() for name in (each, *_folders([each]))}
    if len({_folded(name) for name in new}) < len(new):
        raise Refused("proposal_collision")
    _judge_secrets(git, base, written)
    return Changes(written, frozenset(deleted))


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
        status = within(seconds, told, Unavailable("forge_slow", "the forge's API took too long"))
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
            raise Refused("proposal_branch")
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


def _base(git: Git, commit: str) -> _Base:
    entries = git.entries(commit, below=True)
    count = Counter(entry.path for entry in entries)
    plain = {entry.path for entry in entries if entry.kind == "tree" and count[entry.path] == 1}
    given = {
        entry.path: entry
        for entry in entries
        if entry.mode in ("100644", "100755")
        and entry.size <= MAX_FILE
        and count[entry.path] == 1
        and _folders([entry.path]) <= plain
        and not _misleads(entry.path)
    }
    left_out = frozenset(count.keys() - given.keys() - plain)
    return _Base(given, left_out, frozenset(count), frozenset(map(_folded, count)))


def _contents(git: Git, files: Iterable[Entry]) -> Iterator[tuple[Entry, bytes]]:
    for batch in _batches(files):
        yield from zip(batch, git.blobs([file.sha for file in batch]), strict=True)


def _batches(files: Iterable[Entry]) -> Iterator[list[Entry]]:
    """The files in groups that are each small enough to be held."""
    batch: list[Entry] = []
    size = 0
    for file in files:
        if batch and size + file.size > BATCH:
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch


class _Found(NamedTuple):
    path: str
    content: bytes
    """At most a byte more than a file may have that the agent was given."""
    executable: bool


FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""A name that is swapped for a link or a pipe meanwhile is not opened, or does not block."""


def _walk(work: Path) -> Iterator[_Found]:
    """Every file below. Each folder is opened from the one above, so that no name is looked up twice."""
    count = itertools.count(1)

    def walk(folder: int, above: str) -> Iterator[_Found]:
        with os.scandir(folder) as entries:
            for entry in entries:
                path = above + entry.name
                if next(count) > MAX_ENTRIES:
                    raise Refused("proposal_entries")
                if _misleads(path):
                    raise Refused("proposal_git" if _is_git(entry.name) else "proposal_name", path)
                if entry.is_dir(follow_symlinks=False):
                    with _opened(entry.name, FOLDER, folder) as inner:
                        yield from walk(inner, f"{path}/")
                else:
                    yield _read(folder, entry, path)

    with _opened(work, FOLDER) as top:
        yield from walk(top, "")


@contextmanager
def _opened(name: str | Path, flags: int, folder: int | None = None) -> Iterator[int]:
    opened = os.open(name, flags, dir_fd=folder)
    try:
        yield opened
    finally:
        os.close(opened)


def _read(folder: int, entry: os.DirEntry[str], path: str) -> _Found:
    if not stat.S_ISREG(mode := entry.stat(follow_symlinks=False).st_mode):
        raise Refused("proposal_link" if stat.S_ISLNK(mode) else "proposal_special", path)
    with os.fdopen(os.open(entry.name, FILE, dir_fd=folder), "rb") as file:
        if not stat.S_ISREG(mode := os.fstat(file.fileno()).st_mode):
            raise Refused("proposal_special", path)
        return _Found(path, file.read(MAX_FILE + 1), bool(mode & 0o111))


def _judge_place(path: str, inside: str) -> None:
    """Whether this file may change at all. Raises Refused."""
    folder = inside.strip("/")
    if folder and not path.startswith(f"{folder}/"):
        raise Refused("proposal_outside", path)
    for name in map(_folded, path.split("/")):
        if _is_git(name):
            raise Refused("proposal_git", path)
        if MACHINES.fullmatch(name):
            raise Refused("proposal_machine", path)


def _judge_new(path: str, base: _Base, blocked: frozenset[str]) -> None:
    """Whether the name is free, on systems without upper and lower case as well. Raises Refused."""
    above = _folders([path])
    if path in blocked or above & base.left_out:
        raise Refused("proposal_left_out", path)
    if any(name not in base.paths and _folded(name) in base.folded for name in (path, *above)):
        raise Refused("proposal_collision", path)


def _judged(found: _Found) -> bytes:
    """The content, if it is a text of a size that people read. Raises Refused."""
    if len(found.content) > MAX_CHANGED_FILE:
        raise Refused("proposal_file_size", found.path)
    try:
        found.content.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("proposal_binary", found.path) from None
    if b"\0" in found.content:
        raise Refused("proposal_binary", found.path)
    return found.content


def _judge_scripts(git: Git, base: _Base, written: Mapping[str, bytes], deleted: Iterable[str]) -> None:
    """Whether a file is one that can be executed, by its mode or its first line, now or before: checks of a
    pull request run such files before anybody has read them. Raises Refused."""
    before = [base.given[path] for path in (*written, *deleted) if path in base.given]
    scripts = (path for path, content in written.items() if content.startswith(b"#!"))
    executable = (file.path for file in before if file.mode == "100755")
    were = (file.path for file, content in _contents(git, before) if content.startswith(b"#!"))
    for path in itertools.chain(scripts, executable, were):
        raise Refused("proposal_executable", path)


def _judge_sizes(written: Mapping[str, bytes]) -> None:
    if len(written) > MAX_CHANGED:
        raise Refused("proposal_changed")
    if sum(map(len, written.values())) > MAX_CHANGED_TOTAL:
        raise Refused("proposal_size")


def _judge_secrets(git: Git, base: _Base, written: Mapping[str, bytes]) -> None:
    """Whether a file has what looks like a credential in a line that it did not have before: the agent reads
    logs, and more people read a repository than a log. Raises Refused."""
    found = {path: set(filter(_is_credential, _lines(content))) for path, content in written.items()}
    there = [base.given[path] for path, lines in found.items() if lines and path in base.given]
    for file, content in _contents(git, there):
        found[file.path] -= _lines(content)
    for path, lines in found.items():
        if lines:
            raise Refused("proposal_secret", path)


def _lines(content: bytes) -> set[str]:
    """Wherever they are indented to. Only \\n ends one: what else a reader takes for an end hides nothing."""
    return {line.strip() for line in content.decode("utf-8", "surrogateescape").split("\n")}


def _is_credential(line: str) -> bool:
    """By the patterns of function.runner.secrets, except for what only refers to a credential."""
    shapes = (NO_SHAPE.fullmatch(found[0]) is None for found in SHAPES.finditer(line))
    return any(shapes) or any(not _refers(line, found) for found in NAMED.finditer(line))


def _refers(line: str, found: re.Match[str]) -> bool:
    value = found[0].removeprefix(found[1])
    if NO_VALUE.fullmatch(value):
        return True
    before = line[max(0, found.start() - 12) : found.start()].lower().rstrip("_-")
    is_object = before.endswith(OBJECTS) and found[1].lower().startswith("secret")
    return is_object and OBJECT_NAME.fullmatch(value) is not None


def _folders(paths: Iterable[str]) -> frozenset[str]:
    """All folders above the paths."""
    parts = (path.split("/") for path in paths)
    return frozenset("/".join(each[:end]) for each in parts for end in range(1, len(each)))


def _folded(name: str) -> str:
    """The name as a system sees it that knows neither upper and lower case nor forms of a letter."""
    return unicodedata.normalize("NFKC", name).casefold()


def _is_git(name: str) -> bool:
    return _folded(name).startswith(".git") or bool(GIT_FOLDER.fullmatch(_folded(name)))


def _misleads(path: str) -> bool:
    """Whether a path could name something else than it seems to, somewhere."""
    names = path.split("/")
    if len(names) > MAX_DEPTH or len(os.fsencode(path)) > MAX_PATH:
        return True
    return any(
        name in ("", ".", "..")
        or len(os.fsencode(name)) > MAX_NAME
        or GIT_FOLDER.fullmatch(_folded(name)) is not None
        or _hides(name)
        for name in names
    )


def _hides(text: str) -> bool:
    """Whether characters are in it that do not show: control, format, surrogates (of bytes that are no
    UTF-8), unassigned ones, and ends of lines."""
    return any(unicodedata.category(letter).startswith(("C", "Zl", "Zp")) for letter in text)


REFERENCE = re.compile(r"(?<!\w)@(?=\w)|#(?=\w)|!(?=\d)|://(?=\S)")
"""By which a forge notifies people, or closes an issue with a commit; it takes its own URLs for numbers."""


def _plain(text: str) -> list[str]:
    """The lines of a text, bounded, without characters that do not show or that a forge acts on. Brackets are
    round: `[skip ci]` in a commit's message has the checks left out."""
    cut = text if len(text) <= MAX_DESCRIPTION else text[: MAX_DESCRIPTION - 6] + " [cut]"
    lines = ("".join(" " if _hides(letter) else letter for letter in line) for line in cut.splitlines())
    return [REFERENCE.sub(r"\g<0> ", line).translate({ord("["): "(", ord("]"): ")"}) for line in lines]


def _sha(content: bytes) -> str:
    """The name that git gives to a blob of this content, where it names by SHA-1."""
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()
