"""The embedded engine and a real OPA say the same, to the byte, or the embedded one refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given

from function.commands import explain
from function.dispatch import decide, normalize, translate
from function.dispatch.adapters.opa import PARAMETERS, PATH
from function.dispatch.adapters.rego import Rego
from function.dispatch.model import Activity
from function.dispatch.policy_files import read
from function.shared.errors import Unavailable
from function.shared.event import SREEvent
from function.shared.strict_json import parse
from tests.harness.corpus import ENTRIES, FILES, delivered
from tests.harness.deliveries import AT, DELIVERIES
from tests.harness.examples import examples
from tests.harness.fakes import NOW, WHOLE
from tests.harness.process import ROOT
from tests.harness.questions import mistyped, questions
from tests.harness.reading import reading

pytestmark = pytest.mark.real

EMBEDDED = Rego(read(ROOT / "policies"))
MANY = examples(300, slow_to_make=True)


@pytest.fixture(scope="module")
def opa(opa_url: str, opa_token: Path) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {opa_token.read_text().strip()}"}
    with httpx.Client(base_url=opa_url, headers=headers, trust_env=False) as client:
        yield client


def answered(opa: httpx.Client, document: Any) -> Any:
    """What OPA says, also where our adapter would not take it for a decision."""
    reply = opa.post(PATH, params=PARAMETERS, json={"input": document})
    return reply.json().get("result") if reply.status_code == 200 else Unavailable


def embedded(document: Any) -> Any:
    try:
        return EMBEDDED.ask(document)
    except Unavailable:
        return Unavailable


@pytest.mark.parametrize("path", DELIVERIES, ids=lambda path: path.stem)
def test_explain_is_the_same_by_both_engines(
    path: Path, opa_url: str, opa_token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRE_DISPATCH_OPA_TOKEN_FILE", str(opa_token))
    here = explain.as_json(explain.explain(path.read_bytes(), at=AT))
    assert explain.as_json(explain.explain(path.read_bytes(), at=AT, opa_url=opa_url)) == here


@pytest.mark.parametrize("name", FILES)
def test_the_corpus_is_decided_the_same(name: str, opa: httpx.Client) -> None:
    for entry in ENTRIES[name]:
        delivery = translate.webhook(parse(delivered(entry, "warning")), reading())
        (event,) = delivery.alerts
        assert isinstance(event, SREEvent)
        text = decide.prepared(event, normalize.read(delivery.notification))
        document = decide.question(event, text, Activity(0, 0, 0, 0, 0), NOW.timestamp(), WHOLE)
        assert answered(opa, document) == embedded(document), entry["name"]


@MANY
@given(document=questions())
def test_any_question_is_decided_the_same(opa: httpx.Client, document: Any) -> None:
    assert answered(opa, document) == embedded(document)


@MANY
@given(document=mistyped())
def test_a_mistyped_question_is_refused_by_both_or_by_the_embedded_engine_alone(
    opa: httpx.Client, document: Any
) -> None:
    theirs, ours = answered(opa, document), embedded(document)
    assert ours in (theirs, Unavailable)
    for answer in (theirs, ours):
        assert answer is Unavailable or answer["allowed"] is False
