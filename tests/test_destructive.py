"""The shipped words of the rule `destructive`, put together in every way, as the policy reads a text."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from function.dispatch import normalize
from function.dispatch.adapters.rego import Rego
from function.dispatch.policy_files import read
from tests.harness.examples import examples
from tests.harness.process import ROOT

FILES = read(ROOT / "policies")
POLICY = Rego(FILES)
QUESTION = json.loads((ROOT / "policies" / "selftest.json").read_text(encoding="utf-8"))[0]["input"]
WORDS = FILES.data["config"]["destructive"]
ORDERS, MOODS = WORDS["orders"], WORDS["moods"]
ALONE = {name for name, forms in WORDS["commands"].items() if [] in forms}
"""Commands that are blocked wherever they stand, such as `shred`."""
PHRASES = {words for group in WORDS["phrases"].values() for words in group["words"]}
MANY = examples(100, slow_to_make=True)


def level(text: str) -> str:
    """The level that the rule gives an alert with this text. It is empty if the rule has nothing to say."""
    found = normalize.read(text)
    document = deepcopy(QUESTION)
    document["text"] |= {
        "words": list(found.words),
        "sentences": [list(sentence) for sentence in found.sentences],
        "names": [list(name) for name in found.names],
    }
    answer: Any = POLICY.ask(document)
    levels = {reason["level"] for reason in answer["reasons"] if reason["rule"] == "destructive"}
    return "CRITICAL" if "CRITICAL" in levels else max(levels, default="")


def one_of(*lists: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted({word for words in lists for word in words} - ALONE))


tools = one_of(*(group["names"] for group in WORDS["tools"].values()))
tool_verbs = one_of(WORDS["tool_verbs"])
names = st.from_regex(r"[a-z]{1,6}-[0-9]{1,3}", fullmatch=True)
flags = st.sampled_from(["", "-n shop ", "--force ", "--context fra-2 --now "])
verbs = one_of(ORDERS["verbs"], ORDERS["strong_verbs"])
objects = one_of(ORDERS["objects"])


@MANY
@given(tools, flags, tool_verbs, flags, names)
def test_a_tool_with_a_verb_is_blocked_whatever_the_object_is(
    tool: str, before: str, verb: str, behind: str, name: str
) -> None:
    assert level(f"{tool} {before}{verb} {behind}{name}") == "CRITICAL"
    assert level(f"To fix it run {tool} {before}{verb} {behind}{name}, and wait.") == "CRITICAL"


@MANY
@given(
    st.sampled_from(["never", "never run", "do not run", "please do not use", "you must not run", "avoid"]),
    tools,
    st.sampled_from(["", "-n shop ", "--force "]),
    tool_verbs,
    names,
)
def test_a_negated_tool_is_never_blocked(negation: str, tool: str, before: str, verb: str, name: str) -> None:
    assert level(f"{negation} {tool} {before}{verb} {name}") != "CRITICAL"


@MANY
@given(one_of(WORDS["tools"]["kubernetes"]["names"]), one_of(WORDS["tools"]["kubernetes"]["spared"]), names)
def test_what_holds_no_data_may_be_deleted(tool: str, kind: str, name: str) -> None:
    assert level(f"{tool} delete {kind} {name}") == ""
    assert level(f"{tool} -n shop delete {kind}/{name}") == ""


@MANY
@given(
    verbs, one_of(MOODS["vague"]), one_of(MOODS["qualifiers"], MOODS["needless"]), one_of(MOODS["remedies"])
)
def test_an_alternative_that_names_nothing_is_investigated(
    verb: str, what: str, kind: str, remedy: str
) -> None:
    assert level(f"Please {remedy} it or {verb} {what}.") == "HIGH"
    assert level(f"Please {remedy} it, or {verb} the {kind} {what}.") == "HIGH"
    assert level(f"{verb} {kind} {what} or {remedy} it.") == "HIGH"


@MANY
@given(verbs, objects, one_of(MOODS["remedies"]))
def test_an_alternative_that_names_something_is_blocked(verb: str, what: str, remedy: str) -> None:
    rebuilt = what in MOODS["rebuilt"].get(verb, ())
    assert level(f"Please {remedy} it or {verb} the {what}.") == ("HIGH" if rebuilt else "CRITICAL")


@MANY
@given(one_of(MOODS["software"]), verbs, objects)
def test_a_duty_of_software_is_never_blocked(subject: str, verb: str, what: str) -> None:
    assume(f"{verb} {what}" not in PHRASES)
    assert level(f"The {subject} that should {verb} the {what} has not run.") != "CRITICAL"
    assert level(f"The {subject} should {verb} {what}.") != "CRITICAL"


@MANY
@given(one_of(MOODS["people"]), verbs, objects)
def test_a_duty_of_people_is_blocked(person: str, verb: str, what: str) -> None:
    rebuilt = what in MOODS["rebuilt"].get(verb, ())
    assert level(f"{person} should {verb} the {what}") == ("HIGH" if rebuilt else "CRITICAL")
