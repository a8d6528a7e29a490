from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from function.shared import memory as storing
from function.shared.errors import Misconfigured, Unavailable
from function.shared.facts import Change, Context, Memory, Note, fact
from function.shared.memory import Store
from function.shared.memory_file import APPLICATION, MAX_ROWS, MIGRATIONS
from function.shared.resource import Resource
from function.shared.runs import Run
from function.shared.strict_json import to_json
from function.shared.text import MAX_TEXT
from tests.harness.fakes import NOW, event
from tests.harness.memory import ALERT, CLAIM, fill, is_whole, record_until_it_fails, run, sessions
from tests.harness.process import ROOT

OTHER = CLAIM._replace(namespace="shop", resource_id="cart-data")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "world.db"


@pytest.fixture
def store(file: Path) -> Store:
    return Store(file, NOW.timestamp)


def later(file: Path, seconds: float) -> Store:
    """The same file, so much later."""
    return Store(file, lambda: NOW.timestamp() + seconds)


def memory(store: Store, resource: Resource = CLAIM, alertname: str = ALERT) -> Any:
    return store.memory(resource, alertname).data


def test_a_session_is_recorded_once_and_the_first_word_stands(store: Store) -> None:
    assert [store.record(run()), store.record(run(action="another word"))] == [True, False]
    assert [each.action for each in store.runs({}, 10)] == ["grew to 40Gi"]


def test_the_next_agent_for_the_resource_is_told_what_was_done(store: Store) -> None:
    store.record(run())
    (told,) = memory(store)["runs"]
    assert told == {
        "ago": "3 days ago",
        "on": "this resource",
        "alertname": ALERT,
        "status": "resolved",
        "action": "grew to 40Gi",
        "verification": "cleared",
        "confidence": 0.9,
        "root_cause": "log files pile up",
    }


def test_the_next_agent_for_another_resource_with_the_same_alert_is_told_as_well(store: Store) -> None:
    store.record(run())
    assert [told["on"] for told in memory(store, OTHER)["runs"]] == ["fmc/f3iai/typedb-data"]
    assert memory(store, OTHER, "AnotherAlert")["runs"] == ()
    assert memory(store, OTHER._replace(resource_type="k8s_pod"))["runs"] == ()


def test_a_resource_is_named_by_namespace_and_name_where_its_cluster_has_no_name(store: Store) -> None:
    nameless, other = CLAIM._replace(cluster=""), OTHER._replace(cluster="")
    store.record(run(of=nameless))
    assert [told["on"] for told in memory(store, other)["runs"]] == ["f3iai/typedb-data"]
    assert [told["on"] for told in memory(store, nameless)["runs"]] == ["this resource"]


@pytest.mark.parametrize("column", Resource._fields)
def test_what_differs_in_one_name_is_another_resource(store: Store, column: str) -> None:
    store.record(run(status="failed"))
    near = CLAIM._replace(**{column: "near"})
    told = memory(store, near)
    assert (told["failures_in_a_week"], [each["on"] for each in told["runs"]]) == (
        0,
        [] if column == "resource_type" else ["fmc/f3iai/typedb-data"],
    )


def test_the_newest_runs_are_told_first_and_long_texts_are_cut(store: Store) -> None:
    for days in (9, 2, 30):
        store.record(run(f"s-{days}", ago=timedelta(days=days), action="x" * 1000, root_cause="y" * 1000))
    told = memory(store)["runs"]
    assert [each["ago"] for each in told] == ["2 days ago", "9 days ago", "30 days ago"]
    texts = [each[name] for each in told for name in ("action", "root_cause")]
    assert all("[cut: " in text and len(text) <= MAX_TEXT for text in texts)


def test_a_resource_with_many_runs_of_its_own_hides_no_other(store: Store) -> None:
    for number in range(20):
        store.record(run(f"own-{number}"))
    store.record(run("other", of=OTHER, ago=timedelta(days=30)))
    told = [each["on"] for each in memory(store)["runs"]]
    assert told == ["this resource"] * storing.SAME_RESOURCE + ["fmc/shop/cart-data"]


