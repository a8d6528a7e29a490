"""The policy's own tests on the embedded engine, what they would notice, and what must always hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import regorus
from hypothesis import assume, given
from hypothesis import strategies as st

from function.dispatch import normalize, translate
from function.dispatch.adapters.rego import Rego
from function.dispatch.decide import PolicyInput, prepared, question
from function.dispatch.model import Activity, Facts, Level
from function.dispatch.policy_files import notes, read
from function.dispatch.subject import STATED
from function.shared.event import SREEvent
from function.shared.strict_json import to_json
from tests.harness.examples import examples
from tests.harness.fakes import NOW, WHOLE, delivery_json, event
from tests.harness.process import ROOT, TIER_FILES
from tests.harness.questions import CANARY, MODES, mistyped, questions
from tests.harness.reading import RULES as LABELS
from tests.harness.reading import reading

POLICIES = ROOT / "policies"
FILES = read(POLICIES)
POLICY = Rego(FILES)
RULES = sorted((POLICIES / "rules").iterdir())
TESTS = {path.relative_to(POLICIES).as_posix(): path for path in sorted(POLICIES.rglob("*_test.rego"))}
IDLE = Activity(0, 0, 0, 0, 0)
MANY = examples(40, slow_to_make=True)


# The tests that the policy's authors wrote


def named(path: str) -> list[str]:
    """The references of a file's tests."""
    text = TESTS[path].read_text(encoding="utf-8")
    (package,) = re.findall(r"^package (\S+)", text, re.M)
    return [f"data.{package}.{name}" for name in re.findall(r"^(test_\w+) ", text, re.M)]


def engine(modules: Mapping[str, str], tests: list[str]) -> Any:
    """An engine with the modules, these files of tests, and the data as `opa test` sees it, unstamped."""
    engine = regorus.Engine()
    for name, text in modules.items():
        engine.add_policy(name, text)
    for path in tests:
        engine.add_policy(path, TESTS[path].read_text(encoding="utf-8"))
    engine.add_data_json(json.dumps({key: value for key, value in FILES.data.items() if key != "revision"}))
    return engine


def passes(engine: Any, test: str) -> bool:
    answer = json.loads(engine.eval_query_as_json(test))
    return [found["expressions"][0]["value"] for found in answer.get("result", [])] == [True]


@pytest.mark.parametrize("path", TESTS)
def test_the_policys_own_tests_pass_on_the_embedded_engine(path: str) -> None:
    one = engine(FILES.modules, [path])
    assert [test for test in named(path) if not passes(one, test)] == []


# What they would notice


def clauses(module: str) -> list[str]:
    """The parts of a module that say something, without what makes it a module."""
    parts = re.split(r"\n\n+", FILES.modules[module].strip())
    code = ["\n".join(line for line in part.split("\n") if not line.startswith("#")) for part in parts]
    return [part for part in code if part and not part.startswith(("package ", "import "))]


CLAUSES = [(module, clause) for module in sorted(FILES.modules) for clause in clauses(module)]


@pytest.mark.parametrize(
    ("module", "clause"), CLAUSES, ids=[f"{Path(module).stem}-{clause[:60]}" for module, clause in CLAUSES]
)
def test_without_any_one_clause_some_test_fails(module: str, clause: str) -> None:
    without = dict(FILES.modules) | {module: FILES.modules[module].replace(clause, "", 1)}
    assert without[module] != FILES.modules[module]
    beside = [module.replace(".rego", "_test.rego")]
    beside += ["main_test.rego"] if module != "main.rego" else []
    assert any(_notices(without, path) for path in beside)


def _notices(modules: Mapping[str, str], path: str) -> bool:
    try:
        one = engine(modules, [path])
        return not all(passes(one, test) for test in named(path))
    except RuntimeError:  # it no longer compiles
        return True


# What must always hold


def rank(answer: Any) -> int:
    return Level[answer["effective"]]


def asked(document: Any) -> Any:
    answer: Any = POLICY.ask(document)
    return answer


@MANY
@given(questions())
def test_a_question_is_answered_by_a_decision_that_says_nothing_of_the_alert(document: Any) -> None:
    PolicyInput.model_validate(document)
    answer = asked(document)
    assert answer["policy_revision"] == FILES.revision
    assert rank(answer) >= Level[document["event"]["severity"]] == Level[answer["initial"]]
    assert CANARY not in to_json(answer)


@MANY
@given(questions())
def test_a_more_severe_label_never_lowers(document: Any) -> None:
    ranks = []
    for severity in ("LOW", "MEDIUM", "HIGH"):
        document["event"]["severity"] = severity
        ranks.append(rank(asked(document)))
    assert ranks == sorted(ranks)


@MANY
@given(questions(), st.data())
def test_without_a_fact_nothing_is_lower(document: Any, data: st.DataObject) -> None:
    assume(document["facts"])
    before = rank(asked(document))
    fewer = deepcopy(document)
    for name in data.draw(st.sets(st.sampled_from(sorted(document["facts"])))):
        fewer["facts"][name] = False if name == "complete" else None
    assert rank(asked(fewer)) >= before
    assert rank(asked(document | {"facts": None})) >= before


