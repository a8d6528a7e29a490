"""labels.yaml, and an operator's file over it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from function.dispatch import labels
from function.dispatch.labels import MAX_FILE, SHIPPED, LabelRules, Reading, pattern
from function.dispatch.subject import read, subject
from function.shared.errors import Misconfigured
from function.shared.event import Subject


def over(folder: Path, text: str) -> LabelRules:
    """The rules with this operator's file."""
    path = folder / "labels.yaml"
    path.write_text(text, encoding="utf-8")
    return labels.load(path)


def test_an_operators_subject_goes_before_ours(tmp_path: Path) -> None:
    given = {"namespace": "shop", "pod": "gateway-0", "instance": "10.1.1.1:80", "tunnel": "a-to-b"}
    ours = subject(read(given, labels.load()), labels.load()).subject
    rules = over(tmp_path, "subjects:\n  - {label: tunnel, type: tunnel, tellers: [app]}\n")
    assert ours == Subject("k8s_pod", "shop", "gateway-0")
    assert subject(read(given, rules), rules).subject == Subject("tunnel", "shop", "a-to-b")
    assert len(rules.subjects) == len(labels.load().subjects) + 1


def test_an_operator_decides_what_a_label_says(tmp_path: Path) -> None:
    rules = over(tmp_path, "volatile: [build]\nidentifying: [version]\naspects: [squad]\nstate: [mood]\n")
    assert [rules.kind(name) for name in ("build", "version", "squad", "mood")] == [
        "volatile",
        "identifying",
        "aspect",
        "state",
    ]
    assert rules.kind("image") == "volatile" and labels.load().kind("version") == "volatile"


def test_an_operator_adds_exporters_synonyms_and_severities(tmp_path: Path) -> None:
    text = "tellers: {exporters: [ours]}\nsynonyms: {pod: [task]}\nseverities: {page: HIGH, p3: LOW}\n"
    rules = over(tmp_path, text)
    assert rules.tellers["exporters"]("ours") and rules.tellers["exporters"]("redis-exporter")
    assert rules.standard["task"] == rules.standard["pod_name"] == "pod"
    assert rules.severities["p3"] == "LOW" and rules.severities["warning"] == "MEDIUM"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- a list", "it: Input should be"),
        ("subject: []", "subject: Extra inputs"),
        ("volatile: build", "volatile: Input should be"),
        ("severities: {page: WORST}", "severities.page: Input should be"),
        ("subjects: [{label: x, type: K8S}]", "subjects.0.type: String should match"),
        ("subjects: [{label: x, type: y, tellers: [nobody]}]", "the teller nobody: add it to `tellers`"),
        ("{", r"cannot be read \(ParserError\): it must be YAML"),
        ("a: &a [*a]", "Extra inputs"),
        ("volatile: [2026-13-41]", r"cannot be read \(ValueError\)"),
        ("volatile: [" + "9" * 5000 + "]", r"cannot be read \(ValueError\)"),
        ("volatile: !!bool x", r"cannot be read \(KeyError\)"),
        ("volatile: !!int ''", r"cannot be read \(IndexError\)"),
        ("volatile: !!timestamp x", r"cannot be read \(AttributeError\)"),
        ("#" * (MAX_FILE + 1), f"more than {MAX_FILE} bytes"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_name(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(Misconfigured, match=complaint):
        over(tmp_path, text)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"none\.yaml cannot be read \(FileNotFoundError\)"):
        labels.load(tmp_path / "none.yaml")


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert over(tmp_path, "# nothing yet\n").subjects == labels.load().subjects


def test_no_label_is_in_two_of_our_lists() -> None:
    shipped = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    listed = [
        name for part in ("target", "volatile", "state", "aspects", "identifying") for name in shipped[part]
    ]
    assert sorted(listed) == sorted(set(listed))


@given(st.text(), st.text(), st.text(alphabet="a*.|", max_size=6))
def test_a_name_matches_as_its_stars_say(before: str, after: str, name: str) -> None:
    matches = pattern((name,))
    assert matches(name.replace("*", before))
    assert matches(before + name.strip("*") + after) or not (name.startswith("*") and name.endswith("*"))
    assert matches(f"{name.replace('*', before)}!") == name.endswith("*") and not pattern(())(before)


ES = {"alertname": "Red", "cluster": "search-main"}


@pytest.mark.parametrize(
    ("reading", "given", "teller", "expected"),
    [
        ({}, {"alertname": "A"}, "app", ("", "")),
        ({"cluster": "prod"}, {"alertname": "A"}, "app", ("prod", "")),
        ({"cluster": "prod"}, {"cluster": "edge"}, "objects", ("edge", "cluster")),
        ({}, {"k8s_cluster_name": "edge"}, "none", ("edge", "k8s_cluster_name")),
        ({"cluster": "prod"}, ES, "exporters", ("prod", "")),
        ({"cluster": "prod"}, ES, "ceph", ("prod", "")),
        ({}, ES, "exporters", ("search-main", "cluster")),
        ({"cluster": "prod", "cluster_label": "k8s"}, ES | {"k8s": "edge"}, "exporters", ("edge", "k8s")),
        ({"cluster": "prod", "cluster_label": "k8s"}, ES, "app", ("prod", "")),
    ],
)
def test_the_cluster_of(
    reading: dict[str, str], given: dict[str, str], teller: str, expected: tuple[str, str]
) -> None:
    assert Reading(labels.load(), **reading).cluster_of(given, teller) == expected
