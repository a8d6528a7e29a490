"""The world model's memory: one SQLite file with the outcomes of runs, what was last told of each resource,
and how it changed. The server keeps it on its volume; a laptop reads the same file without a server.

A write is acknowledged once it is on the disk. Any number of processes may hold the file open.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from function import facts
from function.errors import Misconfigured, Unavailable
from function.facts import Change, Context, Fact, Memory, Remembered, Run
from function.model import SREEvent, to_json

APPLICATION = 0x53524544  # "SRED": tells our file from any other SQLite file
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
)
"""Each takes the file from the version that is its place here to the next. Never change one; add one."""

MAX_ROWS: Mapping[str, int] = {"runs": 10_000, "told": 5_000, "seen": 20_000}
"""The oldest go first. A run takes 20 KB at the most, an answer 60 and a change 1: all of it stays under
MAX_FILE."""
MAX_FILE = 768 * 1024 * 1024
PAGE = 4096
WAIT_SECONDS = 1.0
"""For another process that writes."""

REMEDIES = ("resolved", "mitigated")
SAME_RESOURCE = 5
SAME_FAILURE = 3
CHANGES = 5
FAILURES_WITHIN_SECONDS = 7 * 86_400
SOURCE = "memory"


class Resource(NamedTuple):
    """What runs, facts and changes are kept of."""

    cluster: str
    resource_type: str
    namespace: str
    resource_id: str


OF_RESOURCE = "cluster = ? AND resource_type = ? AND namespace = ? AND resource_id = ?"


class Store:
    """The file, made where there is none. Raises Misconfigured for a file that is not ours or too new."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock = path, clock
        try:
            with self._connected() as connection:
                _migrate(connection, path)
            # SQLite makes two files beside ours when it is opened first, and removes them when it is closed
            # last. Held open, it can still be read when its volume is full.
            weakref.finalize(self, self._open().close)
        except sqlite3.DatabaseError as error:
            raise Misconfigured(f"{path} is no usable file of the world model: {self._why(error)}") from None

    def record(self, run: Run) -> bool:
        """Keeps the run; False where its session is recorded already, which changes nothing. True and False
        both mean that it is on the disk. Raises Unavailable, and then it is not."""
        at = min(
            datetime.fromisoformat(run.at).timestamp(), self._clock()
        )  # a clock ahead of ours rules nothing
        about = (run.cluster, run.resource_type, run.namespace, run.resource_id, run.alertname)
        with self._writing() as connection:
            _prune(connection, "runs")
            done = connection.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session) DO NOTHING",
                (run.session, at, *about, has_failed(run), _text(asdict(run))),
            )
        return done.rowcount == 1

    def runs(self, where: Mapping[str, str], limit: int) -> list[Run]:
        """The newest runs whose columns have these values: cluster, resource_type, namespace, resource_id,
        alertname. Raises Unavailable."""
        columns = [column for column in (*Resource._fields, "alertname") if column in where]
        condition = " AND ".join([*(f"{column} = ?" for column in columns), "TRUE"])
        with self._reading() as connection:
            rows = connection.execute(
                f"SELECT run FROM runs WHERE {condition} ORDER BY at DESC, session LIMIT ?",  # noqa: S608
                (*(where[column] for column in columns), limit),
            )
            return [Run(**json.loads(run)) for (run,) in rows]

    def memory(self, resource: Resource, alertname: str) -> Fact:
        """Earlier runs on the resource, and on others of its type with the same alert. Raises Unavailable."""
        now = self._clock()
        own = self.runs(resource._asdict(), SAME_RESOURCE) if resource.resource_id else []
        told = [_remembered(run, "this resource", now) for run in own]
        told += [_remembered(run, _named(run), now) for run in self._like(resource, alertname)]
        return facts.fact(Memory(self._failures(resource, now), tuple(told)), SOURCE)

    def remember(self, resource: Resource, context: Context, watched: Mapping[str, str]) -> None:
        """Keeps what was told of the resource, and how long what is watched has been as it is. Raises
        Unavailable."""
        now = self._clock()
        with self._writing() as connection:
            for table in ("told", "seen"):
                _prune(connection, table)
            connection.execute(
                "INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?, ?)",
                (*resource, now, _text(asdict(context))),
            )
            seen = _seen(connection, resource, 1)
            if seen and seen[0].what == watched:
                connection.execute("UPDATE seen SET until = ? WHERE id = ?", (now, seen[0].id))
            elif watched:
                connection.execute(
                    "INSERT INTO seen (cluster, resource_type, namespace, resource_id, at, until, what) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (*resource, now, now, _text(watched)),
                )

    def changes(self, resource: Resource, watched: Mapping[str, str]) -> list[Change]:
        """How what is watched differed from one look to the next, the newest first, and between which looks.
        Raises Unavailable."""
        now = self._clock()
        with self._reading() as connection:
            seen = _seen(connection, resource, CHANGES + 1)
        if watched and (not seen or seen[0].what != watched):
            seen = [Seen(0, now, now, watched), *seen]
        return [
            Change(
                facts.cut(f"{name}: {before.what.get(name, 'none')} -> {value}"), _when(before, after, now)
            )
            for after, before in pairwise(seen)
            for name, value in after.what.items()
            if before.what.get(name) != value
        ][:CHANGES]

    def recall(self, resource: Resource) -> list[Fact]:
        """What was last told of the resource, older by the time since; nothing where nothing was. Raises
        Unavailable."""
        context, at = self._last(resource)
        passed = max(0, int(self._clock() - at))
        return [
            replace(fact, age_seconds=fact.age_seconds + passed)
            for fact in context.facts
            if fact.kind != facts.NAMES[Memory]
        ]

    def context(self, event: SREEvent) -> object:
        """WorldModel without a server: what was last told of the event's resource, with today's memory."""
        resource = Resource(event.cluster, event.resource_type, event.namespace, event.resource_id)
        context, at = self._last(resource)
        told = (*self.recall(resource), self.memory(resource, event.alertname))
        gaps = context.gaps if at else ("not_found",)
        return json.loads(to_json(asdict(Context(told, gaps))))

    def _last(self, resource: Resource) -> tuple[Context, float]:
        """What was last told and when; at 0 where nothing was."""
        with self._reading() as connection:
            asked = f"SELECT context, at FROM told WHERE {OF_RESOURCE}"  # noqa: S608
            row = connection.execute(asked, resource).fetchone()
        if row is None:
            return Context(), 0.0
        told = json.loads(row[0])
        return Context(tuple(Fact(**fact) for fact in told["facts"]), tuple(told["gaps"])), row[1]

    def backup(self, target: Path) -> None:
        """Writes a whole copy to `target` while others go on; one that is there already is replaced once the
        new one is whole. Raises Unavailable."""
        part = target.with_name(target.name + ".part")
        try:
            part.unlink(missing_ok=True)
            with self._reading() as connection:
                connection.execute("VACUUM INTO ?", (str(part),))
            part.replace(target)
        except OSError as error:
            raise Unavailable("memory_unwritable", f"{target} cannot be written: {error.strerror}") from None

    def _like(self, resource: Resource, alertname: str) -> list[Run]:
        """Runs on other resources of the type, after the same alert."""
        if not alertname:
            return []
        if not resource.resource_id:
            return self.runs({"alertname": alertname, "resource_type": resource.resource_type}, SAME_FAILURE)
        with self._reading() as connection:
            rows = connection.execute(
                f"SELECT run FROM runs WHERE alertname = ? AND resource_type = ? AND NOT ({OF_RESOURCE}) "  # noqa: S608
                "ORDER BY at DESC, session LIMIT ?",
                (alertname, resource.resource_type, *resource, SAME_FAILURE),
            )
            return [Run(**json.loads(run)) for (run,) in rows]

    def _failures(self, resource: Resource, now: float) -> int:
        asked = f"SELECT count(*) FROM runs WHERE {OF_RESOURCE} AND failed AND at > ?"  # noqa: S608
        with self._reading() as connection:
            (count,) = connection.execute(asked, (*resource, now - FAILURES_WITHIN_SECONDS)).fetchone()
        return int(count)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous = FULL")  # in WAL mode NORMAL may lose what was acknowledged
        connection.execute(f"PRAGMA max_page_count = {MAX_FILE // PAGE}")
        return connection

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """A connection for one use: opening costs a fraction of a millisecond, and threads need not share."""
        connection = self._open()
        try:
            yield connection
        finally:
            connection.close()

    def _why(self, error: sqlite3.Error) -> str:
        """SQLite's own words, which quote no value, or that the volume is full: an I/O error to it."""
        code = getattr(error, "sqlite_errorname", "")  # not on errors of the module's own
        if code.startswith(("SQLITE_FULL", "SQLITE_IOERR")) and self._is_full():
            return "its volume is full; make room there, by a larger volume or fewer backups"
        return str(error)

    def _is_full(self) -> bool:
        room = os.statvfs(self._path.parent)
        return room.f_bavail * room.f_frsize < 16 * PAGE

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._connected() as connection:
                yield connection
        except sqlite3.Error as error:
            raise Unavailable(
                "memory_unreadable", f"{self._path} cannot be read: {self._why(error)}"
            ) from None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on the disk when the block has ended; nothing of it where that fails."""
        try:
            with self._connected() as connection:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise Unavailable(
                "memory_unwritable", f"{self._path} cannot be written: {self._why(error)}"
            ) from None


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Takes the file to the newest version, in one transaction. Raises Misconfigured for a file that is
    another program's, or made by a newer one of ours."""
    if _version(connection, path) == len(MIGRATIONS):
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    for step in MIGRATIONS[_version(connection, path) :]:  # asked again: another may have been faster
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
        raise Misconfigured(f"{path} is a SQLite file of another program: name another file")
    if version > len(MIGRATIONS):
        what = f"{path} has version {version} of its form, and this program knows {len(MIGRATIONS)}"
        raise Misconfigured(f"{what}: run the newer program, or put back a backup")
    return int(version)


