"""`make incident` as people run it: each fact of its report, nothing left behind, also where a part dies."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.harness.components import need
from tests.harness.process import ROOT
from tests.story.diary import FACTS, KILLED
from tests.story.laptop import PROGRAMS

SECONDS = 660


def started(folder: Path, *options: str) -> subprocess.Popen[str]:
    """The command, with its temporary files in the folder and a scripted model."""
    need(*PROGRAMS)
    (folder / "tmp").mkdir()
    keep = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")}
    command = (sys.executable, "-m", "tests.story.incident", "--to", str(folder / "report"), *options)
    environment = keep | {"TMPDIR": str(folder / "tmp")}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
    )


def left(folder: Path) -> list[str]:
    """Processes that name the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


def facts(folder: Path) -> dict[str, str]:
    page = (folder / "report" / "incident.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| (.+) \|$", page.partition("## Timeline")[0], re.M)
    return {text: seen for text, seen in rows if text != "fact"}


@pytest.mark.parametrize("kill", ["", "opa"])
def test_every_fact_is_seen_and_nothing_is_left(kill: str, tmp_path: Path) -> None:
    with started(tmp_path, *(["--kill", kill] if kill else [])) as process:
        said = process.communicate(timeout=SECONDS)[0]
    assert process.returncode == 0, said
    seen = facts(tmp_path)
    assert list(seen) == [*FACTS.values(), *([KILLED] if kill else [])]
    for name, wanted in {
        "scraped": "postgres-data, typedb-data",
        "files": "962 files of 16 MiB are 15.03 GiB, 75.2 % of 20Gi",
        "routed": "High to sre-dispatch, Critical to sre-dispatch,people",
        "translated": "severity MEDIUM; resource_type k8s_pvc; namespace f3iai; resource_id typedb-data",
        "job": "tier propose",
        "pull": "20Gi to 40Gi",
        "outcome": "proposed, verification none: 20Gi as before",
        "ticket": "OPS-1",
        "grown": "20Gi to 40Gi",
        "resolved": "75.2 % became 37.6 %",
        "low": "LOW asked, LOW decided: autonomous",
        "ceiling": "from 10Gi to 20Gi; 40Gi was refused",
        "verified": "cleared (good_sample)",
        "remembered": "postgres-data resolved cleared",
    }.items():
        assert wanted in seen[FACTS[name]]
    if kill:
        assert "answered 503" in seen[KILLED]
    ET.parse(tmp_path / "report" / "usage.svg")
    assert list((tmp_path / "tmp").iterdir()) == [] and left(tmp_path) == []


def test_interrupted_it_leaves_nothing_behind(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        assert process.stdout
        for line in process.stdout:
            if "typedb-data fills" in line:
                break
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert list((tmp_path / "tmp").iterdir()) == [] and left(tmp_path) == []
