"""Why something is not known about a resource, as codes for programs and in words for readers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

WORDS: Mapping[str, str] = {
    "world_model_unreachable": "the world model could not be reached",
    "world_model_slow": "the world model did not answer in time",
    "world_model_status": "the world model answered with an error",
    "world_model_token": "the world model refused the function's token",
    "world_model_answer": "the world model's answer could not be read",
    "world_model_refused": "the world model refused the question",
    "kubernetes_unreachable": "the world model could not reach the API server",
    "kubernetes_slow": "the API server did not answer the world model in time",
    "kubernetes_status": "the API server answered the world model with an error",
    "kubernetes_answer": "the world model could not read the API server's answer",
    "kubernetes_forbidden": "the world model may not read something that it needs",
    "kubernetes_unconfigured": "the world model has no access to a cluster",
    "prometheus_unreachable": "the world model could not reach Prometheus",
    "prometheus_slow": "Prometheus did not answer the world model in time",
    "prometheus_status": "Prometheus answered the world model with an error",
    "prometheus_answer": "the world model could not read Prometheus' answer",
    "prometheus_none": "the world model has no Prometheus, so usage and growth are unknown",
    "prometheus_no_series": "Prometheus has no series of the resource",
    "memory_unreadable": "the record of earlier runs could not be read",
    "memory_unwritable": "the record of earlier runs could not be written",
    "no_source": "no world model is configured",
    "no_resource": "the alert names no resource",
    "bad_name": "the resource's name is not a valid name",
    "unknown_kind": "the world model does not describe this kind of resource",
    "other_cluster": "the world model reads another cluster",
    "not_found": "the cluster has no object of this kind and name now",
    "nothing_known": "the world model sent no fact",
    "too_many": "a listing was too long to be read whole",
    "cut": "some facts or parts of them were left out to keep a size limit",
    "stale": "some facts are too old",
    "bad_answer": "the world model's answer has the wrong form",
    "bad_fact": "a fact with the wrong form was left out",
    "dependency_error": "the client of the world model failed",
    "other": "the world model named a gap that this version does not know",
}
"""Every possible gap. A prompt shows gaps outside its data block, so a server must not invent gaps."""
GAPS = frozenset(WORDS)


def in_words(gaps: Iterable[str]) -> list[str]:
    """Returns the gaps in words, in their order, each once."""
    return list(dict.fromkeys(WORDS.get(gap, WORDS["other"]) for gap in gaps))
