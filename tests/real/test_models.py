"""knative/claude-code.models.json is what the pinned Claude Code says of its models."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.models import FILE
from tests.process import ROOT
from tests.real.components import find
from tests.real.conftest import need

pytestmark = pytest.mark.real


def test_the_table_of_retiring_models_is_the_pinned_programs(tmp_path: Path) -> None:
    need("claude")
    written = Path(shutil.copy(FILE, tmp_path))
    subprocess.run((ROOT / "knative" / "claude-code.models", find("claude"), written), check=True)
    assert written.read_text("utf-8") == FILE.read_text("utf-8"), "run knative/claude-code.models"
    pinned = FILE.with_name("claude-code.version").read_text("utf-8").split()[0]
    assert json.loads(written.read_text("utf-8"))["claude_code"] == pinned
