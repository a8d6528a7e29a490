from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from function.dispatch.adapters.local import DryRunCluster, Folder, as_yaml
from function.dispatch.plan import plan
from function.shared.errors import Unavailable
from tests.harness.fakes import GRANT, PROMPT, TEMPLATE, decision, event, folder_of
from tests.harness.process import ROOT

TIERS = ROOT / "knative" / "tiers"


def job() -> dict[str, Any]:
    return plan(event(), decision(), GRANT, PROMPT, TEMPLATE, "sre-agents")


def test_a_job_is_written_once(tmp_path: Path) -> None:
    cluster = Folder(TIERS, tmp_path / "jobs")
    assert cluster.create(job()) is True
    assert cluster.create(job()) is False
    assert folder_of(tmp_path / "jobs") == [f"{event().job}.yaml"]


def test_many_at_once_make_one_job(tmp_path: Path) -> None:
    cluster = Folder(TIERS, tmp_path)
    made: list[bool] = []
    threads = [threading.Thread(target=lambda: made.append(cluster.create(job()))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False] * 19 + [True]


KILLED = """
import resource, signal, sys
from pathlib import Path
from function.dispatch.adapters.local import Folder
from function.dispatch.plan import plan
from tests.harness.fakes import GRANT, PROMPT, TEMPLATE, decision, event
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the kernel ends the process in the middle of the file
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
manifest = plan(event(), decision(), GRANT, PROMPT, TEMPLATE, "sre-agents")
Folder(Path("none"), Path(sys.argv[1])).create(manifest)
"""


def aged(path: Path, seconds: float = 3600.0) -> Path:
    """The file, as if it had been written so long ago."""
    then = path.lstat().st_mtime - seconds
    os.utime(path, (then, then), follow_symlinks=False)
    return path


def test_what_a_killed_process_left_unfinished_is_deleted_at_the_next_start(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, check=False)
    assert ran.returncode == -signal.SIGXFSZ
    (left,) = tmp_path.iterdir()
    Folder(TIERS, tmp_path)
    assert left.exists()  # it is not old
    aged(left)
    Folder(TIERS, tmp_path)
    assert folder_of(tmp_path) == []


def test_a_neighbour_that_is_writing_keeps_its_file(tmp_path: Path) -> None:
    written = tmp_path / "sre-job-abc.part"
    written.touch()
    aged(written)
    neighbour = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(neighbour, fcntl.LOCK_SH)
    Folder(TIERS, tmp_path)
    assert written.exists()
    os.close(neighbour)
    Folder(TIERS, tmp_path)
    assert not written.exists()


NAMES = st.sampled_from(
    ("sre-job-a.part", "sre-job-.part", "sre-job-a.yaml", "sre-job-a.part~", "tmpabc.part", "sre-a.yaml")
)


@given(st.dictionaries(NAMES, st.booleans()))
def test_only_old_files_of_our_own_are_deleted_and_a_job_is_written_all_the_same(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bool]
) -> None:
    folder = tmp_path_factory.mktemp("jobs")
    for name, is_old in files.items():
        (folder / name).touch()
        if is_old:
            aged(folder / name)
    assert Folder(TIERS, folder).create(job())
    ours = {name for name, is_old in files.items() if is_old and name in ("sre-job-a.part", "sre-job-.part")}
    assert folder_of(folder) == sorted({*files, f"{event().job}.yaml"} - ours)


def test_what_is_written_is_known(tmp_path: Path) -> None:
    cluster = Folder(TIERS, tmp_path)
    assert cluster.jobs() == [] and cluster.job(event().job) is None
    cluster.create(job())
    (known,) = cluster.jobs()
    assert (known.name, known.identity, known.resource) == (event().job, event().identity, event().resource)
    assert cluster.job(event().job) == known


def test_what_is_written_is_over_as_nothing_runs_it(tmp_path: Path) -> None:
    cluster = Folder(TIERS, tmp_path)
    cluster.create(job())
    (known,) = cluster.jobs()
    assert known.finished and known.completed_at == known.created_at and not known.failed


def test_a_manifest_reads_back_as_it_was_and_shows_the_prompt_in_lines() -> None:
    text = as_yaml(job())
    assert yaml.safe_load(text) == job()
    assert "sre-dispatch/prompt: |\n" in text and "# The task\n" in text
    assert "sre-dispatch/system-prompt: |\n" in text and "# You are the on-call engineer\n" in text
    assert "&id" not in text


def test_the_tiers_are_those_of_the_files() -> None:
    template = DryRunCluster(TIERS).template("sre-agent-propose")
    assert template["spec"]["template"]["spec"]["serviceAccountName"] == "sre-agent-propose"
    with pytest.raises(Unavailable, match="no CronJob"):
        DryRunCluster(TIERS).template("sre-agent-none")


def test_a_file_that_is_no_job_is_named(tmp_path: Path) -> None:
    (tmp_path / "sre-other.yaml").write_text("{}", encoding="utf-8")
    with pytest.raises(Unavailable, match=r"sre-other\.yaml"):
        Folder(TIERS, tmp_path).jobs()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Unavailable, match="cannot write to"):
        Folder(TIERS, tmp_path / "file").create(job())
