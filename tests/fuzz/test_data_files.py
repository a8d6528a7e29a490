"""Files of an operator with flaws: each can be used, or the message says what is wrong with it."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from function.commands.enrolment import enrolments
from function.dispatch import labels, policy_files, translate
from function.dispatch.labels import SHIPPED, Reading
from function.shared.errors import Misconfigured, Rejected
from function.worldmodel.serve import governance
from tests.harness.examples import fuzzed
from tests.harness.fakes import delivery_json
from tests.harness.mutations import bodies, flawed, spoiled
from tests.harness.process import ROOT

OURS = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
THEIRS = {
    "subjects": [{"label": "tunnel", "type": "tunnel"}, {"label": "vm", "type": "vm", "scope": "cluster"}],
    "volatile": ["build"],
    "aspects": ["squad"],
    "synonyms": {"pod": ["task"]},
    "tellers": {"exporters": ["ours"]},
    "severities": {"page": "HIGH"},
    "state_values": {"mood": ["good", "b*d"]},
}
WORDS = ("*", "**", "app", "pod", "namespace", "cluster", "HIGH", "exported_pod", "objects")
DELIVERIES = [delivery_json(name) for name in ("exporter-labels", "incident-75", "no-resource")]
ODD_YAML = (
    b" !!bool x #",
    b" !!int '' #",
    b" !!timestamp x #",
    b" 2026-13-41 #",
    b" 2026-11-30 #",
    b" &a [*a] #",
    b" *none #",
    b" !!python/object:os.system x #",
    b" {? [1]} #",
    b" |\n ",
    b" 1_0:60 #",
)
AUTONOMY = ROOT / "policies" / "config" / "autonomy" / "data.yaml"


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders that are each used once: what was read of a file is kept."""
    base = tmp_path_factory.mktemp("data")
    return (base / f"{number}" for number in itertools.count())


@st.composite
def files(draw: st.DrawFn, documents: list[Any]) -> bytes:
    """A document as YAML, with flaws."""
    document = draw(flawed(st.sampled_from(documents), words=WORDS))
    try:
        text = yaml.safe_dump(document, allow_unicode=draw(st.booleans()))
    except (yaml.YAMLError, RecursionError):
        text = repr(document)
    content = draw(spoiled(text.encode("utf-8", "replace")))
    is_odd, colons = draw(st.booleans()), [place for place, byte in enumerate(content) if byte == ord(":")]
    if is_odd and colons:
        place = draw(st.sampled_from(colons))
        content = content[: place + 1] + draw(st.sampled_from(ODD_YAML)) + content[place + 1 :]
    return content


@given(files([THEIRS, THEIRS, OURS]))
@fuzzed(100)
def test_any_file_of_label_rules_is_used_or_refused_by_name(places: Iterator[Path], content: bytes) -> None:
    path = next(places)
    path.write_bytes(content)
    try:
        rules = labels.load(path)
    except Misconfigured as error:
        message = str(error)
    else:
        message = str(path)
        for body in DELIVERIES:
            assert translate.webhook(body, Reading(rules)).alerts
    assert str(path) in message or "labels file" in message


@given(files([yaml.safe_load(AUTONOMY.read_text(encoding="utf-8"))]))
@fuzzed(50)
def test_any_file_of_enrolments_is_used_or_refused_by_name(places: Iterator[Path], content: bytes) -> None:
    overlay = next(places)
    path = overlay / "config" / "autonomy" / "data.yaml"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    try:
        found = policy_files.read(ROOT / "policies", overlay)
    except Misconfigured as error:
        flaws = [str(error)]
    else:
        flaws = [*policy_files.flawed(found.data["config"], ROOT / "policies" / "schemas" / "config")]
    assert all("config/autonomy" in flaw for flaw in flaws)


@pytest.mark.parametrize("odd", ODD_YAML, ids=repr)
def test_what_only_yaml_knows_is_read_or_refused_by_name(places: Iterator[Path], odd: bytes) -> None:
    overlay = next(places)
    path = overlay / "config" / "autonomy" / "data.yaml"
    path.parent.mkdir(parents=True)
    readers: dict[bytes, Callable[[], object]] = {
        b"volatile:": lambda: labels.load.__wrapped__(path),
        b"namespaces:": lambda: governance(path),
        b"enrolled:": lambda: policy_files.read(ROOT / "policies", overlay),
    }
    for key, read in readers.items():
        path.write_bytes(key + odd + b"\n")
        with contextlib.suppress(Misconfigured):
            read()


LIMITS = {"namespaces": {"f3iai": {"classification": "internal", "scope": "autonomous"}, "shop": {}}}


@given(files([LIMITS]))
@fuzzed(100)
def test_any_file_of_limits_is_used_or_refused_by_name(places: Iterator[Path], content: bytes) -> None:
    path = next(places)
    path.write_bytes(content)
    try:
        found = governance(path)
    except Misconfigured as error:
        message = str(error)
    else:
        message = f"{path} {[asdict(limit) for limit in found.values()]}"
    assert str(path) in message


@given(bodies(DELIVERIES))
@fuzzed(100)
def test_any_delivery_has_enrolments_or_is_refused(body: bytes) -> None:
    try:
        text = enrolments(body, {})
    except Rejected:
        return
    assert yaml.safe_load(text) is not None and text.isascii()
