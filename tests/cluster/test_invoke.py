"""The real `func invoke`, with the sample event and a token, at the deployed function and at a local one."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.knative import FUNCTION, no_agents
from tests.harness.process import ROOT
from tests.harness.server import TOKEN, serving

SAMPLE = ROOT / "tests" / "deliveries" / "one-alert.json"


def invoke(url: str, token: str, folder: Path) -> str:
    """What func prints. It has to run beside func.yaml, and writes there; its exit status tells nothing."""
    func = shutil.which("func")
    if func is None:
        pytest.fail("func is not on PATH: it comes with Knative (knative.dev/func)", pytrace=False)
    shutil.copy(ROOT / "func.yaml", folder)
    target = url.replace("http://", f"http://x:{token}@")
    command = [func, "invoke", "--target", target, "--file", str(SAMPLE)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_the_deployed_function_answers_with_a_receipt(installed: Cluster, tmp_path: Path) -> None:
    token = installed.secret("monitoring", "sre-dispatch", "token")
    with no_agents(installed):
        told = invoke(FUNCTION, token, tmp_path)
        (job,) = installed.jobs()
    assert "sre-dispatch.receipt.v1" in told and '"created": 1' in told, told
    assert (
        job["metadata"]["labels"]["sre-dispatch/alertname"]
        == json.loads(SAMPLE.read_text())["labels"]["alertname"]
    )


def test_a_local_function_answers_with_a_receipt(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        told = invoke(server.url, TOKEN, tmp_path)
    assert "sre-dispatch.receipt.v1" in told and '"created": 1' in told, told


def test_without_an_accepted_token_nothing_comes_of_it(installed: Cluster, tmp_path: Path) -> None:
    assert "receipt" not in invoke(FUNCTION, "x" * 32, tmp_path)
    assert installed.jobs() == []
