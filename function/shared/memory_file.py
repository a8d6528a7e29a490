"""The SQLite file of the memory: tables, migrations, pruning."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from function.shared.errors import Misconfigured
from function.shared.resource import Resource

APPLICATION = 0x53524544  # "SRED": this number marks our SQLite files
MIGRATIONS: Sequence[Sequence[str]] = (
    (
        """CREATE TABLE runs (
            session TEXT PRIMARY KEY, at REAL NOT NULL, cluster TEXT NOT NULL, resource_type TEXT NOT NULL,
            namespace TEXT NOT NULL, resource_id TEXT NOT NULL, alertname TEXT NOT NULL,
            failed INTEGER NOT NULL, run TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX runs_of_resource ON runs (resource_id, namespace, resource_type, cluster, at)",
        "CREATE INDEX runs_of_alert ON runs (alertname, resource_type, at)",
        "CREATE INDEX runs_by_age ON runs (at)",
        """CREATE TABLE told (
            cluster TEXT NOT NULL, resource_type TEXT NOT NULL, namespace TEXT NOT NULL,
            resource_id TEXT NOT NULL, at REAL NOT NULL, context TEXT NOT NULL,
            PRIMARY KEY (cluster, resource_type, namespace, resource_id)
        ) STRICT""",
        "CREATE INDEX told_by_age ON told (at)",
        """CREATE TABLE seen (
            id INTEGER PRIMARY KEY, cluster TEXT NOT NULL, resource_type TEXT NOT NULL,
            namespace TEXT NOT NULL, resource_id TEXT NOT NULL, at REAL NOT NULL, until REAL NOT NULL,
            what TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX seen_of_resource ON seen (resource_id, namespace, resource_type, cluster, at)",
        "CREATE INDEX seen_by_age ON seen (at)",
    ),
    (  # Renames keys of a fact. A quote inside a text has a backslash, so the patterns match only keys.
        "ALTER TABLE told RENAME TO contexts",
        """UPDATE contexts SET context = replace(replace(replace(context,
            '"told":', '"data":'), '"of":', '"subject":'), '"why":', '"reason":')""",
    ),
)
"""Entry N migrates the file from version N to version N + 1. Never change an entry. Add a new entry."""
MAX_ROWS: Mapping[str, int] = {"runs": 10_000, "contexts": 5_000, "seen": 20_000}
"""The maximum number of rows in each table. The oldest rows are deleted first. A run has at most 20 KB, a
context 60 KB and a sighting 1 KB, so the file stays under MAX_FILE."""
MAX_FILE = 768 * 1024 * 1024
PAGE = 4096
OF_RESOURCE = "cluster = ? AND resource_type = ? AND namespace = ? AND resource_id = ?"


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Migrates the file to the newest version in one transaction. Raises Misconfigured if the file belongs to
    another program or to a newer version of this one."""
    if _version(connection, path) == len(MIGRATIONS):
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    for step in MIGRATIONS[_version(connection, path) :]:  # another process may have migrated the file
        for statement in step:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION and (application or version or tables):
        raise Misconfigured(f"{path} is the SQLite file of another program: name another file")
    if version > len(MIGRATIONS):
        what = f"{path} has schema version {version}, and this program supports only {len(MIGRATIONS)}"
        raise Misconfigured(f"{what}: run the newer program or restore a backup")
    return int(version)


def prune(connection: sqlite3.Connection, table: str) -> None:
    key = {"runs": "session", "contexts": "rowid", "seen": "id"}[table]
    connection.execute(
        f"DELETE FROM {table} WHERE {key} IN "  # noqa: S608
        f"(SELECT {key} FROM {table} ORDER BY at DESC LIMIT -1 OFFSET {MAX_ROWS[table]})"
    )


class Sighting(NamedTuple):
    """The watched values of a resource, with the first and the last time of a reading that found these
    values."""

    id: int
    at: float
    until: float
    what: Mapping[str, str]


def sightings(connection: sqlite3.Connection, resource: Resource, limit: int) -> list[Sighting]:
    rows = connection.execute(
        f"SELECT id, at, until, what FROM seen WHERE {OF_RESOURCE} ORDER BY at DESC, id DESC LIMIT ?",  # noqa: S608
        (*resource, limit),
    )
    return [Sighting(number, at, until, json.loads(what)) for number, at, until, what in rows]


def as_text(value: object) -> str:
    """Returns compact JSON that can be stored as UTF-8."""
    whole = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return whole.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate has no UTF-8 form
