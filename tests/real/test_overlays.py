"""The overlays as kustomize builds them: where the cluster's name stands."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness.components import find, need
from tests.harness.manifests import CLUSTER, KIND, KNATIVE

pytestmark = pytest.mark.real

PRODUCTION = KNATIVE / "overlays" / "production"
NAMED = {"sre-dispatch", "sre-dispatch-worldmodel", "sre-dispatch-check"}


def built(folder: Path) -> list[Any]:
    need("kubectl")
    command = [str(find("kubectl")), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return list(yaml.safe_load_all(done.stdout))


def names(objects: list[Any]) -> dict[str, str]:
    """The cluster's name in each object that has the setting."""
    return {
        each["metadata"]["name"]: setting["value"]
        for each in objects
        for container in containers(each)
        for setting in container.get("env", ())
        if setting["name"] == "SRE_DISPATCH_CLUSTER"
    }


def containers(each: Any) -> list[Any]:
    spec = each.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    found: list[Any] = spec.get("template", {}).get("spec", {}).get("containers", [])
    return found


def test_the_function_the_world_model_and_the_check_get_the_name_of_one_file(tmp_path: Path) -> None:
    shutil.copytree(KNATIVE, tmp_path / "knative")
    ours = tmp_path / "knative" / "overlays" / "production"
    file = ours / "cluster.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace('name: ""', "name: eu-1"), encoding="utf-8")
    assert names(built(ours)) == dict.fromkeys(NAMED, "eu-1")


def test_as_it_is_shipped_the_overlay_for_production_has_no_name_yet() -> None:
    assert names(built(PRODUCTION)) == dict.fromkeys(NAMED, "")


def test_a_test_cluster_has_a_name_for_which_the_alerts_of_its_volumes_are_enrolled() -> None:
    assert names(built(KIND)) == dict.fromkeys(NAMED, CLUSTER)
    (file,) = [path for path in (KIND / "policies").rglob("*") if path.is_file()]
    assert file.relative_to(KIND / "policies").as_posix() == "config/autonomy/enrolled/data.yaml"
    (enrolment,) = yaml.safe_load(file.read_text(encoding="utf-8")).values()
    assert (enrolment["namespace"], enrolment["cluster"]) == ("f3iai", CLUSTER)


@pytest.mark.parametrize("overlay", [KIND, PRODUCTION], ids=lambda path: path.name)
def test_the_object_that_holds_the_name_is_not_applied(overlay: Path) -> None:
    assert "sre-dispatch-cluster" not in [each["metadata"]["name"] for each in built(overlay)]
