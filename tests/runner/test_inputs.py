from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from function.runner.inputs import Given, load, read
from function.runner.paths import Paths
from function.runner.tier import Tier
from function.shared.errors import Misconfigured
from tests.harness.default_model import MODEL

TIER = Tier("investigate", MODEL, {})


def folder(path: Path, **files: str) -> Path:
    for name, text in ({"prompt": "# Look", "event": "{}", "decision": "{}"} | files).items():
        (path / name).write_text(text, encoding="utf-8")
    return path


def test_the_files_are_what_the_job_was_given(tmp_path: Path) -> None:
    told: dict[str, Any] = {"event": '{"alertname": "A"}', "decision": '{"mode": "investigate"}'}
    assert read(folder(tmp_path, **told), TIER) == Given(
        "# Look", {"alertname": "A"}, {"mode": "investigate"}
    )


def test_the_system_prompt_is_a_file_and_a_blank_one_is_none(tmp_path: Path) -> None:
    assert read(folder(tmp_path), TIER).system_prompt is None
    for blank in ("", " \n"):
        assert read(folder(tmp_path, **{"system-prompt": blank}), TIER).system_prompt is None
    found = read(folder(tmp_path, **{"system-prompt": "You are on call."}), TIER).system_prompt
    assert found == tmp_path / "system-prompt"


def test_a_try_out_has_neither_event_nor_decision(tmp_path: Path) -> None:
    assert read(folder(tmp_path), TIER) == Given("# Look", {}, {})


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"prompt": ""}, "prompt is empty"),
        ({"prompt": " /help"}, "begins with a slash, like a command"),
        ({"prompt": "x" * 70_000}, "over 64 KiB"),
        ({"system-prompt": "x" * 70_000}, "system prompt is over 64 KiB"),
        ({"event": "[]"}, "not a JSON object"),
        ({"event": "{"}, "cannot be read"),
        ({"decision": "[" * 100_000}, "cannot be read"),
        ({"decision": '{"grant": 7}'}, "grant"),
        ({"decision": '{"mode": "autonomous"}'}, "not the mode of this tier"),
    ],
)
def test_what_is_not_for_this_tier_is_refused_by_name(
    tmp_path: Path, files: dict[str, str], named: str
) -> None:
    with pytest.raises(Misconfigured, match=named):
        read(folder(tmp_path, **files), TIER)


def test_a_dispatched_job_is_named_after_its_event(tmp_path: Path) -> None:
    event = f'{{"identity": "{"ab" * 32}"}}'
    told = {"event": event, "managed-by": "sre-dispatch", "job": f"sre-{'ab' * 20}"}
    assert load(folder(tmp_path, **told)).event == {"identity": "ab" * 32}
    for changes in ({"job": "sre-other"}, {"event": "{}"}, {"event": '{"identity": 7}'}):
        with pytest.raises(Misconfigured, match="belongs to another event"):
            load(folder(tmp_path, **told | changes))
    assert load(folder(tmp_path, **told | {"event": "{}", "managed-by": ""})).event == {}


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="FileNotFoundError"):
        read(tmp_path, TIER)


def test_every_place_can_be_another() -> None:
    usual = Paths.read({})
    names = {f"SRE_DISPATCH_AGENT_{name.upper()}": f"/other/{name}" for name in vars(usual)}
    assert {str(path) for path in vars(Paths.read(names)).values()} == {f"/other/{n}" for n in vars(usual)}
