"""SREEvent, Decision, Prompt and the tier's template -> the Job manifest.

The template defines what the Job may do. This module adds a name, labels and annotations. The cluster's
admission policies refuse a Job with any other change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from function.dispatch import marks
from function.dispatch.model import Decision, Grant, Prompt
from function.shared.errors import PermanentError
from function.shared.event import SREEvent, digest
from function.shared.strict_json import to_json

MAX_EVENT = 64 * 1024
"""The size limit of the event's annotation in bytes. A larger event is written without its raw payload."""
MAX_ANNOTATIONS = 192 * 1024
"""The size limit of all annotations together in bytes. The API server allows 256 KiB for each object."""
MAX_LABEL = 63

LABEL_FORBIDDEN = re.compile(r"[^A-Za-z0-9_.-]+", re.ASCII)


def plan(
    event: SREEvent,
    decision: Decision,
    grant: Grant,
    prompt: Prompt,
    template: Mapping[str, Any],
    namespace: str,
) -> dict[str, Any]:
    """Returns the manifest of an allowed event's Job. `template` is the jobTemplate of the tier's CronJob.

    Raises PermanentError if the annotations exceed the limit.
    """
    labels = _labels(event, grant)
    on_pod = _pod_annotations(event, decision, prompt)
    on_job = {
        "sre-dispatch/identity": event.identity,
        "sre-dispatch/policy-revision": decision.policy_revision,
        "sre-dispatch/prompt-template": prompt.template,
        **marks.as_annotations(marks.of(event)),
    }
    size = sum(len(key) + len(value.encode()) for key, value in (on_pod | on_job).items())
    if size > MAX_ANNOTATIONS:
        raise PermanentError(
            "annotations_too_large",
            f"the Job's annotations have {size} bytes, {MAX_ANNOTATIONS} are allowed: shorten the prompt",
        )
    spec = template["spec"]
    pod = {**spec["template"], "metadata": {"labels": labels, "annotations": on_pod}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": event.job, "namespace": namespace, "labels": labels, "annotations": on_job},
        "spec": {**spec, "template": pod},
    }


def _labels(event: SREEvent, grant: Grant) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "sre-agent",
        "app.kubernetes.io/managed-by": "sre-dispatch",
        "sre-dispatch/tier": grant.tier,
        "sre-dispatch/alertname": slug(event.alertname),
        "sre-dispatch/resource": event.resource,
        "sre-dispatch/group": digest(event.group_key)[:16],
    }


def _pod_annotations(event: SREEvent, decision: Decision, prompt: Prompt) -> dict[str, str]:
    text = to_json(asdict(event))
    if len(text) > MAX_EVENT:
        text = to_json(asdict(replace(event, raw_payload={}, identity_labels={}, truncated=True)))
    return {
        "sre-dispatch/event": text,
        "sre-dispatch/decision": to_json(asdict(decision)),
        "sre-dispatch/prompt": prompt.text,
        "sre-dispatch/system-prompt": prompt.system,
    }


def slug(text: str) -> str:
    """Returns `text` as a label value. It has at most 63 characters, and only characters that Kubernetes
    allows."""
    return LABEL_FORBIDDEN.sub("-", text)[:MAX_LABEL].strip("-_.")
