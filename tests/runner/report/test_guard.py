from __future__ import annotations

import pytest

from function.runner.report.guard import (
    MAX_CHANGED,
    MAX_CHANGED_FILE,
    VIOLATIONS,
    FoundFile,
    ProposalRefused,
    check_place,
    check_sizes,
    readable_text,
)


@pytest.mark.parametrize("path", ["apps/claim.yaml", "apps/a/README.md"])
def test_a_file_of_the_tiers_folder_may_change(path: str) -> None:
    check_place(path, "apps")
    check_place(path, "")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("other/claim.yaml", "proposal_outside"),
        ("apps-2/claim.yaml", "proposal_outside"),
        ("apps/.gitlab-ci.yml", "proposal_git"),
        ("apps/Jenkinsfile", "proposal_machine"),
        ("apps/CODEOWNERS", "proposal_machine"),
        ("apps/.envrc", "proposal_machine"),
    ],
)
def test_another_file_may_not(path: str, code: str) -> None:
    with pytest.raises(ProposalRefused) as refusal:
        check_place(path, "apps")
    assert refusal.value.code == code and path not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"x" * (MAX_CHANGED_FILE + 1), "proposal_file_size"),
        (b"\xff", "proposal_binary"),
        (b"a\0b", "proposal_binary"),
    ],
    ids=["large", "not UTF-8", "NUL"],
)
def test_what_nobody_can_read_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(ProposalRefused) as refusal:
        readable_text(FoundFile("a", content, executable=False))
    assert refusal.value.code == code
    assert readable_text(FoundFile("a", b"text", executable=False)) == b"text"


def test_more_files_than_anybody_reads_are_refused() -> None:
    check_sizes({str(number): b"" for number in range(MAX_CHANGED)})
    with pytest.raises(ProposalRefused) as refusal:
        check_sizes({str(number): b"" for number in range(MAX_CHANGED + 1)})
    assert refusal.value.code == "proposal_changed"


@pytest.mark.parametrize("code", VIOLATIONS)
def test_each_violation_is_a_sentence_and_its_path_is_escaped(code: str) -> None:
    refusal = ProposalRefused(code, "a\u202eb" + "x" * 300)
    assert VIOLATIONS[code] in str(refusal)
    assert refusal.path.startswith("a\\u202eb") and len(refusal.path) == 200 and refusal.path.isascii()
