from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from function.adapters.rego import Rego, read, write_bundle
from function.errors import Misconfigured, Unavailable
from tests.process import ROOT

MODULE = 'package sre_dispatch\nimport rego.v1\ndecision := {"asked": input.x, "by": data.revision.sha256}\n'


def folder(path: Path, module: str = MODULE) -> Path:
    (path / "rules").mkdir(parents=True)
    (path / "main.rego").write_text(module, encoding="utf-8")
    (path / "rules" / "x_test.rego").write_text("package broken {", encoding="utf-8")
    (path / "rules" / "data.json").write_text('{"a": 1}', encoding="utf-8")
    return path


def test_it_answers_by_the_files_and_says_their_revision(tmp_path: Path) -> None:
    files = read(folder(tmp_path / "policies"))
    assert Rego(files).ask({"x": 'y", "allowed": true'}) == {
        "asked": 'y", "allowed": true',
        "by": files.revision,
    }
    assert files.data["rules"] == {"a": 1}
    assert list(files.modules) == ["main.rego"]


def test_an_undefined_decision_is_none(tmp_path: Path) -> None:
    assert Rego(read(folder(tmp_path / "policies"))).ask({}) is None


def test_any_change_changes_the_revision(tmp_path: Path) -> None:
    path = folder(tmp_path / "policies")
    before = read(path).revision
    (path / "rules" / "data.json").write_text('{"a": 2}', encoding="utf-8")
    assert read(path).revision != before


def test_tests_do_not_change_the_revision(tmp_path: Path) -> None:
    path = folder(tmp_path / "policies")
    before = read(path).revision
    (path / "rules" / "x_test.rego").write_text("package other", encoding="utf-8")
    assert read(path).revision == before


def test_a_policy_that_does_not_compile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="opa check"):
        Rego(read(folder(tmp_path / "policies", "package sre_dispatch {")))


def test_a_policy_that_fails_gives_no_answer(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="engine failed"):
        Rego(read(folder(tmp_path / "policies", MODULE + "decision := 1 if true"))).ask({"x": 1})


def test_a_bundle_holds_the_revision_and_no_tests(tmp_path: Path) -> None:
    source, target = folder(tmp_path / "policies"), tmp_path / "bundle"
    write_bundle(source, target)
    assert read(target).revision == read(source).revision
    assert json.loads((target / "revision" / "data.json").read_text())["sha256"] == read(source).revision
    assert list(target.rglob("*_test.rego")) == []


def test_it_can_be_asked_from_any_thread() -> None:
    policy = Rego(read(ROOT / "policies"))
    answers: list[object] = [policy.ask({})]
    threads = [threading.Thread(target=lambda: answers.append(policy.ask({}))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4 and all(answer == answers[0] for answer in answers)


def test_a_folder_without_policy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="SRE_DISPATCH_ROOT"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "[1]", "3", "null"])
def test_data_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    path = folder(tmp_path / "policies")
    (path / "rules" / "data.json").write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"rules/data\.json"):
        read(path)
