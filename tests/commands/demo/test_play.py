from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from function.commands.demo import play
from function.shared.errors import Misconfigured
from tests.harness.process import ROOT, free_port

OUTSIDE = {
    "SRE_DISPATCH_OPA_URL": "https://opa.example",
    "SRE_DISPATCH_ALERTMANAGER_URL": "https://alertmanager.example",
    "SRE_DISPATCH_WORLD_MODEL_URL": "https://ffo.example",
    "SRE_DISPATCH_CLUSTER": "production",
    "K_SINK": "https://sink.example",
    "K_SERVICE": "sre-dispatch",
    "OPA_URL": "https://opa.example",
    "HOST": "0.0.0.0",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which the demo runs in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_no_setting_of_the_reader_leads_out_of_this_machine(folder: Path) -> None:
    stage = play.prepare({**OUTSIDE, "PATH": "/bin"}, None)
    assert not [name for name, value in stage.environment.items() if OUTSIDE.get(name) == value]
    assert stage.environment["PATH"] == "/bin"
    assert (stage.settings.host, stage.settings.auth) == ("127.0.0.1", "none")
    assert (stage.settings.jobs, stage.settings.policy) == ("folder", "embedded")


def test_the_root_is_the_readers_also_where_the_function_runs_elsewhere(folder: Path) -> None:
    there = Path(os.path.relpath(ROOT, folder))
    assert play.prepare({"SRE_DISPATCH_ROOT": str(there)}, None).settings.root.samefile(ROOT)


def test_the_port_is_the_one_that_was_asked_for(folder: Path) -> None:
    port = free_port()
    assert play.prepare({}, port).settings.port == port


@pytest.mark.parametrize("missing", ["prompts", "policies/main.rego", "knative/tiers"])
def test_what_it_needs_and_does_not_find_is_named(folder: Path, missing: str) -> None:
    for name in play.NEEDED:
        if name != missing:
            (folder / name).mkdir(parents=True)
    with pytest.raises(Misconfigured, match=f"there is no {folder}/{missing}: set SRE_DISPATCH_ROOT"):
        play.prepare({"SRE_DISPATCH_ROOT": str(folder)}, None)


def test_a_tier_that_cannot_be_read_is_named(folder: Path) -> None:
    config = {"kind": "ConfigMap", "metadata": {"name": "a-tier"}, "data": {"tier.json": "{}"}}
    (folder / "a.yaml").write_text(yaml.safe_dump_all([{"kind": "Kustomization"}, config]), encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"a\.yaml: tier\.json: mode: "):
        play.tier(folder, "a-tier")
    assert play.tier(folder, "another") is None
