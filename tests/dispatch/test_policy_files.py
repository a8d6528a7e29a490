from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from function.dispatch.policy_files import RuleNote, flawed, notes, read, write
from function.shared.errors import Misconfigured
from tests.harness.process import ROOT
from tests.harness.server import environment

MAIN = "package sre_dispatch\n\ndecision := true\n"
RULE = """# METADATA
# title: What the rule holds.
package sre_dispatch.rules.size

# METADATA
# title: It is too large.
# custom:
#   change: Make it smaller.
contributions contains {"code": "too_large", "level": "HIGH"} if input.size > data.config.size.max
"""
SCHEMA = {"properties": {"max": {"type": "integer"}}, "additionalProperties": {"type": "object"}}


def place(folder: Path, **files: str) -> Path:
    """Files by path, with `__` for a slash and the last `_` for the dot."""
    for name, text in files.items():
        stem, _, suffix = name.replace("__", "/").rpartition("_")
        path = folder / f"{stem}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return place(
        tmp_path / "policies",
        main_rego=MAIN,
        rules__size__size_rego=RULE,
        rules__size__size_test_rego="package broken {",
        config__size__data_yaml="max: 20 # GiB\n",
        tiers__data_json='{"LOW": {"tier": "remediate"}}',
        schemas__config__size_json=json.dumps(SCHEMA),
        example__config__size__data_yaml="max: 99\n",
    )


def test_folders_are_paths_in_data_and_tests_and_examples_are_no_policy(policy: Path) -> None:
    files = read(policy)
    assert sorted(files.modules) == ["main.rego", "rules/size/size.rego"]
    assert files.data == {
        "config": {"size": {"max": 20}},
        "tiers": {"LOW": {"tier": "remediate"}},
        "revision": {"sha256": files.revision},
    }


def test_a_second_file_below_adds_to_the_first(policy: Path) -> None:
    place(policy, config__size__acme__data_yaml="disks: 3\n")
    assert read(policy).data["config"]["size"] == {"max": 20, "acme": {"disks": 3}}


@pytest.mark.parametrize("change", ["module", "data"])
def test_any_change_that_counts_changes_the_revision(policy: Path, change: str) -> None:
    before = read(policy).revision
    place(
        policy,
        **{"module": {"main_rego": MAIN + "\n"}, "data": {"config__size__data_yaml": "max: 21"}}[change],
    )
    assert read(policy).revision != before


def test_tests_and_comments_in_data_do_not_change_the_revision(policy: Path) -> None:
    before = read(policy).revision
    place(policy, rules__size__size_test_rego="package other", config__size__data_yaml="# GiB\nmax: 20\n")
    assert read(policy).revision == before


def test_an_overlay_replaces_data_at_its_path_and_adds_other_data(policy: Path, tmp_path: Path) -> None:
    overlay = place(
        tmp_path / "overlay", config__size__data_yaml="max: 5", config__size__acme__data_yaml="disks: 3"
    )
    files = read(policy, overlay)
    assert files.data["config"]["size"] == {"max": 5, "acme": {"disks": 3}}
    assert files.revision != read(policy).revision


@pytest.mark.parametrize("name", ["rules__size__size_rego", "tiers__data_json", "config__size__notes_txt"])
def test_an_overlay_holds_data_of_rules_and_nothing_else(policy: Path, tmp_path: Path, name: str) -> None:
    overlay = place(tmp_path / "overlay", config__size__data_yaml="max: 5", **{name: "{}"})
    with pytest.raises(Misconfigured, match="overlay"):
        read(policy, overlay)


@pytest.mark.parametrize(
    "text",
    [
        "- 5",
        "max: 2026-11-30",
        "max: 2026-13-41",
        "max: !!bool x",
        "max: !!int ''",
        "max: !!timestamp x",
        "{",
    ],
)
def test_data_that_is_no_json_object_is_refused_by_name(policy: Path, text: str) -> None:
    place(policy, config__size__data_yaml=text)
    with pytest.raises(
        Misconfigured, match=r"policy data config/size/data\.yaml must be a JSON or YAML object"
    ):
        read(policy)


def test_an_overlay_that_is_not_there_is_said(policy: Path, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="there is no data file"):
        read(policy, tmp_path / "nowhere")


