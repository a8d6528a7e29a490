"""What OPA's own tools say of the policy."""

from __future__ import annotations

import subprocess

import pytest

from tests.harness.components import find, need
from tests.harness.process import ROOT

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    "arguments",
    [
        ("fmt", "--list", "--fail", "."),
        ("check", "--strict", "--capabilities", "capabilities.json", "--bundle", "."),
        ("test", "--bundle", ".", "--coverage", "--threshold", "95", "--fail-on-empty"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_opa(arguments: tuple[str, ...]) -> None:
    need("opa")
    command = [str(find("opa")), *arguments]
    done = subprocess.run(
        command, cwd=ROOT / "policies", capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
