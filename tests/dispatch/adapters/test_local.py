from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from function.dispatch.adapters.local import DryRunCluster, Folder, as_yaml
from function.dispatch.plan import plan
from function.shared.errors import Unavailable
from tests.dispatch.test_plan import GRANT, PROMPT
from tests.fakes import TEMPLATE, decision, event, folder_of
from tests.process import ROOT

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
    assert "sre-dispatch/prompt: |\n" in text and "# You are an SRE agent\n" in text
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
    with pytest.raises(Unavailable, match="cannot be written"):
        Folder(TIERS, tmp_path / "file").create(job())
