from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest
from pydantic import ValidationError

from function.dispatch import decide, normalize
from function.dispatch.adapters.rego import Rego
from function.dispatch.model import Activity, Facts
from function.dispatch.policy_files import PolicyFiles, read
from function.shared.errors import Unavailable
from function.shared.event import STORM
from tests.harness.fakes import NOW, SAFE, WHOLE, decided, decision, event, refused
from tests.harness.process import ROOT

EVENT = event()
IDLE = Activity(0, 0, 0, 0, 0)
TEXT = decide.prepared(EVENT, normalize.NormalizedText())


def asked(facts: Facts | None = None) -> Any:
    return decide.question(EVENT, TEXT, IDLE, NOW.timestamp(), facts)


def answered(answer: Any) -> Any:
    return decide.decide(EVENT, answer)


def test_the_question_of_triage_has_no_facts() -> None:
    document = asked()
    assert (document["phase"], document["facts"]) == ("triage", None)
    assert document["event"] == {
        "identity": EVENT.identity,
        "alertname": "PVCUsageHigh",
        "severity": "MEDIUM",
        "severity_known": True,
        "cluster": "fmc",
        "namespace": "f3iai",
        "namespaces": ["f3iai"],
        "resource_type": "k8s_pvc",
        "resource_id": "typedb-data",
    }
    assert document["clock"] == {
        "epoch": int(NOW.timestamp()),
        "utc": "2026-03-29T03:10:00Z",
        "weekday": "sunday",
        "minute_of_day": 190,
    }
    assert " pvc typedb-data is 75.2 full " in document["text"]["words"]
    assert ["pvc", "typedb-data", "is", "75.2", "full"] in document["text"]["sentences"]


def test_the_text_is_that_of_the_alert_and_of_its_notification() -> None:
    hidden = normalize.read({"note": "de\u200blete"})
    text = decide.prepared(EVENT, hidden)
    assert (" delete " in text.words, text.signals) == (True, ["hidden_characters"])


def test_what_was_cut_before_it_was_read_is_truncated_and_what_was_not_read_is_unread() -> None:
    """An agent sees nothing of the first, and all of the second."""
    assert (TEXT.truncated, TEXT.unread) == (False, False)
    cut = decide.prepared(replace(EVENT, truncated=True), normalize.NormalizedText())
    assert (cut.truncated, cut.unread) == (True, False)
    unread = decide.prepared(EVENT, normalize.NormalizedText(truncated=True))
    assert (unread.truncated, unread.unread) == (False, True)


def test_the_text_of_a_storm_is_never_unread_because_each_of_its_alerts_was_read_before() -> None:
    storm = replace(EVENT, source=STORM)
    text = decide.prepared(storm, normalize.NormalizedText(truncated=True))
    assert (text.truncated, text.unread) == (True, False)


def test_labels_and_annotations_come_as_enrolments_are_compared_with_them() -> None:
    assert TEXT.annotations["summary"] == "PVC typedb-data is {number}% full"
    assert TEXT.labels["node"] == ["fmc-worker-2", "fmc-worker-{number}"]
    assert set(TEXT.labels) == set(EVENT.raw_payload["labels"])


def test_missing_context_is_null_in_the_review_and_present_context_says_whether_it_is_whole() -> None:
    assert asked(Facts(gaps=("no_source",)))["facts"] is None
    assert asked(WHOLE)["facts"] == {"complete": True, **asdict(SAFE), "scope": list(SAFE.scope or ())}
    unknown = dict.fromkeys(("dependents", "replicas", "classification", "scope", "failures"))
    assert asked(Facts(items=({"a": 1},)))["facts"] == {"complete": False, **unknown}
    assert asked(Facts(items=({"a": 1},)))["phase"] == "review"


def test_the_question_is_checked_before_it_is_asked() -> None:
    with pytest.raises(ValidationError):
        decide.question(EVENT, TEXT, Activity(-1, 0, 0, 0, 0), NOW.timestamp())


def test_a_well_formed_answer_is_a_decision() -> None:
    assert answered(decided()) == decision()


def test_blocked_is_a_decision_too() -> None:
    assert not answered(refused()).allowed


NO_DECISIONS: dict[str, Any] = {
    "nothing": None,
    "an empty object": {},
    "a text": "allowed",
    "a list": [decided()],
    "a key more": decided(extra=True),
    "a text for a truth": decided(allowed="true"),
    "a number for a truth": decided(allowed=1),
    "an unknown level": decided(effective="NONE"),
    "an unknown mode": decided(mode="yolo"),
    "a lower level than asked": decided("LOW"),
    "another initial level": decided(initial="LOW"),
    "no revision": decided(policy_revision=""),
    "a level below one of its reasons": decided(reasons=[{"code": "x", "level": "CRITICAL", "rule": "x"}]),
    "a level above all of its reasons": decided(
        "HIGH", reasons=[{"code": "x", "level": "MEDIUM", "rule": "x"}]
    ),
    "a rule that is no name": decided(reasons=[{"code": "x", "level": "MEDIUM", "rule": "a b"}]),
    "a tier that is no name": decided(grant=decided()["grant"] | {"tier": "../x"}),
    "a grant of another mode": decided(mode="autonomous"),
    "allowed without a grant": decided(grant=None, mode="blocked"),
    "allowed in spite of a denial": decided(denials=[{"code": "budget", "retry": True}]),
    "allowed at CRITICAL": decided(effective="CRITICAL"),
    "a grant although blocked": refused(grant=decided()["grant"]),
    "blocked for no reason": refused(effective="HIGH"),
    "a reason that is no code": decided(reasons=[{"code": "PVC is full", "level": "HIGH", "rule": "x"}]),
    "a missing key": {key: value for key, value in decided().items() if key != "mode"},
    "something that is no JSON": object(),
}


@pytest.mark.parametrize("case", NO_DECISIONS)
def test_this_answer_starts_no_job(case: str) -> None:
    with pytest.raises(Unavailable):
        answered(NO_DECISIONS[case])


FILES = read(ROOT / "policies")
FORMER = replace(
    FILES, modules={name: text.replace(".phase", ".look") for name, text in FILES.modules.items()}
)
"""The policy of an earlier version, to which a question's `phase` was its `look`."""


@pytest.mark.parametrize(
    ("policy", "document"),
    [
        (FORMER, asked()),
        (FORMER, asked(WHOLE)),
        (FILES, {("look" if key == "phase" else key): value for key, value in asked().items()}),
    ],
    ids=["the policy is older", "and looks at facts", "the function is older"],
)
def test_while_function_and_policy_are_of_two_versions_nothing_is_decided(
    policy: PolicyFiles, document: Any
) -> None:
    """Such an answer says that the alert is blocked, which would be for good. It has no revision, so it is no
    decision: the alert comes again."""
    answer = Rego(policy).ask(document)
    assert (answer["mode"], answer["policy_revision"]) == ("blocked", "")  # type: ignore[index]
    with pytest.raises(Unavailable, match="it has no revision"):
        answered(answer)


def test_a_review_on_another_policy_is_refused() -> None:
    triage, review = answered(decided()), answered(decided(policy_revision="cd" * 32))
    with pytest.raises(Unavailable, match="changed"):
        decide.confirm(triage, review)


def test_a_review_milder_than_its_triage_is_refused() -> None:
    with pytest.raises(Unavailable, match="below its level in triage"):
        decide.confirm(answered(decided("HIGH")), answered(decided("MEDIUM")))


def test_a_review_that_raises_stands() -> None:
    review = answered(decided("HIGH"))
    assert decide.confirm(answered(decided("MEDIUM")), review) is review