def test_alerts_without_a_resource_share_their_alert_and_are_never_the_same_resource(store: Store) -> None:
    nothing = Resource("fmc", "", "", "")
    store.record(run(of=nothing))
    assert [told["on"] for told in memory(store, nothing)["runs"]] == ["fmc"]


@pytest.mark.parametrize(
    ("changes", "failures"),
    [
        ({"status": "failed", "verification": "none"}, 1),
        ({"status": "mitigated", "verification": "firing"}, 1),
        ({"status": "resolved", "verification": "inconclusive"}, 0),
        ({"status": "investigated", "verification": "firing"}, 0),
        ({"status": "inconclusive", "verification": "firing"}, 0),
        ({"status": "proposed", "verification": "firing"}, 0),
        ({"status": "refused", "verification": "firing"}, 0),
        ({"status": "failed", "ago": timedelta(days=8)}, 0),
        ({"status": "failed", "ago": timedelta(days=7)}, 0),
        ({"status": "failed", "ago": timedelta(days=7, seconds=-1)}, 1),
        ({"status": "failed", "of": OTHER}, 0),
    ],
)
def test_a_remedy_that_failed_within_a_week_is_counted(
    store: Store, changes: dict[str, Any], failures: int
) -> None:
    store.record(run(**changes))
    assert memory(store)["failures_in_a_week"] == failures


def test_a_failure_stays_counted_however_many_runs_come_after_it(store: Store) -> None:
    store.record(run("failed", status="failed"))
    for number in range(150):
        store.record(run(f"good-{number}", ago=timedelta(hours=1)))
    assert memory(store)["failures_in_a_week"] == 1


def test_a_clock_ahead_of_ours_rules_nothing(store: Store) -> None:
    store.record(run("ahead", at="9999-01-01T00:00:00Z"))
    store.record(run("now", ago=timedelta()))
    assert {each.session for each in store.runs({}, 2)} == {"ahead", "now"}
    assert memory(store)["runs"][0]["ago"] == "just now"


@pytest.mark.parametrize("column", [*Resource._fields, "alertname"])
def test_runs_are_found_by_each_column_the_newest_first(store: Store, column: str) -> None:
    store.record(run("old", ago=timedelta(days=9)))
    store.record(run("new"))
    other: Any = {column: "k8s_pod" if column == "resource_type" else "another"}
    store.record(run("other", **other))
    wanted = asdict(run())[column]
    assert [each.session for each in store.runs({column: wanted}, 10)] == ["new", "old"]
    assert [each.session for each in store.runs({column: wanted}, 1)] == ["new"]


def test_runs_are_found_by_all_that_is_given(store: Store) -> None:
    for session, of in (("claim", CLAIM), ("other", OTHER), ("pod", CLAIM._replace(resource_type="k8s_pod"))):
        store.record(run(session, of=of))
    assert [each.session for each in store.runs(CLAIM._asdict(), 10)] == ["claim"]
    assert {each.session for each in store.runs({"namespace": "f3iai", "alertname": ALERT}, 10)} == {
        "claim",
        "pod",
    }
    assert store.runs({"namespace": "f3iai' OR TRUE --"}, 10) == []
    assert store.runs(CLAIM._asdict(), 10) == [run("claim")]


def noted(text: str) -> Context:
    return Context((fact(Note("title", text), "kubernetes", 5), store_memory()), ("cut",))


def store_memory() -> Any:
    return fact(Memory(0, ()), "memory")


def test_what_was_told_is_told_again_older_by_the_time_since(file: Path) -> None:
    Store(file, NOW.timestamp).remember(CLAIM, noted("as it was"), {})
    (recalled,) = later(file, 600).recall(CLAIM)
    assert (recalled.data["text"], recalled.age_seconds) == ("as it was", 605)
    assert later(file, 600).recall(OTHER) == []


def test_what_was_told_last_replaces_what_was_told_before(file: Path) -> None:
    for days, text in ((0, "first"), (1, "second")):
        later(file, days * 86_400).remember(CLAIM, noted(text), {})
    (recalled,) = later(file, 86_400).recall(CLAIM)
    assert (recalled.data["text"], recalled.age_seconds) == ("second", 5)


