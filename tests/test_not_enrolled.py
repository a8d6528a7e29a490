"""No text that nobody enrolled reaches an agent that acts alone. tests/cases/not_enrolled.yaml has some."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache, partial
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from function.dispatch import enrolment, normalize, pipeline, translate
from function.dispatch.adapters.rego import Rego
from function.dispatch.decide import prepared, question
from function.dispatch.model import FOR_PEOPLE, Activity, Level, Outcome
from function.dispatch.policy_files import PolicyFiles, read
from function.shared.event import SREEvent
from function.shared.strict_json import to_json
from tests.harness.examples import examples
from tests.harness.fakes import CONTEXT, NOW, WHOLE, FakeWorld, delivery_json
from tests.harness.offline import offline
from tests.harness.process import ROOT
from tests.harness.reading import reading

CASES: dict[str, list[str]] = yaml.safe_load(
    (ROOT / "tests" / "cases" / "not_enrolled.yaml").read_text(encoding="utf-8")
)
FILES = read(ROOT / "policies")
POLICY = Rego(FILES)
IDLE = Activity(0, 0, 0, 0, 0)
LABELS = ("persistentvolumeclaim", "prometheus", "severity")
Alert = dict[str, Any]


def enrolled(labels: dict[str, str] | None = None, annotations: dict[str, Any] | None = None) -> Alert:
    """The enrolled alert, with these labels and annotations more."""
    (alert,) = deepcopy(delivery_json("asks-low")["alerts"])
    alert["labels"] |= labels or {}
    alert["annotations"] |= annotations or {}
    return dict(alert)


def summary(used: str, claim: str = "typedb-data") -> dict[str, str]:
    return {"summary": f"PVC {claim} in namespace f3iai is {used}% full"}


def told(alert: Alert) -> SREEvent:
    (event,) = translate.alert(alert, reading()).alerts
    assert isinstance(event, SREEvent)
    return event


def level(alert: Alert, policy: Rego = POLICY) -> str:
    """The level that the policy decides with whole facts."""
    event = told(alert)
    text = prepared(event, normalize.NormalizedText())
    answer: Any = policy.ask(question(event, text, IDLE, NOW.timestamp(), WHOLE))
    assert answer["policy_revision"]
    return str(answer["effective"])


PLACES: dict[str, Callable[[str], Alert]] = {
    "the summary": lambda text: enrolled(annotations={"summary": text}),
    "before the summary": lambda text: enrolled(annotations={"summary": text + summary("61.3")["summary"]}),
    "after the summary": lambda text: enrolled(annotations={"summary": summary("61.3")["summary"] + text}),
    "another annotation": lambda text: enrolled(annotations={"description": text}),
    "an annotation's name": lambda text: enrolled(annotations={text: ""}),
    "another label": lambda text: enrolled({"hint": text}),
    "a label's name": lambda text: enrolled({text: ""}),
    "the claim": lambda text: enrolled({"persistentvolumeclaim": text}, summary("61.3", text)),
    **{f"the label {name}": partial(lambda name, text: enrolled({name: text}), name) for name in LABELS},
}


def test_there_are_many_cases_in_many_languages() -> None:
    texts = [text for kind in CASES.values() for text in kind]
    assert len(set(texts)) == len(texts) >= 200
    assert all(isinstance(text, str) and text for text in texts)
    assert len(CASES) >= 35


def test_the_enrolled_alert_is_low() -> None:
    assert level(enrolled()) == "LOW"


@pytest.mark.parametrize("kind", CASES)
def test_a_text_that_nobody_enrolled_takes_low_away_wherever_it_stands(kind: str) -> None:
    low = [
        (text, place) for text in CASES[kind] for place, put in PLACES.items() if level(put(text)) == "LOW"
    ]
    assert low == []


@pytest.mark.parametrize("text", CASES["numbers that are none"])
def test_what_is_no_number_fits_no_gap_for_a_number(text: str) -> None:
    assert level(enrolled(annotations=summary(text))) != "LOW"


@pytest.mark.parametrize(
    "used", ["0", "61", "61.3", "100", "+5.25", "-1", "6.13e+01", "1e-3", "61.30000000000001"]
)
def test_another_number_stays_low(used: str) -> None:
    assert level(enrolled(annotations=summary(used))) == "LOW"


def test_fewer_texts_stay_low() -> None:
    for part in ("labels", "annotations"):
        for name in enrolled()[part]:
            if name not in ("alertname", "severity", "namespace", "persistentvolumeclaim"):
                fewer = enrolled()
                del fewer[part][name]
                assert level(fewer) == "LOW", name


@pytest.mark.parametrize("odd", [None, 7, True, ["PVC"], {"a": "b"}, "x" * 5000])
def test_an_annotation_that_is_no_text_takes_low_away(odd: Any) -> None:
    alert = enrolled(annotations={"hint": odd})
    if isinstance(odd, list | dict):
        assert not isinstance(translate.alert(alert, reading()).alerts[0], SREEvent)
    else:
        assert level(alert) != "LOW"


# Properties

NAMES = st.sampled_from(
    ("hint", "job", "zone", "summary", "description", "runbook_url", "number", "namespace")
)
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ("f3iai", "info", "typedb-data", "3", "3 GiB", "{number}", "{", "}", *summary("9").values())
    ),
)
MAPS = st.dictionaries(NAMES, TEXTS, max_size=3)


@given(MAPS, MAPS, st.sampled_from(("hint", "zone")), TEXTS, st.booleans())
@examples(40)
def test_one_more_label_or_annotation_never_lowers(
    labels: dict[str, str], annotations: dict[str, str], name: str, text: str, label: bool
) -> None:
    before = enrolled(labels, annotations)
    part = "labels" if label else "annotations"
    assume(name not in before[part])
    after = deepcopy(before)
    after[part][name] = text
    assert Level[level(after)] >= Level[level(before)]


PATTERNS = st.sampled_from(
    (
        "",
        "a",
        "PVC {hint} is {number}% full",
        "{hint}",
        "{number}",
        "{zone} {hint}",
        "x{number}",
        "{number}{number}",
    )
)
LISTED = st.dictionaries(NAMES, st.lists(PATTERNS, max_size=2), max_size=4)
ENROLMENTS = [
    entry for entry in FILES.data["config"]["autonomy"]["enrolled"].values() if not entry["cluster"]
]


@cache
def policy_with(labels: str, annotations: str) -> tuple[Rego, Any]:
    """The policy with one enrolment, of these labels and annotations beside those of the enrolled alert."""
    (own,) = ENROLMENTS
    entry = own | {
        "labels": own["labels"] | json.loads(labels),
        "annotations": own["annotations"] | json.loads(annotations),
    }
    config = FILES.data["config"] | {"autonomy": {"enrolled": {"one": entry}}}
    return Rego(PolicyFiles(FILES.modules, {**FILES.data, "config": config}, FILES.revision)), entry


@given(st.data())
@examples(30, slow_to_make=True)
def test_explain_names_a_text_exactly_if_the_policy_finds_one(data: st.DataObject) -> None:
    policy, entry = policy_with(*(to_json(data.draw(LISTED)) for _ in range(2)))
    texts = st.sampled_from(("", "a", "PVC a is 7% full", "7", "b a", "x7", "{", "}", "7s", "a b"))
    extra = [data.draw(st.dictionaries(NAMES, texts, max_size=3)) for _ in range(2)]
    alert = enrolled(*extra)
    assume(told(alert).namespaces == ("f3iai",))
    named = enrolment.misfits(alert, entry)
    assert (level(alert, policy) == "LOW") == (named == {"labels": [], "annotations": []})


# Through the whole path


def test_nothing_but_the_enrolled_texts_reaches_the_prompt() -> None:
    """All other parts of the alert, of its notification and of the facts hold a canary."""
    body = delivery_json("asks-low")
    (alert,) = body["alerts"]
    alert |= {
        "generatorURL": "canary",
        "fingerprint": "canary",
        "endsAt": "canary",
        "other": {"canary": "canary"},
    }
    body |= dict.fromkeys(("receiver", "groupKey", "externalURL", "notification_reason", "other"), "canary")
    body |= {name: {"canary": "canary"} for name in ("groupLabels", "commonLabels", "commonAnnotations")}
    facts = deepcopy(CONTEXT)
    note = {"title": "canary", "text": "canary"}
    facts["facts"].append({"kind": "note", "source": "canary", "age_seconds": 0, "data": note})
    app = replace(offline(), world=FakeWorld(facts))
    (result,) = pipeline.run(translate.webhook(body, reading()), app)
    assert result.decision and result.prompt
    assert (result.decision.effective, result.outcome) == ("LOW", Outcome.CREATED)
    assert "canary" not in result.prompt.text
    assert summary("61.3")["summary"] in result.prompt.text


@pytest.mark.parametrize("name", ["asks-low", "incident-75", "incident-90"])
def test_an_alert_that_the_policy_cannot_read_whole_gets_no_agent_and_people_are_told(name: str) -> None:
    (event,) = translate.webhook(delivery_json(name), reading()).alerts
    assert isinstance(event, SREEvent)
    text = prepared(event, normalize.NormalizedText(truncated=True))
    answer: Any = POLICY.ask(question(event, text, IDLE, NOW.timestamp(), WHOLE))
    assert not answer["allowed"]
    assert answer["denials"] == [{"code": "text_unread", "retry": False}]
    assert Outcome.DENIED in FOR_PEOPLE


def test_an_annotation_that_was_cut_is_investigated_because_no_agent_sees_the_rest() -> None:
    body = delivery_json("incident-90")
    body["alerts"][0]["annotations"] |= {"note": "x " * 3000 + "canary"}
    (result,) = pipeline.run(translate.webhook(body, reading()), offline())
    assert result.decision and result.prompt
    assert {reason.code for reason in result.decision.reasons} >= {"text_truncated"}
    assert (result.outcome, result.decision.mode) == (Outcome.CREATED, "investigate")
    assert "canary" not in result.prompt.text