@MANY
@given(questions())
def test_the_review_is_never_milder_than_the_triage(document: Any) -> None:
    triage = asked(document | {"phase": "triage", "facts": None})
    assert rank(asked(document | {"phase": "review"})) >= rank(triage)


@MANY
@given(questions(), questions())
def test_more_text_never_lowers(document: Any, other: Any) -> None:
    text = document["text"]
    more = {name: text[name] + other["text"][name] for name in ("words", "sentences", "names", "signals")}
    for name in ("truncated", "unread"):
        more[name] = text[name] or other["text"][name]
    for name in ("labels", "annotations"):
        more[name] = other["text"][name] | text[name]
    assert rank(asked(document | {"text": more})) >= rank(asked(document))


BASES = [
    alert
    for name in ("asks-low", "exporter-labels", "node-critical", "pod-crash-looping", "protected-namespace")
    for alert in delivery_json(name)["alerts"]
]
ADDED = st.text(max_size=9) | st.sampled_from(
    (
        "hint",
        "team",
        "zone",
        "tier",
        "job",
        "instance",
        "prometheus",
        "image",
        "uid",
        "reason",
        "phase",
        "app",
    )
)


def rank_of(alert: Any) -> int:
    """The rank of an alert, with whole facts."""
    (found,) = translate.alert(alert, reading("fmc")).alerts
    assert isinstance(found, SREEvent)
    text = prepared(found, normalize.NormalizedText())
    return rank(asked(question(found, text, IDLE, NOW.timestamp(), WHOLE)))


def names_something(label: str) -> bool:
    """Whether the label can say what the alert is about, how severe it is, or in which cluster."""
    plain = LABELS.standard.get(label, label).removeprefix("exported_")
    return (
        plain in ("alertname", "severity", *LABELS.cluster)
        or LABELS.is_namespace(plain)
        or plain in STATED
        or any(LABELS.lines(plain))
    )


@MANY
@given(st.sampled_from(BASES), st.dictionaries(ADDED, st.text(max_size=9), min_size=1, max_size=3))
def test_labels_that_name_nothing_never_lower(alert: Any, more: dict[str, str]) -> None:
    assume(not any(map(names_something, more)))
    assert rank_of({**alert, "labels": more | alert["labels"]}) >= rank_of(alert)


@st.composite
def nearly_low(draw: st.DrawFn) -> Any:
    """A question that would be LOW but for some of its parts."""
    document, other = low(), draw(questions())
    for part in draw(st.sets(st.sampled_from(("facts", "text", "activity", "clock")))):
        document[part] = other[part]
    for name in draw(st.sets(st.sampled_from(sorted(document["event"])), max_size=1)):
        document["event"][name] = other["event"][name]
    return document


@MANY
@given(nearly_low())
def test_low_is_for_what_is_enrolled_and_whose_facts_are_whole_and_known(document: Any) -> None:
    answer = asked(document)
    if answer["effective"] == "LOW":
        names = ("alertname", "resource_type", "namespace", "cluster")
        entries = FILES.data["config"]["autonomy"]["enrolled"].values()
        (entry,) = [each for each in entries if all(each[name] == document["event"][name] for name in names)]
        listed = {*entry["labels"], "alertname", "namespace", "cluster"}
        assert document["text"]["labels"].keys() <= listed
        assert document["text"]["annotations"].keys() <= entry["annotations"].keys()
        assert not document["text"]["unread"]
        assert document["facts"]["complete"]
        assert None not in [document["facts"][name] for name in ("dependents", "classification", "scope")]


@MANY
@given(st.sampled_from(("", "shop", "f3iai", "kube-system")), st.sampled_from(MODES))
def test_an_info_label_alone_is_never_more_than_a_merge_request(namespace: str, mode: str) -> None:
    document = low() | {"facts": {**low()["facts"], "scope": [mode]}}
    document["event"] |= {"alertname": "Anything", "namespace": namespace}
    assert asked(document)["mode"] in ("merge-request", "investigate")


def low() -> Any:
    (found,) = (
        case["input"]
        for case in json.loads((POLICIES / "selftest.json").read_text(encoding="utf-8"))
        if case["answer"]["effective"] == "LOW"
    )
    return found


def test_the_selftests_questions_are_of_the_form_that_is_asked() -> None:
    assert PolicyInput.model_validate(low()).model_dump() == low()


@MANY
@given(mistyped())
def test_a_mistyped_question_is_never_allowed(document: Any) -> None:
    answer = asked(document)
    assert (answer["allowed"], answer["mode"], answer["policy_revision"]) == (False, "blocked", "")


# The shipped data


