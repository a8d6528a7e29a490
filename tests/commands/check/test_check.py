from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from function.shared.memory import Store
from tests.harness.process import ROOT
from tests.harness.server import environment

EMBEDDED = {
    "SRE_DISPATCH_AUTH": "none",
    "HOST": "127.0.0.1",
    "SRE_DISPATCH_POLICY": "embedded",
    "SRE_DISPATCH_JOBS": "folder",
}


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "function", "check", *arguments)
    variables = environment(**EMBEDDED | settings)
    return subprocess.run(command, capture_output=True, text=True, env=variables, cwd=ROOT, check=False)


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A copy of the policy, to be spoilt."""
    return Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))


def test_a_usable_installation_passes_with_one_line_for_each_thing() -> None:
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    names = [line[6:].split("  ")[0] for line in done.stdout.splitlines()]
    assert names == [
        "settings",
        "policy: an enrolled LOW alert is autonomous",
        "policy: an order to destroy data is blocked",
        "policy: an empty input is blocked",
        "policy: revision",
        "context",
    ]
    assert all(line.startswith("ok    ") for line in done.stdout.splitlines())


def test_json_is_for_a_program() -> None:
    rows = json.loads(run("--json").stdout)
    assert [set(row) for row in rows] == [{"name", "passed", "detail", "warning"}] * 6
    assert all(row["passed"] and not row["warning"] for row in rows)


def test_settings_that_are_wrong_are_named() -> None:
    done = run(SRE_DISPATCH_POLICY="opa", SRE_DISPATCH_OPA_URL="")
    assert done.returncode == 1
    assert done.stdout.startswith("FAIL  settings  SRE_DISPATCH_OPA_URL is not set")


def test_an_opa_that_is_not_there_fails_each_question() -> None:
    done = run(SRE_DISPATCH_POLICY="opa", SRE_DISPATCH_OPA_URL="http://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stdout.count("no answer from OPA") == 3
    assert "policy: revision" in done.stdout and "no answer had a revision" in done.stdout


def test_a_policy_that_answers_otherwise_fails_and_says_how(policies: Path) -> None:
    (policies / "config" / "autonomy" / "data.yaml").write_text("enrolled: {}\n", encoding="utf-8")
    done = run(SRE_DISPATCH_POLICIES=str(policies))
    assert done.returncode == 1
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("FAIL"))
    assert 'effective is "MEDIUM", expected "LOW"' in line


def test_a_policy_without_one_rules_data_fails(policies: Path) -> None:
    shutil.rmtree(policies / "config" / "freeze")
    done = run(SRE_DISPATCH_POLICIES=str(policies))
    assert done.returncode == 1 and "allowed is false, expected true" in done.stdout


def test_a_folder_without_questions_is_said(policies: Path) -> None:
    (policies / "selftest.json").unlink()
    done = run(SRE_DISPATCH_POLICIES=str(policies))
    assert done.returncode == 1 and "selftest.json cannot be read" in done.stdout


def test_a_source_of_context_is_asked_and_its_gaps_are_told(tmp_path: Path) -> None:
    file = tmp_path / "world.db"
    Store(file)
    done = run(SRE_DISPATCH_CONTEXT="file", SRE_DISPATCH_CONTEXT_FILE=str(file))
    assert f"ok    context: {file}" in done.stdout and "1 facts, gaps: not_found" in done.stdout


def test_a_source_of_context_that_does_not_answer_fails_by_name() -> None:
    done = run(SRE_DISPATCH_CONTEXT="world-model", SRE_DISPATCH_WORLD_MODEL_URL="http://127.0.0.1:1/jsonrpc")
    assert done.returncode == 1
    assert (
        "FAIL  context: http://127.0.0.1:1/jsonrpc" in done.stdout
        and "world_model_unreachable" in done.stdout
    )


def test_a_file_of_context_that_is_not_there_fails_by_name(tmp_path: Path) -> None:
    done = run(SRE_DISPATCH_CONTEXT="file", SRE_DISPATCH_CONTEXT_FILE=str(tmp_path / "none"))
    assert done.returncode == 1
    assert "does not exist: set SRE_DISPATCH_CONTEXT_FILE" in done.stdout


def test_without_a_cluster_where_one_is_wanted_there_is_one_row_that_fails() -> None:
    done = run(SRE_DISPATCH_JOBS="kubernetes", KUBECONFIG="/none")
    assert done.returncode == 1 and done.stderr == ""
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("FAIL"))
    assert "cluster" in line and "no ServiceAccount and no usable KUBECONFIG" in line