def test_a_bundle_is_the_policy_with_its_revision_and_roots(policy: Path, tmp_path: Path) -> None:
    revision = write(policy, tmp_path / "bundle")
    assert revision == read(policy).revision == read(tmp_path / "bundle").revision
    manifest = json.loads((tmp_path / "bundle" / ".manifest").read_text())
    assert manifest == {"revision": revision, "roots": ["sre_dispatch", "config", "tiers", "revision"]}
    assert sorted(path.name for path in (tmp_path / "bundle").rglob("*") if path.is_file()) == [
        ".manifest",
        "data.json",
        "main.rego",
        "size.rego",
    ]


def test_a_bundle_takes_the_selftest_along_that_of_the_overlay_before_ours(
    policy: Path, tmp_path: Path
) -> None:
    place(policy, selftest_json='["ours"]')
    overlay = place(tmp_path / "overlay", config__size__data_yaml="max: 5")
    write(policy, tmp_path / "one", overlay)
    assert (tmp_path / "one" / "selftest.json").read_text() == '["ours"]'
    place(overlay, selftest_json='["theirs"]')
    write(policy, tmp_path / "two", overlay)
    assert (tmp_path / "two" / "selftest.json").read_text() == '["theirs"]'


def test_the_command_prints_the_revision_or_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "function", "bundle", *map(str, arguments))
        return subprocess.run(
            command, capture_output=True, text=True, env=environment(), cwd=ROOT, check=False
        )

    done = run(tmp_path / "bundle")
    assert (done.returncode, done.stdout) == (0, read(ROOT / "policies").revision + "\n")
    assert run(tmp_path / "bundle").stderr.endswith("bundle already exists: name a new folder\n")
    overlay = place(tmp_path / "overlay", config__budget__data_yaml="max_active: many")
    refused = run(tmp_path / "other", "--overlay", overlay)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "config/budget.max_active: 'many' is not of type" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_bundle_is_never_written_over_another(policy: Path, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    with pytest.raises(FileExistsError):
        write(policy, tmp_path / "bundle")


def test_data_that_breaks_its_schema_makes_no_bundle_and_the_place_is_named(
    policy: Path, tmp_path: Path
) -> None:
    overlay = place(tmp_path / "overlay", config__size__data_yaml='max: "20"')
    with pytest.raises(Misconfigured, match=r"config/size\.max: '20' is not of type 'integer'"):
        write(policy, tmp_path / "bundle", overlay)
    assert not (tmp_path / "bundle").exists()


def test_data_of_no_rule_makes_no_bundle(policy: Path, tmp_path: Path) -> None:
    overlay = place(tmp_path / "overlay", config__sise__data_yaml="max: 5")
    with pytest.raises(Misconfigured, match="config/sise: there is no such rule"):
        write(policy, tmp_path / "bundle", overlay)


@pytest.mark.parametrize(
    "text", ["{", "[]", "3", "null", "", "when: 2026-12-20", "&a [*a]", "a: !!python/name:os.system"]
)
def test_data_that_is_no_object_of_json_is_refused(policy: Path, text: str) -> None:
    place(policy, config__size__data_yaml=text)
    with pytest.raises(Misconfigured, match=r"config/size/data\.yaml"):
        read(policy)


def test_data_that_is_given_twice_is_refused(policy: Path) -> None:
    place(policy, config__data_json='{"size": {"max": 3}}')
    with pytest.raises(Misconfigured, match="sets max a second time"):
        read(policy)


def test_data_below_a_number_is_refused(policy: Path) -> None:
    place(policy, config__size__max__data_yaml="a: 1")
    with pytest.raises(Misconfigured, match="max has a value already"):
        read(policy)


def test_a_folder_without_policy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="SRE_DISPATCH_POLICIES"):
        read(tmp_path)


def test_the_authors_words_are_found_by_rule_and_code(policy: Path) -> None:
    assert notes(read(policy)) == {
        ("size", ""): RuleNote("What the rule holds."),
        ("size", "too_large"): RuleNote("It is too large.", "Make it smaller."),
    }


def test_the_shipped_data_fits_its_schemas_and_each_schema_has_data() -> None:
    config = read(ROOT / "policies").data["config"]
    schemas = ROOT / "policies" / "schemas" / "config"
    assert list(flawed(config, schemas)) == []
    assert {path.stem for path in schemas.iterdir()} == set(config)


def test_the_example_of_an_overlay_makes_a_bundle(tmp_path: Path) -> None:
    revision = write(ROOT / "policies", tmp_path / "bundle", ROOT / "policies" / "overlay-example")
    assert revision != read(ROOT / "policies").revision
