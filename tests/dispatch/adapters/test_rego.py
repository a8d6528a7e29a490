from __future__ import annotations

import threading

import pytest

from function.dispatch.adapters.rego import Rego
from function.dispatch.policy_files import PolicyFiles, read
from function.shared.errors import Misconfigured, Unavailable
from tests.process import ROOT

MODULE = 'package sre_dispatch\n\ndecision := {"asked": input.x, "by": data.revision.sha256}\n'


def files(*modules: str) -> PolicyFiles:
    named = {f"{number}.rego": text for number, text in enumerate(modules)}
    return PolicyFiles(named, {"revision": {"sha256": "ab" * 32}}, "ab" * 32)


def test_it_answers_by_the_files_and_says_their_revision() -> None:
    asked = {"x": 'y", "allowed": true'}
    assert Rego(files(MODULE)).ask(asked) == {"asked": 'y", "allowed": true', "by": "ab" * 32}


def test_an_undefined_decision_is_none() -> None:
    assert Rego(files(MODULE)).ask({}) is None


def test_a_policy_that_does_not_compile_is_refused() -> None:
    with pytest.raises(Misconfigured, match="opa check"):
        Rego(files("package sre_dispatch {"))


def test_a_policy_that_fails_gives_no_answer() -> None:
    conflict = "package sre_dispatch\n\ndecision := 1 if true\n"
    with pytest.raises(Unavailable, match="engine failed"):
        Rego(files(MODULE, conflict)).ask({"x": 1})


def test_it_can_be_asked_from_any_thread() -> None:
    policy = Rego(read(ROOT / "policies"))
    answers: list[object] = [policy.ask({})]
    threads = [threading.Thread(target=lambda: answers.append(policy.ask({}))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4 and all(answer == answers[0] for answer in answers)


class OneEngine(Rego):
    """As if the engine were shared: it panics in every thread but the one that made it."""

    def __init__(self, policy: PolicyFiles) -> None:
        super().__init__(policy)
        self._shared = super()._engine()

    def _engine(self) -> object:
        return self._shared if hasattr(self, "_shared") else super()._engine()


def test_an_engine_that_panics_is_unavailable_and_no_end_of_the_thread() -> None:
    policy = OneEngine(files(MODULE))
    found: list[str] = []  # the errors themselves would keep the engine, for a collector in any thread

    def ask() -> None:
        try:
            policy.ask({"x": 1})
        except Unavailable as error:
            found.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert found == ["the embedded policy engine failed: PanicException"]
