from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from function.runner import handoff
from function.runner.prepare import main
from tests.harness.reporting import EVENT, pod

REPOSITORY = {"namespace": "f3iai", "url": "http://127.0.0.1:9/f3iai/gitops.git"}


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [
        ({}, "no repository is known for this resource"),
        ({"repositories": [{**REPOSITORY, "namespace": "other"}]}, "no repository is known"),
        ({"repositories": [REPOSITORY]}, "the forge sent no usable response"),
        ({"repositories": [{**REPOSITORY, "url": "x"}]}, "url"),
    ],
)
def test_what_stands_in_the_way_is_said_to_the_agent_and_breaks_no_pod(
    tmp_path: Path, changes: Any, obstacle: str, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = pod(tmp_path, **changes) | {"SRE_DISPATCH_AGENT_GIT": str(tmp_path / "git")}
    assert main(environment) == 0
    assert obstacle in handoff.obstacle(tmp_path)
    assert obstacle in json.loads(capsys.readouterr().out)["obstacle"]


def test_a_try_out_has_nothing_to_fetch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(pod(tmp_path, event={}, repositories=[REPOSITORY])) == 0
    assert (handoff.obstacle(tmp_path), json.loads(capsys.readouterr().out)) == ("", {"prepared": 0})


def test_an_event_of_another_shape_is_an_obstacle(tmp_path: Path) -> None:
    environment = pod(tmp_path, event=EVENT)
    (tmp_path / "event").write_text("[]")
    main(environment)
    assert "not a JSON object" in handoff.obstacle(tmp_path)