def test_a_file_is_a_world_model_without_a_server(file: Path) -> None:
    of = Resource("fmc", "k8s_pvc", "f3iai", "typedb-data")
    store = Store(file, NOW.timestamp)
    store.remember(of, noted("as it was"), {})
    store.record(run(of=of))
    told: Any = store.context(event())
    assert [each["kind"] for each in told["facts"]] == ["note", "memory"]
    assert told["facts"][1]["data"]["runs"][0]["action"] == "grew to 40Gi"
    assert told["gaps"] == ["cut"]
    unknown: Any = store.context(replace(event(), resource_id="never-seen"))
    assert ([each["kind"] for each in unknown["facts"]], unknown["gaps"]) == (["memory"], ["not_found"])


def test_a_change_is_dated_between_the_looks_that_saw_it(file: Path) -> None:
    at = NOW.timestamp()

    def looked(days: float, **watched: str) -> Store:
        store = Store(file, lambda: at + days * 86_400)
        store.remember(CLAIM, Context(), watched)
        return store

    looked(0, size="20Gi")
    looked(1, size="20Gi")
    store = looked(40, size="40Gi", replicas="1")
    assert store.changes(CLAIM, {"size": "40Gi", "replicas": "1"}) == [
        Change("size: 20Gi -> 40Gi", "between 39 days ago and just now"),
        Change("replicas: none -> 1", "between 39 days ago and just now"),
    ]
    assert store.changes(CLAIM, {"size": "80Gi"})[0].what == "size: 40Gi -> 80Gi"
    assert store.changes(OTHER, {"size": "1Gi"}) == []


def test_no_change_is_told_where_nothing_changed(store: Store) -> None:
    store.remember(CLAIM, Context(), {"size": "20Gi"})
    assert store.changes(CLAIM, {"size": "20Gi"}) == []
    assert store.changes(CLAIM, {}) == []
    assert store.changes(CLAIM, {"size": "40Gi"}) == [Change("size: 20Gi -> 40Gi", "just now")]


def test_the_newest_changes_are_told_first_and_no_more_than_a_few(file: Path) -> None:
    for hour in range(9):
        later(file, hour * 3600).remember(CLAIM, Context(), {"size": f"{hour}Gi"})
    told = later(file, 8 * 3600).changes(CLAIM, {"size": "8Gi"})
    assert [change.what for change in told] == [f"size: {n - 1}Gi -> {n}Gi" for n in (8, 7, 6, 5, 4)]
    assert told[1].ago == "between 2 hours ago and 1 hour ago"


@pytest.mark.parametrize("table", ["runs", "contexts", "seen"])
def test_the_oldest_go_when_there_are_too_many(store: Store, file: Path, table: str) -> None:
    about = "'fmc', 'k8s_pvc', 'f3iai'"
    rows = {
        "runs": f"'s' || value, value, {about}, 'claim', 'a', 0, '{{}}'",
        "contexts": f"{about}, 'claim' || value, value, '{{}}'",
        "seen": f"value, {about}, 'claim', value, value, '{{}}'",
    }
    with sqlite3.connect(file) as filling:
        count = MAX_ROWS[table] + 50
        numbers = f"WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT {count})"
        filling.execute(f"INSERT INTO {table} {numbers} SELECT {rows[table]} FROM n")
    filling.close()
    store.record(run())
    store.remember(CLAIM, Context(), {"size": "20Gi"})
    looking = sqlite3.connect(file)
    (count,) = looking.execute(f"SELECT count(*) FROM {table}").fetchone()
    (oldest,) = looking.execute(f"SELECT min(at) FROM {table}").fetchone()
    looking.close()
    assert (count, oldest) == (MAX_ROWS[table] + 1, 51)


RECORDING = """
import sys
from pathlib import Path
from function.shared.memory import Store
from function.shared.errors import Unavailable
from tests.harness.memory import run

def recorded(run):
    try:
        return store.record(run)
    except Unavailable:  # the other writer had it for too long
        return False

store = Store(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    session = f"{sys.argv[2]}-{number}"
    while not recorded(run(session)):
        pass
    print(session, flush=True)
"""


