from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

from function.runner.paths import Paths


def test_the_defaults_are_those_of_the_tiers_containers() -> None:
    tier = (Path(__file__).parents[2] / "knative" / "tiers" / "propose.yaml").read_text(encoding="utf-8")
    usual = Paths.read({})
    mounted = (usual.inputs, usual.tier, usual.work, usual.git, usual.handoff)
    assert all(f"mountPath: {path}\n" in tier for path in mounted)


def test_each_path_has_a_variable_of_its_own() -> None:
    assert len({*astuple(Paths.read({}))}) == len(astuple(Paths.read({})))
    assert Paths.read({"SRE_DISPATCH_AGENT_WORK": "/elsewhere"}).work == Path("/elsewhere")
