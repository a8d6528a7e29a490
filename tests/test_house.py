"""The promises of the house: where things stand, what they may know, and that words and code agree."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from function.dispatch import settings
from function.runner import paths
from function.worldmodel import settings as worldmodel_settings
from tests.harness.process import ROOT, TIER_FILES

MODULES = sorted((ROOT / "function").rglob("*.py"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TOP = {
    "pyproject.toml",
    "function",
    "tests",
    "knative",
    "prompts",
    "policies",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "LICENSE",
}
TOP |= {"CHANGELOG.md", "func.yaml", "requirements.lock", ".ci", ".gitignore", ".dockerignore", ".git"}
MAX_FUNCTION = 40
MAX_README_LINES = 130
MAX_README_WORDS = 1000
MAX_README_WIDTH = 120


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split()


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_the_top_level_is_the_one_that_was_agreed() -> None:
    assert {name.split("/")[0] for name in tracked()} <= TOP


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_functions_are_short_enough_to_see(path: Path) -> None:
    long = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions(path)}
    assert {name: length for name, length in long.items() if length > MAX_FUNCTION} == {}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_no_module_names_a_tier_an_alert_or_a_rule() -> None:
    alerts = {path.name.split(".")[0] for path in (ROOT / "prompts" / "alerts").glob("[!_]*")}
    fields = {"classification", "context", "severity"}  # named like a rule
    rules = {path.name for path in (ROOT / "policies" / "rules").iterdir()} - fields
    tiers = {path.stem for path in TIER_FILES} - {"investigate"}  # named like a mode
    named = re.compile(r"['\"](sre-agent-)?(" + "|".join(sorted(alerts | rules | tiers)) + r")['\"]")
    assert [path.name for path in MODULES if named.search(path.read_text(encoding="utf-8"))] == []


def test_the_environment_is_read_at_the_edges_only() -> None:
    reading = {path.name for path in MODULES if "os.environ" in path.read_text(encoding="utf-8")}
    assert reading <= {"main.py", "__main__.py", "explain.py", "kubernetes.py"}


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


SETTINGS = [
    (of, field.name, documented_in)
    for of, documented_in in (
        (settings.Settings, "function/README.md"),
        (worldmodel_settings.WorldModelSettings, "function/worldmodel/README.md"),
    )
    for field in fields(of)
]


@pytest.mark.parametrize(
    ("of", "field", "documented_in"), SETTINGS, ids=lambda part: getattr(part, "__name__", part)
)
def test_every_setting_is_documented_where_it_is_and_on_its_page(
    of: type, field: str, documented_in: str
) -> None:
    documented = re.search(rf'^    {field}: .*\n    """([A-Z_]+)\. ', inspect.getsource(of), re.M)
    assert documented, f"{field} has no docstring that begins with its variable"
    assert re.search(rf"^\| .*`{documented.group(1)}`.* \|", page(documented_in), re.M)


@pytest.mark.parametrize("variable", paths.OLD_NAMES.values())
def test_every_setting_of_the_runner_is_documented_on_its_page(variable: str) -> None:
    assert re.search(rf"^\| .*`{variable}`.* \|", page("function/runner/README.md"), re.M)


RENAMED = {**settings.OLD_NAMES, **worldmodel_settings.OLD_NAMES, **paths.OLD_NAMES}


@pytest.mark.parametrize("old", RENAMED)
def test_the_operations_page_gives_the_new_name_of_every_setting_that_was_renamed(old: str) -> None:
    assert re.search(rf"^\| .*`{old}`.*\|.*`{RENAMED[old]}`.* \|$", page("knative/README.md"), re.M)


def test_the_readme_can_be_read_in_five_minutes() -> None:
    readme = page("README.md")
    assert len(readme.splitlines()) <= MAX_README_LINES and len(readme.split()) <= MAX_README_WORDS
    assert [line for line in readme.splitlines() if len(line) > MAX_README_WIDTH] == []


def test_what_the_readme_says_that_the_demo_prints_it_prints() -> None:
    (shown,) = re.findall(r"^```text\n(.+?)^```$", page("README.md"), re.M | re.S)
    assert shown in page("tests/commands/demo/golden/first-run.txt")


