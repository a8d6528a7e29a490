"""Which volumes of a namespace are nearly full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from function.shared.fact_fields import MAX_NAME
from function.shared.facts import Fact, fact
from function.shared.prometheus import quoted
from function.shared.surroundings import FullVolume, FullVolumes
from function.shared.text import cut
from function.worldmodel.metrics import PART, parts, query
from function.worldmodel.reader import Look
from function.worldmodel.usage import KUBELET, SOURCE, VOLUME, short

MAX_VOLUMES = 5
PERCENT = 85
"""From this share on a volume is told."""
SERIES = {"bytes": ("used_bytes", "capacity_bytes"), "inodes": ("inodes_used", "inodes")}


def full_volumes(look: Look, namespace: str) -> Callable[[], list[Fact]]:
    """Queries the fullest volumes of the namespace. Returns a function that waits for them."""
    where = f"{{{KUBELET},namespace={quoted(namespace)}}}"
    asked = {
        of: f"topk({MAX_VOLUMES}, max by (persistentvolumeclaim) "
        f"(100 * {VOLUME}{used}{where} / {VOLUME}{size}{where}) > {PERCENT})"
        for of, (used, size) in SERIES.items()
    }
    samples = query(look, parts(asked))

    def facts() -> list[Fact]:
        fullest = sorted(samples(), key=lambda each: -each.value)[:MAX_VOLUMES]
        found = []
        for each in fullest:
            of: Any = each.labels.get(PART, "")
            claim = cut(each.labels.get("persistentvolumeclaim", ""), MAX_NAME)
            found.append(FullVolume(claim, of, short(each.value)))
        return [fact(FullVolumes(tuple(found)), SOURCE)] if found else []

    return facts
