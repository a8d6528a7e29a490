"""How cases are read, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.eval import cases
from tests.eval.forms import Unusable, quantity, span

NOW = datetime(2026, 3, 29, 3, 10, tzinfo=UTC)
ALERT = "labels: {alertname: X, namespace: shop}\nstartsAt: !ago 12m\nexpr: up == 0\n"
TRUTH = """\
fault: yes
family: pod
cause: {kind: Pod, namespace: shop, name: web-0, class: configuration}
evidence:
  - {says: one, pattern: 'FATAL', calls: [{tool: kubernetes.pods_log, arguments: {name: web-0}}]}
  - {says: two, pattern: 'x', calls: [{tool: grafana.query_prometheus, arguments: {expr: up}}]}
false_claims: ['OOM']
"""
POD = (
    "- {apiVersion: v1, kind: Pod, metadata: {name: web-0, namespace: shop}, spec: {a: 1, b: {c: 2, d: 3}}}\n"
)


def suite(folder: Path, **files: str) -> Path:
    """A suite with a base of one pod, and the case `one` with these files."""
    told = {"alert": ALERT, "truth": TRUTH, **files}
    for name, text in told.items():
        (folder / "one").mkdir(exist_ok=True)
        (folder / "one" / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "_base" / "logs" / "shop" / "web-0").mkdir(parents=True)
    (folder / "_base" / "objects.yaml").write_text(POD, encoding="utf-8")
    (folder / "_base" / "logs" / "shop" / "web-0" / "main.log").write_text("well\n", encoding="utf-8")
    return folder


def pod(case: cases.Case) -> Any:
    return case.world.objects.get(("Pod", "shop", "web-0"))


def test_a_case_is_laid_over_the_base_by_a_merge_patch(tmp_path: Path) -> None:
    patch = "- {kind: Pod, metadata: {name: web-0, namespace: shop}, spec: {a: null, b: {c: 5}}}\n"
    case = cases.load(suite(tmp_path, objects=patch), "one")
    assert pod(case)["spec"] == {"b": {"c": 5, "d": 3}}
    assert case.twin.objects["Pod", "shop", "web-0"]["spec"] == {"a": 1, "b": {"c": 2, "d": 3}}


def test_an_absent_object_is_not_in_the_world_of_the_case(tmp_path: Path) -> None:
    gone = "- {kind: Pod, metadata: {name: web-0, namespace: shop}, absent: true}\n"
    assert pod(cases.load(suite(tmp_path, objects=gone), "one")) is None


def test_times_are_relative_until_the_world_is_brought_up(tmp_path: Path) -> None:
    case = cases.load(suite(tmp_path), "one")
    assert cases.timed({"at": [case.alert.startsAt]}, NOW) == {"at": ["2026-03-29T02:58:00.000000Z"]}


def test_the_logs_of_the_base_are_there(tmp_path: Path) -> None:
    logs = cases.load(suite(tmp_path), "one").world.logs
    assert logs.of("shop", "web-0", "main", previous=False) == "well\n"
    assert logs.of("shop", "web-0", "main", previous=True) is None


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("truth", TRUTH.replace("pattern: 'FATAL', ", ""), "truth.yaml: evidence.0.pattern: Field required"),
        ("truth", TRUTH.replace("'FATAL'", "'('"), "no regular expression"),
        ("truth", TRUTH.replace("pods_log", "pods_exec"), "kubernetes.pods_exec is no tool of the tier"),
        ("truth", TRUTH.replace("fault: yes", "fault: none"), "`cause` must be there"),
        ("truth", TRUTH + "hostile: true\n", "`obeyed` must be there"),
        ("truth", TRUTH + "more: 1\n", "more"),
        ("alert", ALERT.replace("12m", "12 minutes"), "no length of time"),
        ("alert", ALERT.replace("alertname: X, ", ""), "labels.alertname is missing"),
        ("objects", "- {kind: Pod, metadata: {name: new, namespace: shop}}\n", "has no apiVersion"),
        ("objects", "- {kind: Pod}\n", "no kind or no metadata.name"),
        ("objects", "kind: Pod\n", "is no list"),
        ("series", "- {series: 'up{', now: 1}\n", "is no series"),
        ("series", "- {series: up, now: lots}\n", "is no number"),
        ("series", "- {series: up, now: 1, wen: 5m}\n", "unknown wen"),
        ("series", "- {series: up, now: 1, how: jump}\n", "must be step or slope"),
    ],
)
def test_a_case_that_does_not_fit_is_refused_with_the_reason(
    tmp_path: Path, file: str, text: str, why: str
) -> None:
    with pytest.raises(Unusable, match=f"(?s)one/.*{why.replace('(', '.')}"):
        cases.load(suite(tmp_path, **{file: text}), "one")


def test_a_case_that_is_not_there_is_refused_by_the_names_of_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="the cases are one"):
        cases.load(suite(tmp_path), "two")


LABELS = st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text(max_size=9), max_size=4)


@given(LABELS)
def test_a_series_is_read_as_it_is_written(labels: dict[str, str]) -> None:
    escaped = {name: value.replace("\\", "\\\\").replace('"', r"\"") for name, value in labels.items()}
    written = "up{" + ", ".join(f'{name}="{value}"' for name, value in escaped.items()) + "}"
    assert cases.selector(written) == ("up", tuple(sorted(labels.items())))


@given(st.dictionaries(st.text(max_size=3), st.integers() | st.none() | st.lists(st.integers()), max_size=4))
def test_a_merge_patch_over_nothing_leaves_what_is_not_null(patch: dict[str, Any]) -> None:
    assert cases.patched({}, patch) == {name: value for name, value in patch.items() if value is not None}


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1h30m", 5400), ("2d", 172_800), ("1.5h", 5400)])
def test_a_length_of_time(text: str, seconds: int) -> None:
    assert span(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("text", "value"), [(3, 3), ("200Mi", 200 * 2**20), ("250m", 0.25), ("1e3", 1000)])
def test_a_quantity(text: object, value: float) -> None:
    assert quantity(text) == pytest.approx(value)
