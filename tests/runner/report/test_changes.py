from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from function.runner.report.changes import Changes
from function.runner.report.guard import MAX_ENTRIES
from tests.harness.desk import Desk, desk, refused
from tests.harness.forge import Forge


def test_plain_edits_are_found(agent: Desk) -> None:
    agent.write("apps/values.yaml", "size: 40Gi\n")
    agent.write("apps/new/file.yaml", "größe: 1\n")
    (agent.work / "apps/deep/er/file.yaml").unlink()
    assert agent.changes() == Changes(
        {"apps/values.yaml": b"size: 40Gi\n", "apps/new/file.yaml": "größe: 1\n".encode()},
        frozenset({"apps/deep/er/file.yaml"}),
    )


def test_a_bit_that_was_lost_is_no_change(agent: Desk) -> None:
    (agent.work / "apps/run").chmod(0o600)
    assert agent.changes() == Changes({}, frozenset())


def test_more_deleted_files_than_people_read_are_refused(forge: Forge, tmp_path: Path) -> None:
    agent = desk(forge, tmp_path, {"apps": {f"{number}": b"x" for number in range(51)}})
    (agent.work / "apps/0").unlink()
    assert len(agent.changes().deleted) == 1
    for path in (agent.work / "apps").iterdir():
        path.unlink()
    assert refused(agent.changes) == ("proposal_deleted", "")


def test_more_entries_than_anybody_needs_are_refused(agent: Desk) -> None:
    for number in range(MAX_ENTRIES):
        (agent.work / f"{number}").mkdir()
    assert refused(agent.changes) == ("proposal_entries", "")


def test_a_folder_that_cannot_be_opened_is_refused(agent: Desk) -> None:
    links_to_itself = agent.work.parent / "other"
    links_to_itself.symlink_to(agent.work)
    told = replace(agent, work=links_to_itself)
    assert refused(told.changes) == ("proposal_unreadable", "")