class Recording:
    """A process that records one run after the other, and says each once it is acknowledged. It has begun."""

    def __init__(self, file: Path, name: str, count: int = 10_000) -> None:
        command = (sys.executable, "-c", RECORDING, str(file), name, str(count))
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._process.stdout is not None
        self._output = self._process.stdout
        self._first = self._output.readline()

    def kill(self) -> list[str]:
        """Ends it at once, and gives what was acknowledged."""
        self._process.send_signal(signal.SIGKILL)
        return self.finish()

    def finish(self) -> list[str]:
        """Waits for its end, and gives what was acknowledged."""
        with self._output as output:
            told = self._first + output.read()
        self._process.wait()
        return told.split()


def test_no_acknowledged_run_is_lost_to_a_kill_at_any_moment_or_to_another_writer(file: Path) -> None:
    promised: list[str] = []
    moments = random.Random(5)
    for round in range(4):
        writers = [Recording(file, f"{round}-{name}") for name in ("a", "b")]
        time.sleep(moments.random() / 2)
        for writer in writers:
            promised += writer.kill()
    kept = {each.session for each in Store(file).runs({}, 100_000)}
    assert len(promised) > 8 and set(promised) <= kept
    assert is_whole(file)


def test_of_two_processes_that_write_at_once_neither_loses_a_run(file: Path) -> None:
    writers = [Recording(file, name, 60) for name in ("a", "b")]
    for writer in writers:
        assert len(writer.finish()) == 60
    kept = {each.session for each in Store(file).runs({}, 1000)}
    assert kept == {f"{name}-{number}" for name in ("a", "b") for number in range(60)}


def test_many_threads_may_use_one_store(store: Store) -> None:
    def record(name: int) -> list[bool]:
        return [store.record(run(f"{name}-{number}")) for number in range(10)]

    with ThreadPoolExecutor(4) as threads:
        assert all(all(new) for new in threads.map(record, range(4)))
    assert len(store.runs({}, 1000)) == 40


def test_a_file_that_another_holds_for_too_long_is_unwritable_by_name_and_can_be_read(
    store: Store, file: Path
) -> None:
    store.record(run("before"))
    holding = sqlite3.connect(file, isolation_level=None)
    holding.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="cannot be written: database is locked") as held:
        store.record(run("refused"))
    assert held.value.code == "memory_unwritable"
    assert [each.session for each in store.runs({}, 10)] == ["before"]
    holding.close()
    assert store.record(run("refused"))


def test_many_that_open_a_new_file_at_once_all_can(file: Path) -> None:
    opening = f"from function.shared.memory import *; Store(Path({str(file)!r}))"
    processes = [subprocess.Popen((sys.executable, "-c", opening), cwd=ROOT) for _ in range(6)]
    assert [process.wait() for process in processes] == [0] * 6
    assert is_whole(file)


def test_a_start_that_was_cut_short_before_its_tables_were_made_is_taken_up_again(file: Path) -> None:
    begun = sqlite3.connect(file)
    begun.execute("PRAGMA journal_mode = WAL")
    begun.close()
    assert Store(file).record(run())


