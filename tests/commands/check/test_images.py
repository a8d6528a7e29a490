from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from function.commands.check.images import EXEMPT, image_rows, judged
from function.commands.check.rows import Row
from function.dispatch.model import Grant
from function.dispatch.settings import Settings
from tests.harness.audit import Server, inspection
from tests.harness.process import ROOT, TIER_FILES

SETTINGS = Settings.read(
    {"SRE_DISPATCH_AUTH": "none", "HOST": "127.0.0.1", "SRE_DISPATCH_POLICY": "embedded"}
)
GRANT = Grant("investigate", "investigate", "sre-agent-investigate")
TAG, PINNED = "it:1", "it@sha256:" + "0a" * 32
TOKEN: list[dict[str, Any]] = [
    {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "a", "key": "a"}}}]},
    {"envFrom": [{"secretRef": {"name": "a"}}]},
    *({"volumeMounts": [{"name": name}]} for name in ("secret", "token", "bundle", "driver")),
]
NO_TOKEN: list[dict[str, Any]] = [
    {},
    {"env": [{"name": "A", "value": "a"}], "envFrom": [{"configMapRef": {"name": "a"}}]},
    {"volumeMounts": [{"name": "scratch"}, {"name": "downward"}]},
]
VOLUMES: list[dict[str, Any]] = [
    {"name": "secret", "secret": {"secretName": "a"}},
    {"name": "token", "projected": {"sources": [{"downwardAPI": {}}, {"serviceAccountToken": {}}]}},
    {"name": "bundle", "projected": {"sources": [{"secret": {"name": "a"}}]}},
    {"name": "driver", "csi": {"driver": "secrets-store.csi.k8s.io"}},
    {"name": "scratch", "emptyDir": {}},
    {"name": "downward", "projected": {"sources": [{"downwardAPI": {}}, {"configMap": {"name": "a"}}]}},
]


def cronjob(*containers: dict[str, Any], init: bool = False, **pod: Any) -> dict[str, Any]:
    named = [{"name": f"c{number}", **each} for number, each in enumerate(containers)]
    kind = "initContainers" if init else "containers"
    spec = {"automountServiceAccountToken": False, kind: named, "volumes": VOLUMES, **pod}
    return {"metadata": {}, "spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}}


@pytest.mark.parametrize("init", [False, True])
@pytest.mark.parametrize("token", TOKEN, ids=str)
def test_a_tag_in_a_container_with_a_credential_fails_and_says_what_to_do(
    token: dict[str, Any], init: bool
) -> None:
    row = judged("images", cronjob({"image": TAG, **token}, {"image": PINNED, **token}, init=init))
    assert (row.passed, row.warning) == (False, False)
    assert "c0 (it:1): pin the digest in `images:`" in row.detail and "c1" not in row.detail


@pytest.mark.parametrize("none", NO_TOKEN, ids=str)
def test_a_tag_in_a_container_without_one_is_a_warning(none: dict[str, Any]) -> None:
    row = judged("images", cronjob({"image": TAG, **none}, {"image": PINNED, **TOKEN[0]}))
    assert (row.passed, row.warning) == (True, True) and "c0 (it:1)" in row.detail


def test_the_token_that_every_container_gets_counts() -> None:
    for automount in (True, None):
        row = judged("images", cronjob({"image": TAG}, automountServiceAccountToken=automount))
        assert not row.passed


def test_with_digests_alone_the_row_passes() -> None:
    row = judged("images", cronjob(*({"image": PINNED, **token} for token in TOKEN)))
    assert row == Row("images", passed=True, detail="pinned by digest")


@pytest.mark.parametrize(
    "image", ["", "it", "it@sha256:1", "it@sha256:" + "0A" * 32, f"{PINNED}0", "it:sha256-0a"]
)
def test_what_is_no_digest_pins_nothing(image: str) -> None:
    assert not judged("images", cronjob({"image": image, **TOKEN[0]})).passed


def test_a_stated_reason_makes_it_a_warning_that_states_it() -> None:
    told = cronjob({"image": TAG, **TOKEN[0]})
    told["metadata"] = {"annotations": {EXEMPT: "loaded by\nhand"}}
    row = judged("images", told)
    assert row == Row("images", passed=True, detail="not pinned by digest: loaded byhand", warning=True)
    told["metadata"] = {"annotations": {EXEMPT: ""}}
    assert not judged("images", told).passed


@given(st.lists(st.tuples(st.sampled_from([TAG, PINNED]), st.sampled_from([*TOKEN, *NO_TOKEN])), max_size=4))
def test_a_tier_passes_without_a_warning_only_with_digests_alone(told: list[tuple[str, Any]]) -> None:
    row = judged("images", cronjob(*({"image": image, **more} for image, more in told)))
    by_tag = [more for image, more in told if image == TAG]
    assert row.passed == (not any(more in TOKEN for more in by_tag))
    assert (row.passed and not row.warning) == (not by_tag)


@pytest.mark.parametrize("path", TIER_FILES, ids=lambda path: str(path.stem))
def test_in_our_tiers_every_container_has_a_credential_and_is_judged_so(path: Any) -> None:
    manifests = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    (tier,) = (each for each in manifests if each["kind"] == "CronJob")
    row = judged("images", tier)
    assert not row.passed and "kubernetes_mcp_server:" in row.detail and "mcp-grafana:" in row.detail
    pinned = deepcopy(tier)
    spec = pinned["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    for each in (*spec["initContainers"], *spec["containers"]):
        each["image"] = PINNED
    assert judged("images", pinned).detail == "pinned by digest"


def overlay(name: str) -> Any:
    path = ROOT / "knative" / "overlays" / name / "kustomization.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_overlay_for_production_has_a_row_for_each_image_of_the_tiers() -> None:
    named = {each["name"] for each in overlay("production")["images"]}
    for path in TIER_FILES:
        told = re.findall(r"^ +image: (\S+):[^:]+$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert told and named >= {*told}


def test_the_overlay_for_a_test_cluster_states_why_it_has_tags() -> None:
    assert any(f"{EXEMPT}: a test cluster" in each["patch"] for each in overlay("kind")["patches"])


@pytest.mark.parametrize(("status", "what"), [(404, "apply knative/tiers"), (500, "500")])
def test_a_tier_that_cannot_be_read_fails_by_name(status: int, what: str) -> None:
    (row,) = image_rows(inspection(Server(status)), SETTINGS, [GRANT])
    assert (row.name, row.passed) == ("images: investigate", False) and what in row.detail
