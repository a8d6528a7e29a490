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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from function.shared import facts
from function.shared.errors import Misconfigured, Unavailable
from function.shared.event import SREEvent
from function.shared.facts import Change, Context, Fact, Memory, Remembered
from function.shared.memory_file import (
    MAX_FILE,
    OF_RESOURCE,
    PAGE,
    Sighting,
    as_text,
    migrate,
    prune,
    sightings,
)
from function.shared.resource import Resource
from function.shared.runs import Run
from function.shared.strict_json import to_json
from function.shared.text import ago, cut

WAIT_SECONDS = 1.0
"""For another process that writes."""
REMEDIES = ("resolved", "mitigated")
SAME_RESOURCE = 5
SAME_FAILURE = 3
CHANGES = 5
FAILURES_WITHIN_SECONDS = 7 * 86_400
SOURCE = "memory"


class Store:
    """The file, made where there is none. Raises Misconfigured for a file that is not ours or too new."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock = path, clock
        try:
            with self._connected() as connection:
                migrate(connection, path)
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
            prune(connection, "runs")
            done = connection.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session) DO NOTHING",
                (run.session, at, *about, has_failed(run), as_text(asdict(run))),
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
            for table in ("contexts", "seen"):
                prune(connection, table)
            connection.execute(
                "INSERT OR REPLACE INTO contexts VALUES (?, ?, ?, ?, ?, ?)",
                (*resource, now, as_text(asdict(context))),
            )
            seen = sightings(connection, resource, 1)
            if seen and seen[0].what == watched:
                connection.execute("UPDATE seen SET until = ? WHERE id = ?", (now, seen[0].id))
            elif watched:
                connection.execute(
                    "INSERT INTO seen (cluster, resource_type, namespace, resource_id, at, until, what) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (*resource, now, now, as_text(watched)),
                )

    def changes(self, resource: Resource, watched: Mapping[str, str]) -> list[Change]:
        """How what is watched differed from one look to the next, the newest first, and between which looks.
        Raises Unavailable."""
        now = self._clock()
        with self._reading() as connection:
            seen = sightings(connection, resource, CHANGES + 1)
        if watched and (not seen or seen[0].what != watched):
            seen = [Sighting(0, now, now, watched), *seen]
        return [
            Change(cut(f"{name}: {before.what.get(name, 'none')} -> {value}"), _when(before, after, now))
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
            asked = f"SELECT context, at FROM contexts WHERE {OF_RESOURCE}"  # noqa: S608
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


def _when(before: Sighting, after: Sighting, now: float) -> str:
    """Nobody looked between the two, so that is all that is known of the time."""
    earliest, latest = ago(now - before.until), ago(now - after.at)
    return latest if earliest == latest else f"between {earliest} and {latest}"


def has_failed(run: Run) -> bool:
    """Whether it tried to remedy something and did not."""
    return run.status == "failed" or (run.status in REMEDIES and run.verification == "firing")


def _named(run: Run) -> str:
    return cut("/".join(filter(None, (run.cluster, run.namespace, run.resource_id))))


def _remembered(run: Run, on: str, now: float) -> Remembered:
    return Remembered(
        ago=ago(now - datetime.fromisoformat(run.at).timestamp()),
        on=on,
        alertname=run.alertname,
        status=run.status,
        action=cut(run.action),
        verification=run.verification,
        confidence=run.confidence,
        root_cause=cut(run.root_cause),
    )