def decided(name: str, facts: Facts | None) -> dict[str, Any]:
    of = replace(event(name), cluster="")
    text = prepared(of, normalize.NormalizedText())
    return dict(asked(question(of, text, IDLE, NOW.timestamp(), facts)))


def test_the_incidents_alert_is_low_with_whole_and_safe_context_alone() -> None:
    assert decided("asks-low", WHOLE)["mode"] == "autonomous"
    assert decided("asks-low", Facts(gaps=("no_source",)))["mode"] == "merge-request"
    assert decided("protected-namespace", WHOLE)["mode"] == "investigate"


NAMED_BY = sorted({rule.label for rule in LABELS.subjects if "*" not in rule.label} | {*STATED})
SPACES = ("exported_namespace", "pvc_namespace", "kubernetes_namespace", "dest_namespace")
WANTED = st.sampled_from(("f3iai", "typedb-data", "k8s_pvc"))


@MANY
@given(
    st.dictionaries(
        st.sampled_from((*NAMED_BY, *SPACES)), st.sampled_from(("f3iai", "typedb-data", "k8s_pvc"))
    ),
    st.sampled_from(("namespace", *SPACES)),
)
def test_no_label_of_a_tenant_moves_its_alert_into_another_namespaces_enrolment(
    labels: dict[str, str], where: str
) -> None:
    """One label says where the alert comes from. The tenant chooses all others."""
    body = delivery_json("asks-low")
    (alert,) = body["alerts"]
    alert["labels"] |= {"namespace": "f3iai", **labels, where: "tenant"}
    (event,) = translate.webhook(body, reading()).alerts
    assert isinstance(event, SREEvent) and "tenant" in event.namespaces
    text = prepared(event, normalize.NormalizedText())
    answer = asked(question(event, text, IDLE, NOW.timestamp(), WHOLE))
    assert answer["effective"] != "LOW"


def test_every_tier_row_has_a_file_of_its_name_with_its_cronjob_and_no_file_lacks_a_row() -> None:
    rows = FILES.data["tiers"].values()
    files = {path.stem: path.read_text(encoding="utf-8") for path in TIER_FILES}
    assert {row["tier"] for row in rows} == set(files)
    for row in rows:
        assert f"kind: CronJob\nmetadata:\n  name: {row['template']}\n" in files[row["tier"]]


def test_admission_admits_the_tiers_that_have_a_row_and_no_other() -> None:
    admission = (ROOT / "knative" / "base" / "admission.yaml").read_text(encoding="utf-8")
    (line,) = re.findall(r"- name: tiers .*\n\s+expression: \"(\[.*\])\"\n", admission)
    assert set(re.findall(r"\w+", line)) == {row["tier"] for row in FILES.data["tiers"].values()}


# How it is written


@pytest.mark.parametrize("rule", RULES, ids=lambda path: path.name)
def test_every_rule_is_a_folder_with_a_title_and_its_test(rule: Path) -> None:
    text = (rule / f"{rule.name}.rego").read_text(encoding="utf-8")
    assert text.startswith("# METADATA\n# title: ")
    assert f"package sre_dispatch.rules.{rule.name}\n" in text
    assert (rule / f"{rule.name}_test.rego").is_file()


@pytest.mark.parametrize("rule", RULES, ids=lambda path: path.name)
def test_every_reason_says_what_it_means_and_what_a_person_does_about_it(rule: Path) -> None:
    said = notes(FILES)
    text = (rule / f"{rule.name}.rego").read_text(encoding="utf-8")
    codes = set(re.findall(r'"code": "(\w+)"', text))
    assert codes
    for code in codes:
        note = said[rule.name, code]
        assert note.title.endswith(".") and note.change.endswith("."), code


def test_a_code_belongs_to_one_rule() -> None:
    codes = [code for _, code in notes(FILES) if code]
    assert len(codes) == len(set(codes))


def test_main_names_no_rule() -> None:
    main = FILES.modules["main.rego"]
    assert not [rule.name for rule in RULES if f"rules.{rule.name}" in main]


def test_only_built_ins_of_the_portable_list_are_allowed_and_each_is_used() -> None:
    listed = json.loads((POLICIES / "capabilities.json").read_text(encoding="utf-8"))["builtins"]
    texts = "\n".join(
        [*FILES.modules.values(), *(path.read_text(encoding="utf-8") for path in TESTS.values())]
    )
    unused = [one["name"] for one in listed if not list(_uses(one, texts))]
    assert unused == []


def _uses(builtin: Mapping[str, Any], texts: str) -> Iterator[str]:
    infix = builtin.get("infix")
    yield from re.findall(re.escape(infix) if infix else rf"\b{re.escape(builtin['name'])}\(", texts)


def test_the_page_of_the_policies_has_a_row_for_each_rule_in_its_own_words() -> None:
    page = (ROOT / "policies" / "README.md").read_text(encoding="utf-8")
    said = notes(FILES)
    assert [rule.name for rule in RULES if f"| {rule.name} | {said[rule.name, ''].title} |" not in page] == []