def _prune(connection: sqlite3.Connection, table: str) -> None:
    key = {"runs": "session", "told": "rowid", "seen": "id"}[table]
    connection.execute(
        f"DELETE FROM {table} WHERE {key} IN "  # noqa: S608
        f"(SELECT {key} FROM {table} ORDER BY at DESC LIMIT -1 OFFSET {MAX_ROWS[table]})"
    )


class Seen(NamedTuple):
    """How something was, from the look that first saw it so to the last one that did."""

    id: int
    at: float
    until: float
    what: Mapping[str, str]


def _seen(connection: sqlite3.Connection, resource: Resource, limit: int) -> list[Seen]:
    rows = connection.execute(
        f"SELECT id, at, until, what FROM seen WHERE {OF_RESOURCE} ORDER BY at DESC, id DESC LIMIT ?",  # noqa: S608
        (*resource, limit),
    )
    return [Seen(number, at, until, json.loads(what)) for number, at, until, what in rows]


def _when(before: Seen, after: Seen, now: float) -> str:
    """Nobody looked between the two, so that is all that is known of the time."""
    earliest, latest = facts.ago(now - before.until), facts.ago(now - after.at)
    return latest if earliest == latest else f"between {earliest} and {latest}"


def has_failed(run: Run) -> bool:
    """Whether it tried to remedy something and did not."""
    return run.status == "failed" or (run.status in REMEDIES and run.verification == "firing")


def _text(value: object) -> str:
    """JSON in as few bytes as UTF-8 needs."""
    whole = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return whole.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate has no UTF-8


def _named(run: Run) -> str:
    return facts.cut("/".join(filter(None, (run.cluster, run.namespace, run.resource_id))))


def _remembered(run: Run, on: str, now: float) -> Remembered:
    return Remembered(
        ago=facts.ago(now - datetime.fromisoformat(run.at).timestamp()),
        on=on,
        alertname=run.alertname,
        status=run.status,
        action=facts.cut(run.action),
        verification=run.verification,
        confidence=run.confidence,
        root_cause=facts.cut(run.root_cause),
    )
