"""What can be said without an API server about whether it admits a Job. tests/real/test_admission.py asks a
real one."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import yaml
from kubernetes.client import V1Job

from function.shared.strict_json import Json, to_json
from tests.harness.backends import TIERS
from tests.harness.process import ROOT

LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?", re.ASCII)
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
KEY = re.compile(r"'((?:sre-dispatch|app\.kubernetes\.io)/[a-z-]+)'")
MAX_ANNOTATIONS = 256 * 1024
"""The API server's limit for all annotations of an object, in bytes."""
MAX_OBJECT = 1536 * 1024
"""etcd's limit for an object, in bytes."""


@cache
def _keys() -> tuple[set[str], set[str], set[str]]:
    """The keys that knative/base/admission.yaml allows: of labels, of a Job's annotations, of a pod's."""
    policies = yaml.safe_load_all((ROOT / "knative" / "base" / "admission.yaml").read_text(encoding="utf-8"))
    (shape,) = (
        each["spec"]
        for each in policies
        if each["metadata"]["name"] == "sre-dispatch-shape" and "variables" in each["spec"]
    )
    (ours,) = (each["expression"] for each in shape["variables"] if each["name"] == "ours")
    (annotations,) = (
        each["expression"] for each in shape["validations"] if "annotations.orValue" in each["expression"]
    )
    on_job, on_pod = annotations.split("&&")
    return set(KEY.findall(ours)), set(KEY.findall(on_job)), set(KEY.findall(on_pod))


def admitted(manifest: Json) -> None:
    """Asserts that the API server and our admission policies take this Job, as far as Python can tell."""
    V1Job.from_dict(dict(manifest))  # knows every field and its type
    labels, on_job, on_pod = _keys()
    assert set(manifest) == {"apiVersion", "kind", "metadata", "spec"}
    assert (manifest["apiVersion"], manifest["kind"]) == ("batch/v1", "Job")
    job, pod = manifest["metadata"], manifest["spec"]["template"]["metadata"]
    assert set(job) == {"name", "namespace", "labels", "annotations"} and NAME.fullmatch(job["name"])
    assert set(pod) == {"labels", "annotations"} and pod["labels"] == job["labels"]
    assert set(job["labels"]) == labels and all(map(LABEL_VALUE.fullmatch, job["labels"].values()))
    assert set(job["annotations"]) <= on_job and set(pod["annotations"]) <= on_pod
    assert all(_size(each["annotations"]) <= MAX_ANNOTATIONS for each in (job, pod))
    assert len(to_json(manifest)) <= MAX_OBJECT
    template = TIERS[f"sre-agent-{job['labels']['sre-dispatch/tier']}"]["spec"]["jobTemplate"]["spec"]
    assert _without_metadata(manifest["spec"]) == _without_metadata(template)


def _size(annotations: dict[str, str]) -> int:
    return sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())


def _without_metadata(spec: Any) -> Any:
    return spec | {"template": spec["template"] | {"metadata": None}}
