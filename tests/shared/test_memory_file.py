from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from function.shared.errors import Misconfigured
from function.shared.memory_file import MAX_ROWS, MIGRATIONS, as_text, migrate, prune

FILE = Path("world.db")


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    found = sqlite3.connect(":memory:", isolation_level=None)
    yield found
    found.close()


def tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_a_new_file_gets_every_table_and_the_newest_version(connection: sqlite3.Connection) -> None:
    migrate(connection, FILE)
    assert tables(connection) == MAX_ROWS.keys()
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)


def test_a_second_migration_changes_nothing(connection: sqlite3.Connection) -> None:
    migrate(connection, FILE)
    before = [*connection.iterdump()]
    migrate(connection, FILE)
    assert [*connection.iterdump()] == before


def test_a_file_of_another_program_is_refused(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE others (id)")
    with pytest.raises(Misconfigured, match="another program"):
        migrate(connection, FILE)


def test_a_file_of_a_newer_version_is_refused(connection: sqlite3.Connection) -> None:
    migrate(connection, FILE)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(Misconfigured, match="run the newer program or restore a backup"):
        migrate(connection, FILE)


def test_the_oldest_rows_are_deleted_first(connection: sqlite3.Connection) -> None:
    migrate(connection, FILE)
    rows = [(at, at) for at in range(MAX_ROWS["seen"] + 3)]
    insert = "INSERT INTO seen (cluster, resource_type, namespace, resource_id, at, until, what) "
    connection.execute("BEGIN")
    connection.executemany(insert + "VALUES ('', '', '', '', ?, ?, '{}')", rows)
    prune(connection, "seen")
    count, oldest = connection.execute("SELECT count(*), min(at) FROM seen").fetchone()
    assert (count, oldest) == (MAX_ROWS["seen"], 3)


def test_a_text_is_stored_compact_and_can_always_be_stored() -> None:
    assert as_text({"a": ["\u00fc", 1]}) == '{"a":["\u00fc",1]}'
    assert as_text("\ud800") == '"?"'
