"""How the tests read labels: by labels.yaml alone."""

from __future__ import annotations

from collections.abc import Mapping

from function.dispatch import identity, labels
from function.dispatch.labels import Reading
from function.dispatch.subject import read, subject
from function.shared.event import Subject

RULES = labels.load()


def reading(cluster: str = "") -> Reading:
    return Reading(RULES, cluster)


def subject_of(given: Mapping[str, str]) -> Subject:
    return subject(read(given, RULES), RULES).subject


def kept_of(given: Mapping[str, str], cluster: str = "") -> dict[str, str]:
    """The labels that are part of the identity."""
    series = read(given, RULES)
    _, home_label = reading(cluster).cluster_of(series.given, series.teller)
    return identity.labels_of(series, subject(series, RULES), home_label, RULES)


def identity_of(given: Mapping[str, str], cluster: str = "fmc") -> str:
    series = read(given, RULES)
    home, _ = reading(cluster).cluster_of(series.given, series.teller)
    return identity.identify(subject_of(given), given.get("alertname", ""), home, kept_of(given, cluster))
