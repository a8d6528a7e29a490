from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from function.dispatch.model import Prompt
from function.dispatch.plan import plan, slug
from function.shared.errors import PermanentError
from function.shared.event import SREEvent
from tests.harness.fakes import GRANT, PROMPT, TEMPLATE, decision, event
from tests.harness.process import ROOT, TIER_FILES

LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


def planned(event: SREEvent, prompt: Prompt = PROMPT) -> dict[str, Any]:
    return plan(event, decision(), GRANT, prompt, TEMPLATE, "sre-agents")


def test_the_job_is_the_template_with_a_name_labels_and_annotations() -> None:
    job = planned(event())
    assert job["metadata"]["name"] == event().job
    assert job["metadata"]["namespace"] == "sre-agents"
    assert job["spec"]["template"]["spec"] == TEMPLATE["spec"]["template"]["spec"]
    assert set(job["spec"]) == set(TEMPLATE["spec"])
    assert set(job["metadata"]["annotations"]) == {
        "sre-dispatch/identity",
        "sre-dispatch/policy-revision",
        "sre-dispatch/prompt-template",
        "sre-dispatch/family",
        "sre-dispatch/words",
        "sre-dispatch/identity-labels",
        "sre-dispatch/charged-to",
    }
    assert set(job["spec"]["template"]["metadata"]["annotations"]) == {
        "sre-dispatch/event",
        "sre-dispatch/decision",
        "sre-dispatch/prompt",
        "sre-dispatch/system-prompt",
    }


def test_job_and_pod_carry_the_same_labels() -> None:
    job = planned(event())
    assert job["metadata"]["labels"] == job["spec"]["template"]["metadata"]["labels"]
    assert job["metadata"]["labels"]["sre-dispatch/alertname"] == "PVCUsageHigh"
    assert job["metadata"]["labels"]["sre-dispatch/tier"] == "propose"


def test_the_template_is_not_changed() -> None:
    planned(event())
    assert "metadata" not in TEMPLATE["spec"]["template"]


def test_the_agent_reads_event_decision_and_prompts_from_the_pods_annotations() -> None:
    told = planned(event())["spec"]["template"]["metadata"]["annotations"]
    assert json.loads(told["sre-dispatch/event"])["identity"] == event().identity
    assert json.loads(told["sre-dispatch/decision"])["mode"] == "merge-request"
    assert told["sre-dispatch/prompt"] == PROMPT.text
    assert told["sre-dispatch/system-prompt"] == PROMPT.system


@pytest.mark.parametrize("file", TIER_FILES, ids=lambda file: file.stem)
def test_every_tier_has_a_file_for_each_annotation_and_one_of_its_own_for_a_try_out(file: Path) -> None:
    annotations = planned(event())["spec"]["template"]["metadata"]["annotations"]
    objects = yaml.safe_load_all(file.read_text(encoding="utf-8"))
    (cronjob,) = [each for each in objects if each["kind"] == "CronJob"]
    pod = cronjob["spec"]["jobTemplate"]["spec"]["template"]
    assert pod["metadata"]["annotations"].keys() == annotations.keys()
    (volume,) = [each for each in pod["spec"]["volumes"] if each["name"] == "dispatch"]
    files = {item["path"]: item["fieldRef"]["fieldPath"] for item in volume["downwardAPI"]["items"]}
    for name in annotations:
        assert files[name.removeprefix("sre-dispatch/")] == f"metadata.annotations['{name}']"


def test_admission_admits_each_annotation_of_the_pod() -> None:
    policy = (ROOT / "knative" / "base" / "admission.yaml").read_text(encoding="utf-8")
    for name in planned(event())["spec"]["template"]["metadata"]["annotations"]:
        assert f"'{name}'" in policy


def test_a_huge_event_goes_without_its_payload() -> None:
    huge = replace(event(), raw_payload={"labels": {f"l{n}": "x" * 1000 for n in range(100)}})
    told = json.loads(planned(huge)["spec"]["template"]["metadata"]["annotations"]["sre-dispatch/event"])
    assert (told["raw_payload"], told["truncated"]) == ({}, True)


def test_annotations_beyond_the_limit_are_poison() -> None:
    with pytest.raises(PermanentError, match="bytes"):
        planned(event(), replace(PROMPT, text="x" * 200_000))
    with pytest.raises(PermanentError, match="bytes"):
        planned(event(), replace(PROMPT, system="x" * 200_000))


@pytest.mark.parametrize(
    "text", ["", "PVCUsageHigh", "-a-", "ä", "a b/c", "x" * 200, "_._", "a" * 62 + "--b"]
)
def test_a_slug_is_a_label_value(text: str) -> None:
    assert LABEL.fullmatch(slug(text))


@given(st.text(), st.text(), st.text())
def test_alert_text_reaches_annotations_and_slugs_only(name: str, resource: str, group: str) -> None:
    job = planned(replace(event(), alertname=name, resource_id=resource, group_key=group))
    assert all(LABEL.fullmatch(value) for value in job["metadata"]["labels"].values())
    clean = planned(event())
    for manifest in (job, clean):
        manifest["metadata"] = manifest["spec"]["template"]["metadata"] = {}
    assert job == clean
