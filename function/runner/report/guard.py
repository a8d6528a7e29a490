"""The rules for proposals. Each rule has its own code."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from function.runner.checkout import MAX_FILES, Base, contents
from function.runner.file_names import folded, folders_above, is_git
from function.runner.git import Git
from function.runner.report.automation import is_obeyed
from function.runner.report.leaks import has_new_credential
from function.runner.report.lines import is_hiding, loads_from_elsewhere, new_lines
from function.runner.tier import Proposals
from function.shared.errors import PermanentError
from function.shared.text import cut

MAX_ENTRIES = 2 * MAX_FILES
MAX_DELETED = 50
MAX_SHOWN_PATH = 200
SAFE = re.compile(r"[\w./+-]*", re.ASCII)
"""The part of a path that the message of a refusal contains."""


class FoundFile(NamedTuple):
    path: str
    content: bytes
    """The content of the file: at most one byte more than checkout.MAX_FILE."""
    executable: bool


KIB, MIB = 1024, 1024 * 1024
MAX_CHANGED = 50
MAX_CHANGED_FILE = 256 * KIB
MAX_CHANGED_TOTAL = MIB
"""The maximum size of all changes. Nobody reads larger changes, and nobody should merge unread changes."""
IN_REPORT = "in the tier's report.json"
VIOLATIONS = {
    "proposal_outside": f"the tier names another folder: to allow this one, change its path {IN_REPORT}",
    "proposal_ending": f"the tier does not allow its ending: add the ending to proposals.endings {IN_REPORT}",
    "proposal_git": "its name begins with .git: change such a file yourself",
    "proposal_machine": "machines may obey such a file before a review: change it yourself",
    "proposal_name": "a name is too long, too deep, not UTF-8, or has invisible characters",
    "proposal_hidden": "a new line has characters that a reviewer cannot see",
    "proposal_source": "a new line loads something from elsewhere, or a plugin: change it yourself",
    "proposal_delete": f"it was deleted or renamed: to allow this, set proposals.may_delete {IN_REPORT}",
    "proposal_link": "there is a symbolic link",
    "proposal_special": "an entry is neither a file nor a folder",
    "proposal_left_out": "a file replaces an entry that the agent did not receive",
    "proposal_collision": "a new name differs from an existing one only in case",
    "proposal_executable": "an executable file was created, changed or deleted",
    "proposal_file_size": f"a changed file is over {MAX_CHANGED_FILE // KIB} KiB",
    "proposal_size": f"the changed files are over {MAX_CHANGED_TOTAL // MIB} MiB together",
    "proposal_changed": f"more than {MAX_CHANGED} files were changed or added",
    "proposal_deleted": f"more than {MAX_DELETED} files were deleted",
    "proposal_entries": f"there are more than {MAX_ENTRIES:,} files and folders",
    "proposal_binary": "a changed file is not UTF-8 text",
    "proposal_secret": "a new part of the file looks like a credential",
    "proposal_unreadable": "an entry cannot be read, or changed while it was read",
    "proposal_branch": "somebody else created the branch with this name",
}


class ProposalRefused(PermanentError):
    """The whole proposal is refused, and a retry cannot help. `code` is a key of VIOLATIONS. `path` is the
    escaped and cut path of the file.

    The agent chose the path. So the message contains the path only up to the first character that could
    belong to a sentence, a link or markup."""

    def __init__(self, code: str, path: str = "") -> None:
        self.path = cut(ascii(path)[1:-1], MAX_SHOWN_PATH)
        shown = SAFE.match(self.path)[0]  # type: ignore[index]  # it matches every text
        name = f" because of {shown}{'...' * (shown != self.path)}" if path else ""
        super().__init__(code, f"the proposal is refused as a whole{name}: {VIOLATIONS[code]}")


def check_place(path: str, inside: str, allowed: Proposals) -> None:
    """Raises ProposalRefused if the file must not change. Only what the tier allows may change."""
    folder = inside.strip("/")
    if folder and not path.startswith(f"{folder}/"):
        raise ProposalRefused("proposal_outside", path)
    if any(map(is_git, path.split("/"))):
        raise ProposalRefused("proposal_git", path)
    if is_obeyed(path.removeprefix(f"{folder}/")):
        raise ProposalRefused("proposal_machine", path)
    if not path.lower().endswith(allowed.endings):
        raise ProposalRefused("proposal_ending", path)


def check_deleted(deleted: Sequence[str], inside: str, allowed: Proposals) -> None:
    """Raises ProposalRefused if one of the files must not be deleted."""
    if len(deleted) > MAX_DELETED:
        raise ProposalRefused("proposal_deleted")
    for path in deleted:
        check_place(path, inside, allowed)
        if not allowed.may_delete:
            raise ProposalRefused("proposal_delete", path)


def check_new(path: str, base: Base, blocked: frozenset[str]) -> None:
    """Raises ProposalRefused if the name exists already. Names that differ only in case count as equal."""
    above = folders_above([path])
    if path in blocked or above & base.left_out:
        raise ProposalRefused("proposal_left_out", path)
    if any(name not in base.paths and folded(name) in base.folded for name in (path, *above)):
        raise ProposalRefused("proposal_collision", path)


def readable_text(found: FoundFile) -> bytes:
    """Returns the content. Raises ProposalRefused if the content is not text or is too large for a review."""
    if len(found.content) > MAX_CHANGED_FILE:
        raise ProposalRefused("proposal_file_size", found.path)
    try:
        found.content.decode("utf-8")
    except UnicodeDecodeError:
        raise ProposalRefused("proposal_binary", found.path) from None
    if b"\0" in found.content:
        raise ProposalRefused("proposal_binary", found.path)
    return found.content


def check_scripts(git: Git, base: Base, written: Mapping[str, bytes], deleted: Iterable[str]) -> None:
    """Raises ProposalRefused if a file is or was executable, by its mode or its first line. Checks of a pull
    request may run such a file before a review."""
    before = [base.given[path] for path in (*written, *deleted) if path in base.given]
    scripts = (path for path, content in written.items() if content.startswith(b"#!"))
    executable = (file.path for file in before if file.mode == "100755")
    scripts_before = (file.path for file, content in contents(git, before) if content.startswith(b"#!"))
    for path in itertools.chain(scripts, executable, scripts_before):
        raise ProposalRefused("proposal_executable", path)


def check_sizes(written: Mapping[str, bytes]) -> None:
    if len(written) > MAX_CHANGED:
        raise ProposalRefused("proposal_changed")
    if sum(map(len, written.values())) > MAX_CHANGED_TOTAL:
        raise ProposalRefused("proposal_size")


def check_lines(git: Git, base: Base, written: Mapping[str, bytes]) -> None:
    """Raises ProposalRefused if a new line looks like a credential or hides something, or if a file loads
    something new from elsewhere. The agent reads logs, and more people can read a repository than a log."""
    before = dict.fromkeys(written, b"")
    for file, content in contents(git, [base.given[path] for path in written if path in base.given]):
        before[file.path] = content
    for path, content in written.items():
        if has_new_credential(content, before[path]):
            raise ProposalRefused("proposal_secret", path)
        lines = new_lines(content, before[path])
        if any(map(is_hiding, lines)):
            raise ProposalRefused("proposal_hidden", path)
        if any(loads_from_elsewhere(path, line) for line in lines):
            raise ProposalRefused("proposal_source", path)