PAGES = [name for name in tracked() if Path(name).name in ("README.md", "SECURITY.md")]
TESTS = {
    name
    for path in (ROOT / "tests").rglob("*.py")
    for name in re.findall(r"^ *(?:async )?def (test_\w+)\(", path.read_text(encoding="utf-8"), re.M)
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_names_no_file_and_no_test_that_is_not_there(name: str) -> None:
    files = re.findall(r"`((?:function|policies|prompts|knative|tests)/[\w./-]*)`", page(name))
    assert [path for path in files if not (ROOT / path).exists()] == []
    assert set(re.findall(r"`(test_\w+)`", page(name))) - TESTS == set()


@pytest.mark.parametrize("name", PAGES)
def test_every_link_of_a_page_leads_to_a_page_or_to_one_of_its_headings(name: str) -> None:
    broken = []
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", page(name)):
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def anchors(target: Path) -> set[str]:
    """What a forge calls the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_version_is_the_changelogs_newest() -> None:
    newest = re.search(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert newest and newest.group(1) == PYPROJECT["project"]["version"]


STORY = {"story", "incident", "agent", "demo", "bench", "eval"}
"""Programs for people. Tests of real parts run them too."""


def imported(path: Path) -> Iterator[str]:
    """The modules of tests that the file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "tests":
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", sorted({path.stem for path in (ROOT / "tests").iterdir()} - {"__init__"}))
def test_what_tests_share_is_in_the_harness(package: str) -> None:
    """tests > harness > function: no test module is imported, and no package of tests imports another."""
    allowed = {"harness", package} | (set() if package == "harness" else STORY)
    here = ROOT / "tests" / package
    files = [*here.rglob("*.py")] if here.is_dir() else [here.with_suffix(".py")]
    names = [name for file in files if file.exists() for name in imported(file)]
    assert [name for name in names if name.split(".")[1] not in allowed or ".test_" in name] == []


TESTED_THROUGH = {
    "commands/check/admission.py": "commands/check/test_cluster.py",
    "commands/check/context.py": "commands/check/test_check.py",
    "commands/check/policy.py": "commands/check/test_check.py",
    "commands/check/rights.py": "commands/check/test_models.py",
    "commands/check/rows.py": "commands/check/test_check.py",
    "commands/check/tiers.py": "real/test_check.py",
    "dispatch/model.py": "dispatch/test_decide.py",
    "dispatch/ports.py": "dispatch/test_pipeline.py",
    "dispatch/serve.py": "test_main.py",
    "runner/agent/agent.py": "real/test_agent.py",
    "shared/kubernetes.py": "dispatch/adapters/test_kubernetes.py",
    "worldmodel/serve.py": "worldmodel/test_server.py",
}
"""Modules without a test of their name, and the test that shows what they do."""


def test_no_test_asserts_a_duration() -> None:
    """A busy machine is no failure."""
    asserted = re.compile(r"assert .*(monotonic|perf_counter|time\.time)\(\) - ")
    files = (ROOT / "tests").rglob("*.py")
    assert [path.name for path in files if asserted.search(path.read_text(encoding="utf-8"))] == []


def test_tests_mirror_the_modules_name_for_name() -> None:
    modules = [path.relative_to(ROOT / "function") for path in MODULES if not path.name.startswith("__")]
    mirrored = {path.as_posix(): path.with_name(f"test_{path.name}").as_posix() for path in modules}
    found = {module: test for module, test in mirrored.items() if (ROOT / "tests" / test).exists()}
    assert found.keys() & TESTED_THROUGH.keys() == set()
    assert found.keys() | TESTED_THROUGH.keys() == mirrored.keys()
    assert [test for test in TESTED_THROUGH.values() if not (ROOT / "tests" / test).exists()] == []


def test_every_dependency_has_a_reason_and_is_locked_with_hashes() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for requirement in PYPROJECT["project"]["dependencies"]:
        assert re.search(rf'"{re.escape(requirement)}",\s+# \w+', text), f"{requirement} has no reason"
        name = re.split(r"[<>=]", requirement)[0]
        assert re.search(rf"^{name}==\S+ \\\n    --hash=sha256:", lock, re.M), f"{name} is not locked"


def test_the_lock_names_no_address() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_imports_run_downward() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
