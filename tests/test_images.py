"""Each image holds one wing and `shared`, and its program needs no more."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.process import ROOT
from tests.harness.server import environment

COPY = re.compile(r"^COPY (function/\S+) (\S+)$", re.M)
ABSENT = (
    "cloudevents",
    "click",
    "functions_framework",
    "jinja2",
    "kubernetes",
    "mcp",
    "starlette",
    "uvicorn",
)
"""Packages that the agent's image does not install."""
IMAGES = {
    "function": ("Dockerfile", "function/function/", {"commands", "dispatch", "shared"}, ()),
    "worldmodel": ("Dockerfile", "worldmodel/function/", {"shared", "worldmodel"}, ()),
    "agent": ("agent.Dockerfile", "function/", {"runner", "shared"}, ABSENT),
}
"""Dockerfile, where it builds our package, the folders of it, and packages that are not installed."""
SETTINGS = {
    "HOST": "127.0.0.1",
    "SRE_DISPATCH_AUTH": "none",
    "SRE_DISPATCH_JOBS": "folder",
    "SRE_DISPATCH_OPA_URL": "http://127.0.0.1:9",
    "SRE_DISPATCH_ROOT": str(ROOT),
}
"""function/main.py reads them when it is imported."""
ALONE = """
import runpy, sys
folder, absent, module, *arguments = sys.argv[1:]
sys.meta_path[:] = [finder for finder in sys.meta_path if "Editable" not in getattr(finder, "__name__", "")]
sys.path.insert(0, folder)
sys.modules.update(dict.fromkeys(filter(None, absent.split(","))))
sys.argv[1:] = arguments
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""
EVERYTHING = """
import importlib, pkgutil
import function
for found in pkgutil.walk_packages(function.__path__, "function."):
    importlib.import_module(found.name)
    print(found.name)
"""


@pytest.fixture(params=IMAGES)
def image(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """An image's name, and a folder with what its Dockerfile copies of our package."""
    dockerfile, built, _, _ = IMAGES[request.param]
    lines = COPY.findall((ROOT / "knative" / dockerfile).read_text(encoding="utf-8"))
    for pattern, target in lines:
        if not target.startswith(built):
            continue
        inside = tmp_path / "function" / target.removeprefix(built)
        for source in ROOT.glob(pattern):
            if source.is_dir():
                shutil.copytree(source, inside, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                inside.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, inside)
    return request.param, tmp_path


def run(image: tuple[str, Path], module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    name, folder = image
    absent = ",".join(IMAGES[name][3])
    command = (sys.executable, "-c", ALONE, str(folder), absent, module, *arguments)
    settings = environment(**SETTINGS)
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=settings, timeout=120, check=False
    )


def test_an_image_holds_its_wing_and_what_is_shared(image: tuple[str, Path]) -> None:
    name, folder = image
    held = {path.name for path in (folder / "function").iterdir() if path.is_dir()}
    assert held == IMAGES[name][2]


def test_every_module_of_an_image_can_be_imported_there(image: tuple[str, Path]) -> None:
    (image[1] / "everything.py").write_text(EVERYTHING, encoding="utf-8")
    done = run(image, "everything")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) > 20


ENTRIES = {
    "function": ("function", "--help"),
    "worldmodel": ("function.worldmodel", "--help"),
    "agent": ("function.runner",),
}


def test_the_program_of_an_image_starts_there(image: tuple[str, Path]) -> None:
    done = run(image, *ENTRIES[image[0]])
    assert "usage" in (done.stdout + done.stderr).lower() and "Traceback" not in done.stderr


def named(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports anywhere, also inside of functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("function"):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_import_of_an_image_is_missing_there(image: tuple[str, Path]) -> None:
    name, folder = image
    everywhere = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "function").rglob("*.py")
    }
    held = {
        ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
        for path in folder.rglob("*.py")
    }
    imported = {module for path in folder.rglob("*.py") for module in named(path)}
    optional = {"function.worldmodel.__main__"} if name == "function" else set()  # `sre-dispatch worldmodel`
    assert imported & everywhere <= held | optional
