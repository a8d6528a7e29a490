"""The memory of the world model. It is one SQLite file with the outcomes of runs, and with the last context
and the changes of each resource. The server keeps the file on its volume. On a laptop the dispatcher reads
the same file without a server.

A write returns after the data is on the disk. Any number of processes may have the file open.
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
from function.shared.text import ago, cut, cut_middle

WAIT_SECONDS = 1.0
"""The maximum time to wait while another process writes."""
REMEDIES = ("resolved", "mitigated")
SAME_RESOURCE = 5
SAME_FAILURE = 3
CHANGES = 5
FAILURES_WITHIN_SECONDS = 7 * 86_400
SOURCE = "memory"


class Store:
    """Opens the file, or creates it. Raises Misconfigured if the file belongs to another program or to a
    newer version of this one."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock = path, clock
        try:
            with self._connected() as connection:
                migrate(connection, path)
            # SQLite creates two more files at the first open and removes them at the last close. On a full
            # volume it cannot create them, and then the file cannot be read. So one connection stays open.
            weakref.finalize(self, self._open().close)
        except sqlite3.DatabaseError as error:
            raise Misconfigured(f"{path} is not a usable world model file: {self._why(error)}") from None

    def record(self, run: Run) -> bool:
        """Stores the run and returns True. If the run's session was stored before, it changes nothing and
        returns False. After True or False the run is on the disk. After Unavailable the run is not stored."""
        # A run with a time in the future would be listed before later runs.
        at = min(datetime.fromisoformat(run.at).timestamp(), self._clock())
        about = (run.cluster, run.resource_type, run.namespace, run.resource_id, run.alertname)
        with self._writing() as connection:
            prune(connection, "runs")
            done = connection.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session) DO NOTHING",
                (run.session, at, *about, has_failed(run), as_text(asdict(run))),
            )
        return done.rowcount == 1

    def runs(self, where: Mapping[str, str], limit: int) -> list[Run]:
        """Returns the newest runs that match `where`. The keys of `where` can be cluster, resource_type,
        namespace, resource_id and alertname. Raises Unavailable."""
        columns = [column for column in (*Resource._fields, "alertname") if column in where]
        condition = " AND ".join([*(f"{column} = ?" for column in columns), "TRUE"])
        with self._reading() as connection:
            rows = connection.execute(
                f"SELECT run FROM runs WHERE {condition} ORDER BY at DESC, session LIMIT ?",  # noqa: S608
                (*(where[column] for column in columns), limit),
            )
            return [Run(**json.loads(run)) for (run,) in rows]

    def memory(self, resource: Resource, alertname: str) -> Fact:
        """Returns earlier runs on the resource, and runs on other resources of this type after the same
        alert. Raises Unavailable."""
        now = self._clock()
        own = self.runs(resource._asdict(), SAME_RESOURCE) if resource.resource_id else []
        runs = [_remembered(run, "this resource", now) for run in own]
        runs += [_remembered(run, _resource_name(run), now) for run in self._similar(resource, alertname)]
        return facts.fact(Memory(self._failures(resource, now), tuple(runs)), SOURCE)

    def remember(self, resource: Resource, context: Context, watched: Mapping[str, str]) -> None:
        """Stores the context of the resource, and the time since which the `watched` values are the same.
        Raises Unavailable."""
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
        """Returns the changes of the watched values, the newest first. Each change has the times of the
        readings before and after it. Raises Unavailable."""
        now = self._clock()
        with self._reading() as connection:
            seen = sightings(connection, resource, CHANGES + 1)
        if watched and (not seen or seen[0].what != watched):
            seen = [Sighting(0, now, now, watched), *seen]
        return [
            Change(
                cut_middle(f"{name}: {before.what.get(name, 'none')} -> {value}"), _when(before, after, now)
            )
            for after, before in pairwise(seen)
            for name, value in after.what.items()
            if before.what.get(name) != value
        ][:CHANGES]

    def recall(self, resource: Resource) -> list[Fact]:
        """Returns the facts of the last context with their present age. The list is empty if there was no
        context. Raises Unavailable."""
        context, at = self._last(resource)
        passed = max(0, int(self._clock() - at))
        return [
            replace(fact, age_seconds=fact.age_seconds + passed)
            for fact in context.facts
            if fact.kind != facts.NAMES[Memory]
        ]

    def context(self, event: SREEvent) -> object:
        """Returns the last context of the event's resource, together with the present memory. The dispatcher
        uses this method if there is no server."""
        resource = Resource(event.cluster, event.resource_type, event.namespace, event.resource_id)
        context, at = self._last(resource)
        found = (*self.recall(resource), self.memory(resource, event.alertname))
        gaps = context.gaps if at else ("not_found",)
        return json.loads(to_json(asdict(Context(found, gaps))))

    def _last(self, resource: Resource) -> tuple[Context, float]:
        """Returns the last context and its time. If there is no last context, the time is 0."""
        with self._reading() as connection:
            asked = f"SELECT context, at FROM contexts WHERE {OF_RESOURCE}"  # noqa: S608
            row = connection.execute(asked, resource).fetchone()
        if row is None:
            return Context(), 0.0
        stored = json.loads(row[0])
        return Context(tuple(Fact(**fact) for fact in stored["facts"]), tuple(stored["gaps"])), row[1]

    def backup(self, target: Path) -> None:
        """Writes a complete copy to `target`. Other processes may read and write at the same time. An older
        copy is replaced when the new copy is complete. Raises Unavailable."""
        part = target.with_name(target.name + ".part")
        try:
            part.unlink(missing_ok=True)
            with self._reading() as connection:
                connection.execute("VACUUM INTO ?", (str(part),))
            part.replace(target)
        except OSError as error:
            raise Unavailable("memory_unwritable", f"{target} cannot be written: {error.strerror}") from None

    def _similar(self, resource: Resource, alertname: str) -> list[Run]:
        """Returns runs on other resources of this type after the same alert."""
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
        connection.execute("PRAGMA synchronous = FULL")  # in WAL mode NORMAL can lose an acknowledged write
        connection.execute(f"PRAGMA max_page_count = {MAX_FILE // PAGE}")
        return connection

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """Opens a connection for one use. Opening takes under a millisecond, so threads need not share a
        connection."""
        connection = self._open()
        try:
            yield connection
        finally:
            connection.close()

    def _why(self, error: sqlite3.Error) -> str:
        """Returns SQLite's message, which quotes no value. SQLite reports a full volume as an I/O error, so
        that case has its own message."""
        code = getattr(error, "sqlite_errorname", "")  # errors of the Python module have no name
        if code.startswith(("SQLITE_FULL", "SQLITE_IOERR")) and self._is_full():
            return "its volume is full: enlarge the volume or delete backups"
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
        """Runs the block as one transaction. At the end of the block the transaction is on the disk, or it
        failed as a whole."""
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
    """Returns the time of a change. The change happened between two readings. Nothing else is known about the
    time."""
    earliest, latest = ago(now - before.until), ago(now - after.at)
    return latest if earliest == latest else f"between {earliest} and {latest}"


def has_failed(run: Run) -> bool:
    """Returns whether the run failed, or left the alert firing after a remedy."""
    return run.status == "failed" or (run.status in REMEDIES and run.verification == "firing")


def _resource_name(run: Run) -> str:
    return cut("/".join(filter(None, (run.cluster, run.namespace, run.resource_id))))


def _remembered(run: Run, on: str, now: float) -> Remembered:
    return Remembered(
        ago=ago(now - datetime.fromisoformat(run.at).timestamp()),
        on=on,
        alertname=run.alertname,
        status=run.status,
        action=cut_middle(run.action),
        verification=run.verification,
        confidence=run.confidence,
        root_cause=cut_middle(run.root_cause),
    )
