"""Checks whether the tiers name their images by digest.

A tag can be moved to another image. In a container that holds a credential, the other image has the
credential too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from function.commands.check.cluster import ClusterAudit
from function.commands.check.rows import Row, value_at
from function.commands.check.tiers import cronjob_of
from function.dispatch.model import Grant
from function.dispatch.settings import Settings
from function.shared.errors import DispatchError
from function.shared.text import cut

DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}", re.ASCII)
EXEMPT = "sre-dispatch/images-by-tag"
"""The annotation of a tier's CronJob with the reason why its images may have tags. knative/overlays/kind sets
it."""
REMEDY = "pin the digest in `images:` of your overlay, as knative/overlays/production shows"
MAX_REASON = 100


def image_rows(cluster: ClusterAudit, settings: Settings, grants: Iterable[Grant]) -> Iterator[Row]:
    """Yields one row for each tier."""
    for grant in grants:
        try:
            cronjob = cronjob_of(cluster, settings, grant)
        except DispatchError as error:
            yield Row(f"images: {grant.tier}", passed=False, detail=str(error))
            continue
        if cronjob is None:
            what = f"there is no CronJob {grant.template}: apply knative/tiers"
            yield Row(f"images: {grant.tier}", passed=False, detail=what)
        else:
            yield judged(f"images: {grant.tier}", cronjob)


def judged(name: str, cronjob: Mapping[str, Any]) -> Row:
    """Returns the row about one tier. It fails if a container holds a credential and its image has no digest.
    It warns if another image has no digest, or if the annotation EXEMPT gives a reason."""
    pod = value_at(cronjob, "spec", "jobTemplate", "spec", "template", "spec") or {}
    containers = [*(pod.get("initContainers") or ()), *(pod.get("containers") or ())]
    by_tag = [each for each in containers if not DIGEST.fullmatch(str(each.get("image", "")))]
    if not by_tag:
        return Row(name, passed=True, detail="pinned by digest")
    reason = value_at(cronjob, "metadata", "annotations", EXEMPT)
    if isinstance(reason, str) and reason:
        shown = "".join(filter(str.isprintable, cut(reason, MAX_REASON)))
        return Row(name, passed=True, detail=f"not pinned by digest: {shown}", warning=True)
    secret = _secret_volumes(pod)
    holders = [each for each in by_tag if _holds_credential(each, pod, secret)]
    if holders:
        detail = f"no digest, and the container has a credential: {_named(holders)}: {REMEDY}"
        return Row(name, passed=False, detail=detail)
    return Row(name, passed=True, detail=f"no digest: {_named(by_tag)}: {REMEDY}", warning=True)


def _named(containers: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(f"{each.get('name')} ({each.get('image')})" for each in containers)


def _secret_volumes(pod: Mapping[str, Any]) -> frozenset[str]:
    """Returns the names of the volumes that may contain a credential. A driver (csi) may mount anything."""
    return frozenset(
        volume["name"]
        for volume in pod.get("volumes") or ()
        if "secret" in volume
        or "csi" in volume
        or any(
            source.keys() & {"secret", "serviceAccountToken", "podCertificate"}
            for source in value_at(volume, "projected", "sources") or ()
        )
    )


def _holds_credential(container: Mapping[str, Any], pod: Mapping[str, Any], secret: frozenset[str]) -> bool:
    """Returns whether the container has a credential in a variable or a volume."""
    return (
        pod.get("automountServiceAccountToken") is not False
        or any(value_at(each, "valueFrom", "secretKeyRef") for each in container.get("env") or ())
        or any("secretRef" in each for each in container.get("envFrom") or ())
        or any(each.get("name") in secret for each in container.get("volumeMounts") or ())
    )
