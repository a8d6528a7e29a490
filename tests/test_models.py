"""The tiers' models, and knative/claude-code.models, which takes out of a program when models retire."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness.default_model import FALLBACK_MODELS, FILE, KNOWN, MODEL
from tests.harness.process import ROOT, TIER_FILES

SCRIPT = ROOT / "knative" / "claude-code.models"
DEFAULT = {"model": "claude-new", "fallback_models": ["claude-newer"]}
CATALOGUE = b'[{provider_ids:{first_party:"claude-new"}},{provider_ids:{first_party:"claude-newer"}}]'
TABLE = (
    b'x={"claude-old":{modelName:"Claude Old",retirementDates:{firstParty:"November 30, 2026",bedrock:null,'
    b'vertex:"December 1, 2026"}},"claude-new":{modelName:"Claude New",retirementDates:{firstParty:null},'
    b'remappedTo:"the latest"}}'
)
PROGRAM = b'\x7fELF\x00\xff{VERSION:"1.2.3"}' + CATALOGUE + b"\xfe\x00" + TABLE + b";function y(){}\x00\xff"


@pytest.mark.parametrize("path", TIER_FILES, ids=lambda path: path.stem)
def test_each_tier_names_the_default_and_its_fallback(path: Path) -> None:
    (config,) = (each for each in yaml.safe_load_all(path.read_text("utf-8")) if each["kind"] == "ConfigMap")
    tier = json.loads(config["data"]["tier.json"])
    assert (tier["model"], tier["fallback_models"]) == (MODEL, FALLBACK_MODELS)


def test_neither_the_default_nor_its_fallback_retires() -> None:
    assert not {MODEL, *FALLBACK_MODELS} & KNOWN["retires"].keys()


def test_the_table_is_that_of_the_version_that_is_pinned() -> None:
    assert KNOWN["claude_code"] == FILE.with_name("claude-code.version").read_text("utf-8").split()[0]


def taken(folder: Path, program: bytes, default: Any = DEFAULT) -> subprocess.CompletedProcess[str]:
    """The script's run on a program of that content, with that default in its file."""
    (folder / "claude").write_bytes(program)
    (folder / "models.json").write_text(json.dumps({"default": default}), encoding="utf-8")
    command = (SCRIPT, folder / "claude", folder / "models.json")
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_table_is_taken_out_of_the_program_and_the_default_is_kept(tmp_path: Path) -> None:
    assert taken(tmp_path, PROGRAM).returncode == 0
    assert json.loads((tmp_path / "models.json").read_text("utf-8")) == {
        "claude_code": "1.2.3",
        "default": DEFAULT,
        "retires": {"claude-old": {"firstParty": "2026-11-30", "vertex": "2026-12-01"}},
    }


@pytest.mark.parametrize(
    ("program", "default", "said"),
    [
        (b"", DEFAULT, "claude cannot be read"),
        (PROGRAM.replace(b"VERSION", b"version"), DEFAULT, "contains no version"),
        (PROGRAM.replace(b"retirementDates", b"d"), DEFAULT, "no table of retiring models"),
        (
            PROGRAM.replace(b",retirementDates:{firstParty:null}", b",a:1,retirementDates:{}"),
            DEFAULT,
            "another format",
        ),
        (
            PROGRAM.replace(b"bedrock:null", b"bedrock:void 0"),
            DEFAULT,
            "the dates of claude-old have another format",
        ),
        (PROGRAM.replace(b"November 30", b"November 31"), DEFAULT, "November 31, 2026, which is not a date"),
        (PROGRAM, {**DEFAULT, "model": "claude-ne"}, "knows no model claude-ne:"),
        (PROGRAM, {**DEFAULT, "fallback_models": ["claude-old"]}, "knows no model claude-old:"),
        (PROGRAM, None, "does not name the default model"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_what_it_cannot_tell_it_says_in_one_sentence_and_writes_nothing(
    tmp_path: Path, program: bytes, default: Any, said: str
) -> None:
    done = taken(tmp_path, program, default)
    assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1
    assert json.loads((tmp_path / "models.json").read_text("utf-8")) == {"default": default}