def test_a_start_that_is_killed_at_any_moment_is_taken_up_again(tmp_path: Path) -> None:
    opening = "import sys; from function.shared.memory import *; print(flush=True); Store(Path(sys.argv[1]))"
    moments = random.Random(7)
    for number in range(8):
        file = tmp_path / f"{number}.db"
        with subprocess.Popen(
            (sys.executable, "-c", opening, str(file)), stdout=subprocess.PIPE, cwd=ROOT
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(moments.random() / 100)
            process.kill()
        assert Store(file).record(run())
        assert is_whole(file)


def test_a_context_of_the_first_version_of_the_file_is_recalled_by_the_keys_of_today(file: Path) -> None:
    text = 'it says "told": "of": "why":'
    about = {"kind": "dependents", "source": "kubernetes", "age_seconds": 5}
    dependent = {"kind": "Pod", "name": "a", "namespace": "b", "why": text}
    old = to_json({"facts": [{**about, "told": {"count": 1, "dependents": [dependent]}}], "gaps": []})
    with contextlib.closing(sqlite3.connect(file)) as first, first:
        for statement in MIGRATIONS[0]:
            first.execute(statement)
        first.execute("INSERT INTO told VALUES (?, ?, ?, ?, ?, ?)", (*CLAIM, NOW.timestamp(), old))
        first.execute(f"PRAGMA application_id = {APPLICATION}")
        first.execute("PRAGMA user_version = 1")
    (recalled,) = Store(file, NOW.timestamp).recall(CLAIM)
    (told,) = recalled.data["dependents"]
    assert (told["reason"], "why" in told) == (text, False)


def test_a_file_says_whose_it_is_and_of_which_version(store: Store, file: Path) -> None:
    store.record(run())
    looking = sqlite3.connect(file)
    told = [looking.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    looking.close()
    assert told == [APPLICATION, len(MIGRATIONS)]


def foreign(file: Path) -> None:
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE songs (name TEXT)")
    other.close()


def newer(file: Path) -> None:
    Store(file)
    with sqlite3.connect(file) as ahead:
        ahead.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    ahead.close()


def marked(file: Path) -> None:
    """Empty, and yet another program's."""
    with sqlite3.connect(file) as other:
        other.execute("PRAGMA application_id = 7")
    other.close()


@pytest.mark.parametrize(
    ("made", "named"),
    [
        (foreign, "another program"),
        (marked, "another program"),
        (newer, "run the newer program"),
        (
            lambda file: file.write_bytes(b"no database at all, but long enough for a header" * 9),
            "not a usable world model file",
        ),
        (lambda file: file.mkdir(), "not a usable world model file"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_and_left_as_it_is(file: Path, made: Any, named: str) -> None:
    made(file)
    before = file.read_bytes() if file.is_file() else None
    with pytest.raises(Misconfigured, match=named) as refused:
        Store(file)
    assert str(file) in str(refused.value)
    assert before is None or file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_missing_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="not a usable world model file"):
        Store(tmp_path / "none" / "world.db")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ("mount", "-t", "tmpfs", "-o", "size=1M", "small", str(folder)), capture_output=True, check=False
    )
    if mounted.returncode:
        reason = "no file system of its own can be mounted here"
        if os.environ.get("REQUIRE_REAL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    yield folder
    subprocess.run(("umount", "-l", str(folder)), check=True)


READING = """
import sys
from pathlib import Path
from function.shared.memory import Store
from tests.harness.memory import sessions
print(sorted(sessions(Store(Path(sys.argv[1])))))
"""


def test_on_a_full_volume_writing_fails_by_name_reading_goes_on_and_room_mends_it(small: Path) -> None:
    file = small / "world.db"
    store = Store(file, NOW.timestamp)
    store.record(run("before"))
    fill(small / "filler")
    recorded = ["before"]
    with pytest.raises(Unavailable, match="its volume is full") as full:
        record_until_it_fails(store, recorded)
    assert full.value.code == "memory_unwritable" and str(file) in str(full.value)
    assert sessions(store) == set(recorded)
    with pytest.raises(Unavailable, match="its volume is full"):
        store.remember(CLAIM, noted("x" * 250), {})
    elsewhere = subprocess.run(
        (sys.executable, "-c", READING, str(file)), capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert elsewhere.stdout == f"{sorted(recorded)}\n"
    (small / "filler").unlink()
    assert store.record(run("after"))
    assert sessions(store) == {*recorded, "after"}
    assert is_whole(file)


def test_a_start_on_a_full_volume_is_refused_by_name_and_loses_nothing(small: Path) -> None:
    file = small / "world.db"
    subprocess.run((sys.executable, "-c", RECORDING, str(file), "s", "1"), check=True, cwd=ROOT)
    fill(small / "filler")
    with pytest.raises(Misconfigured, match="its volume is full"):
        Store(file)
    (small / "filler").unlink()
    assert sessions(Store(file)) == {"s-0"}


CRAMPED = """
import resource, sys
from pathlib import Path
from function.shared.errors import Unavailable
from function.shared.memory import Store
from tests.harness.memory import record_until_it_fails, run, sessions
file = Path(sys.argv[1])
store = Store(file)
store.record(run("before"))
size = file.with_name(file.name + "-wal").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50_000, resource.RLIM_INFINITY))
recorded = ["before"]
try:
    record_until_it_fails(store, recorded)
except Unavailable as error:
    print(error.code, sessions(store) == set(recorded) and len(recorded), "cannot be written" in str(error))
"""


def test_a_file_that_may_not_grow_keeps_what_it_acknowledged_and_nothing_else(file: Path) -> None:
    cramped = subprocess.run(
        (sys.executable, "-c", CRAMPED, str(file)), capture_output=True, text=True, cwd=ROOT, check=True
    )
    code, kept, named = cramped.stdout.split()
    assert (code, named) == ("memory_unwritable", "True") and int(kept) > 1
    assert len(sessions(Store(file))) == int(kept)
    assert is_whole(file)


def test_a_folder_that_cannot_be_written_is_refused_by_name(small: Path) -> None:
    subprocess.run((sys.executable, "-c", RECORDING, str(small / "old.db"), "s", "1"), check=True, cwd=ROOT)
    before = (small / "old.db").read_bytes()
    subprocess.run(("mount", "-o", "remount,ro", str(small)), check=True)
    for name in ("new.db", "old.db"):
        with pytest.raises(Misconfigured, match=f"{name} is not a usable world model file"):
            Store(small / name)
    assert (small / "old.db").read_bytes() == before
    assert [path.name for path in small.iterdir()] == ["old.db"]


def until_recorded(store: Store, told: Run) -> None:
    """Another writer may have the file for longer than a record waits."""
    while True:
        with contextlib.suppress(Unavailable):
            store.record(told)
            return


def test_a_backup_is_whole_while_others_write_and_replaces_the_one_before(file: Path, tmp_path: Path) -> None:
    store = Store(file)
    store.remember(CLAIM, noted("as it was"), {"size": "20Gi"})
    writer = Recording(file, "w")
    target = tmp_path / "backup.db"
    for number in range(2):
        until_recorded(store, run(f"before {number}"))
        store.backup(target)
        assert is_whole(target)
        backup = Store(target)
        assert {"w-0", f"before {number}"} <= sessions(backup)
        assert [each.data["text"] for each in backup.recall(CLAIM)] == ["as it was"]
        assert backup.changes(CLAIM, {"size": "40Gi"})[0].what == "size: 20Gi -> 40Gi"
    writer.kill()
    assert [path.name for path in tmp_path.glob("*.part")] == []


STOPPED = """
import sys
from pathlib import Path
from function.shared.memory import Store
from tests.harness.memory import run
Store(Path(sys.argv[1])).record(run())
"""


def test_a_copy_of_the_file_of_a_server_that_was_stopped_is_a_backup(file: Path, tmp_path: Path) -> None:
    stopped = (
        sys.executable,
        "-c",
        STOPPED,
        str(file),
    )
    subprocess.run(stopped, check=True, cwd=ROOT)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    copy = Path(shutil.copy(file, tmp_path / "copy.db"))
    assert [each.session for each in Store(copy).runs({}, 10)] == ["s-1"]


def test_a_backup_onto_a_folder_says_so(store: Store, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(Unavailable, match="folder cannot be written") as failed:
        store.backup(tmp_path / "folder")
    assert failed.value.code == "memory_unwritable"


def test_a_backup_to_nowhere_says_so(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as failed:
        store.backup(tmp_path / "none" / "backup.db")
    assert failed.value.code in ("memory_unreadable", "memory_unwritable")


def test_a_file_that_is_torn_while_it_is_served_is_a_failure_by_name(store: Store, file: Path) -> None:
    file.write_bytes(b"torn" * 4096)
    with pytest.raises(Unavailable) as failed:
        store.runs({}, 1)
    assert failed.value.code == "memory_unreadable"


def test_times_are_of_any_zone(store: Store) -> None:
    at = datetime(2026, 3, 29, 3, 10, tzinfo=UTC) - timedelta(hours=2)
    store.record(run(at=at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") + "+00:00"))
    assert memory(store)["runs"][0]["ago"] == "2 hours ago"
