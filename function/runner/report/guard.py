"""What a proposal may not hold, each rule with its code."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from function.runner.checkout import MAX_FILES, Base, contents
from function.runner.file_names import folded, folders_above, is_git
from function.runner.git import Git
from function.runner.redact import NAMED, SHAPES
from function.shared.errors import PermanentError

MAX_ENTRIES = 2 * MAX_FILES
MAX_DELETED = 50


class FoundFile(NamedTuple):
    path: str
    content: bytes
    """At most a byte more than a file may have that the agent was given."""
    executable: bool


KIB, MIB = 1024, 1024 * 1024
MAX_CHANGED = 50
MAX_CHANGED_FILE = 256 * KIB
MAX_CHANGED_TOTAL = MIB
"""More than that nobody reads, and what nobody reads nobody should merge."""
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


class ProposalRefused(PermanentError):
    """The whole proposal is refused, now and whenever it is made again: `code` is a key of FLAWS. `path` says
    where, escaped and cut; it is the agent's text and so in no message."""

    def __init__(self, code: str, path: str = "") -> None:
        super().__init__(code, f"the proposal is refused as a whole: {FLAWS[code]}")
        self.path = ascii(path)[1:-1][:200]


def judge_place(path: str, inside: str) -> None:
    """Whether this file may change at all. Raises Refused."""
    folder = inside.strip("/")
    if folder and not path.startswith(f"{folder}/"):
        raise ProposalRefused("proposal_outside", path)
    for name in map(folded, path.split("/")):
        if is_git(name):
            raise ProposalRefused("proposal_git", path)
        if MACHINES.fullmatch(name):
            raise ProposalRefused("proposal_machine", path)


def judge_new(path: str, base: Base, blocked: frozenset[str]) -> None:
    """Whether the name is free, on systems without upper and lower case as well. Raises Refused."""
    above = folders_above([path])
    if path in blocked or above & base.left_out:
        raise ProposalRefused("proposal_left_out", path)
    if any(name not in base.paths and folded(name) in base.folded for name in (path, *above)):
        raise ProposalRefused("proposal_collision", path)


def judged(found: FoundFile) -> bytes:
    """The content, if it is a text of a size that people read. Raises Refused."""
    if len(found.content) > MAX_CHANGED_FILE:
        raise ProposalRefused("proposal_file_size", found.path)
    try:
        found.content.decode("utf-8")
    except UnicodeDecodeError:
        raise ProposalRefused("proposal_binary", found.path) from None
    if b"\0" in found.content:
        raise ProposalRefused("proposal_binary", found.path)
    return found.content


def judge_scripts(git: Git, base: Base, written: Mapping[str, bytes], deleted: Iterable[str]) -> None:
    """Whether a file is one that can be executed, by its mode or its first line, now or before: checks of a
    pull request run such files before anybody has read them. Raises Refused."""
    before = [base.given[path] for path in (*written, *deleted) if path in base.given]
    scripts = (path for path, content in written.items() if content.startswith(b"#!"))
    executable = (file.path for file in before if file.mode == "100755")
    were = (file.path for file, content in contents(git, before) if content.startswith(b"#!"))
    for path in itertools.chain(scripts, executable, were):
        raise ProposalRefused("proposal_executable", path)


def judge_sizes(written: Mapping[str, bytes]) -> None:
    if len(written) > MAX_CHANGED:
        raise ProposalRefused("proposal_changed")
    if sum(map(len, written.values())) > MAX_CHANGED_TOTAL:
        raise ProposalRefused("proposal_size")


def judge_secrets(git: Git, base: Base, written: Mapping[str, bytes]) -> None:
    """Whether a file has what looks like a credential in a line that it did not have before: the agent reads
    logs, and more people read a repository than a log. Raises Refused."""
    found = {path: set(filter(_is_credential, _lines(content))) for path, content in written.items()}
    there = [base.given[path] for path, lines in found.items() if lines and path in base.given]
    for file, content in contents(git, there):
        found[file.path] -= _lines(content)
    for path, lines in found.items():
        if lines:
            raise ProposalRefused("proposal_secret", path)


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
