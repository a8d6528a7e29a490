"""Why a pod has no node yet: the volumes that only some nodes can attach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from function.worldmodel import objects
from function.worldmodel.objects import Object
from function.worldmodel.reader import Look

MAX_CLAIMS = 5


def volumes(look: Look, pod: Object) -> list[str]:
    """Returns each claim of a pod without a node: whether it is bound, and which nodes its volume needs."""
    if objects.spec(pod).get("nodeName"):
        return []
    named = sorted(objects.claims(pod))[:MAX_CLAIMS]
    requested = {each: look.get("PersistentVolumeClaim", each, objects.namespace(pod)) for each in named}
    claims = {each: claim() for each, claim in requested.items()}
    bound = {
        each: look.get("PersistentVolume", volume)
        for each, claim in claims.items()
        if (volume := objects.spec(claim or {}).get("volumeName"))
    }
    return [_claim(each, claims[each], bound[each]() if each in bound else None) for each in named]


def _claim(name: str, claim: Object | None, volume: Object | None) -> str:
    if claim is None:
        return f"{name} does not exist"
    if volume is None:
        named = objects.spec(claim).get("storageClassName") or "none"
        return f"{name} is {objects.status(claim).get('phase', 'unknown')}, its storage class is {named}"
    terms = ((objects.spec(volume).get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms")
    needed = " or ".join(", ".join(_expressions(each)) for each in terms or ())
    return f"{name} is {objects.name(volume)}, which needs " + (
        f"a node with {needed}" if needed else "no node"
    )


def _expressions(term: Mapping[str, Any]) -> Iterator[str]:
    for each in term.get("matchExpressions") or ():
        yield " ".join([each["key"], each["operator"].lower(), *map(str, each.get("values") or ())])
