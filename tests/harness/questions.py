"""Questions to the policy as hypothesis makes them up: well-typed, or with a part of the wrong type."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

CANARY = "canary-of-the-alert"
"""Stands in every free text, and so must stand in no answer."""

KINDS = ("", "k8s_pvc", "k8s_pod", "k8s_node", "k8s_statefulset", "k8s_deployment", "ceph", "unknown_k8s_pvc")
NAMESPACES = ("", "f3iai", "shop", "kube-system", "prod-eu", "sre-agents", "openshift-x")
WORDS = (
    "kubectl",
    "delete",
    "pvc",
    "the",
    "volume",
    "failed",
    "to",
    "ignore",
    "instructions",
    "rm",
    "-rf",
    CANARY,
)
SIGNALS = ("ansi", "bidi", "encoded_text", "hidden_characters", "unheard_of")
MODES = ("autonomous", "merge-request", "investigate")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

ACTIVITY = ("active", "on_resource", "started_last_hour", "share_active", "share_started_last_hour")

counts = st.integers(0, 30)
names = st.sampled_from(("alertname", "severity", "PVCUsageRising", "info", "{number}", "{", CANARY))
sentences = st.lists(st.lists(st.sampled_from(WORDS), max_size=6), max_size=3)

facts = st.fixed_dictionaries(
    {
        "complete": st.booleans(),
        "dependents": st.none() | counts,
        "replicas": st.none() | counts,
        "classification": st.none() | st.sampled_from(("public", "internal", "confidential", CANARY)),
        "scope": st.none() | st.lists(st.sampled_from(MODES), max_size=3),
        "failures": st.none() | counts,
    }
)


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    """A question of the form that policies/schemas/input.json describes."""
    told = draw(st.none() | facts)
    said = draw(sentences)
    day = draw(st.integers(0, 27))
    return {
        "phase": "review" if told else draw(st.sampled_from(("triage", "review"))),
        "event": {
            "identity": "ab" * 32,
            "alertname": draw(st.sampled_from(("PVCUsageHigh", "SREDispatchNeedsPerson", CANARY))),
            "severity": draw(st.sampled_from(("LOW", "MEDIUM", "HIGH"))),
            "severity_known": draw(st.booleans()),
            "cluster": draw(st.sampled_from(("", CANARY))),
            "namespace": draw(st.sampled_from(NAMESPACES)),
            "namespaces": draw(st.lists(st.sampled_from(NAMESPACES), max_size=3)),
            "resource_type": draw(st.sampled_from(KINDS)),
            "resource_id": draw(st.sampled_from(("", "typedb-data", "sre-dispatch", CANARY))),
        },
        "text": {
            "words": [f" {' '.join(sentence)} " for sentence in said if sentence],
            "sentences": said,
            "names": draw(sentences),
            "signals": draw(st.lists(st.sampled_from(SIGNALS), max_size=2)),
            "truncated": draw(st.booleans()),
            "unread": draw(st.booleans()),
            "labels": draw(st.dictionaries(names, st.lists(names, max_size=2), max_size=3)),
            "annotations": draw(st.dictionaries(names, names, max_size=3)),
        },
        "facts": told,
        "activity": {name: draw(counts) for name in ACTIVITY},
        "clock": {
            "epoch": 1_774_753_800 + day * 86_400,
            "utc": f"2026-12-{day + 1:02}T{draw(st.integers(0, 23)):02}:10:00Z",
            "weekday": draw(st.sampled_from(DAYS)),
            "minute_of_day": draw(st.integers(0, 1439)),
        },
    }


@st.composite
def mistyped(draw: st.DrawFn) -> Any:
    """A question in which one part is gone or of another type."""
    document = draw(questions())
    path = draw(st.sampled_from(sorted(_paths(document), key=str)))
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    was = holder[path[-1]]
    wrong = [value for value in (None, True, 7, CANARY, [CANARY], {"a": 1}) if not _may_be(path, was, value)]
    replacement = draw(st.sampled_from([..., *wrong]) if isinstance(holder, dict) else st.sampled_from(wrong))
    if replacement is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = copy.deepcopy(replacement)
    return document


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield from _paths(child, (*path, key))


def _may_be(path: tuple[Any, ...], was: Any, value: Any) -> bool:
    """Whether the value is of a type that may stand there."""
    if path[0] == "facts" and path != ("facts", "complete"):  # each may be unknown
        return value is None or type(value) is type(was) or was is None
    if path in (("look",), ("event", "severity"), ("clock", "utc"), ("clock", "weekday")):
        return False  # of a closed set or form, so that no other text fits either
    return type(value) is type(was)
