"""Every query that a prompt page names, as Prometheus reads it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.harness.components import find, need
from tests.harness.pages import PAGES, page, queries

pytestmark = pytest.mark.real


def test_prometheus_can_parse_every_query_of_every_page(tmp_path: Path) -> None:
    need("promtool")
    named = sorted({query for name in (*PAGES, "Unheard") for query in queries(page(name))})
    assert len(named) > 100
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(named)]
    (tmp_path / "rules.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "pages", "rules": rules}]}), encoding="utf-8"
    )
    command = [str(find("promtool")), "check", "rules", "--no-lint-fatal", "rules.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
