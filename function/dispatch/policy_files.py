"""The policy folder -> modules, data, revision, the documentation of each rule, and the bundle for OPA.

    main.rego  rules/<rule>/<rule>.rego  config/<rule>/**/data.yaml  tiers/data.json

The folders of a data file are its path in `data`, as in OPA. An overlay is your own folder of data files. A
file at the same path replaces our file. Any other file is added.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from function.shared.errors import Misconfigured
from function.shared.event import digest
from function.shared.http import SHAPE_ERRORS
from function.shared.strict_json import to_json

PARTS = ("main.rego", "data.json", "lib", "rules", "config", "tiers")
"""The files and folders that belong to the policy. Schemas, examples and tests do not."""
DATA_FILES = frozenset({"data.json", "data.yaml"})
SELFTEST = "selftest.json"
"""The name of the file with inputs and their expected decisions. `check` reads it. An overlay that changes
decisions needs a file of its own."""
REVISION = "revision"
"""The key of the revision in the policy's data: data.revision.sha256. A value from a file is ignored."""
ROOTS = ("sre_dispatch", "config", "tiers", REVISION)
"""The parts of `data` that belong to the bundle. OPA refuses every other write to these parts."""

METADATA = re.compile(r"^# METADATA\n((?:#.*\n)+)((?:[^#\n].*\n)+)", re.M)
PACKAGE = re.compile(r"^package sre_dispatch\.rules\.(\w+)$", re.M)
CODE = re.compile(r'"code": "([a-z][a-z0-9_]*)"')


@dataclass(frozen=True)
class PolicyFiles:
    """The content of a policy folder: modules by path, and data as OPA loads it."""

    modules: Mapping[str, str]
    data: Mapping[str, Any]
    revision: str
    """The SHA-256 of modules and data in hex. It is also at data.revision.sha256."""


@dataclass(frozen=True)
class RuleNote:
    """The documentation of a rule or of one of its codes."""

    title: str
    change: str = ""
    """What a person can do so that the rule or code no longer applies."""


def read(folder: Path, overlay: Path | None = None) -> PolicyFiles:
    """Returns the policy in `folder` with the overlay's data. `folder` can be a bundle that `write` made.

    Raises Misconfigured if the folder contains no policy, or if data is no JSON or YAML object.
    """
    paths = {name: path for name, path in _files(folder) if not name.endswith("_test.rego")}
    if "main.rego" not in paths:
        raise Misconfigured(
            f"{folder} contains no policy: set SRE_DISPATCH_POLICIES to a folder with main.rego"
        )
    paths |= _overlay(overlay) if overlay else {}
    modules = {name: paths[name].read_text(encoding="utf-8") for name in paths if name.endswith(".rego")}
    data: dict[str, Any] = {}
    for name, path in sorted(paths.items(), key=lambda item: (item[0].count("/"), item[0])):
        if path.name in DATA_FILES:
            _place(data, name, _object(path, name))
    data.pop(REVISION, None)  # a bundle contains its revision, which is computed again here
    revision = digest(*(part for pair in sorted(modules.items()) for part in pair), to_json(data))
    return PolicyFiles(modules, {**data, REVISION: {"sha256": revision}}, revision)


def write(folder: Path, target: Path, overlay: Path | None = None) -> str:
    """Write the policy as a bundle for `opa run --server --bundle TARGET`. Returns its revision.

    Raises FileExistsError if `target` exists. Raises Misconfigured if data does not match its schema, and
    in the cases in which `read` raises it.
    """
    files = read(folder, overlay)
    if flaws := list(flawed(files.data["config"], folder / "schemas" / "config")):
        raise Misconfigured("; ".join(flaws))
    target.mkdir(parents=True)
    for name, text in files.modules.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(text, encoding="utf-8")
    if questions := [
        path for path in (overlay and overlay / SELFTEST, folder / SELFTEST) if path and path.is_file()
    ]:
        (target / SELFTEST).write_bytes(questions[0].read_bytes())
    manifest = {"revision": files.revision, "roots": ROOTS}
    for name, value in (("data.json", files.data), (".manifest", manifest)):
        (target / name).write_text(json.dumps(value, indent=1, sort_keys=True), encoding="utf-8")
    return files.revision


def flawed(config: Mapping[str, Any], schemas: Path) -> Iterator[str]:
    """Yields a message for each place at which the rules' data does not match its JSON Schema."""
    import jsonschema

    for rule, value in config.items():
        path = schemas / f"{rule}.json"
        if not path.is_file():
            yield f"policy data config/{rule}: there is no such rule, because its schema {path} is missing"
            continue
        validator = jsonschema.Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))
        for error in validator.iter_errors(value):
            yield f"policy data config/{rule}{error.json_path[1:]}: {error.message}"


def notes(files: PolicyFiles) -> dict[tuple[str, str], RuleNote]:
    """Returns the documentation by (rule, code). The empty code stands for the rule itself."""
    found: dict[tuple[str, str], RuleNote] = {}
    for text in files.modules.values():
        rule = PACKAGE.search(text)
        for block, head in METADATA.findall(text) if rule else ():
            said = yaml.safe_load(re.sub(r"^# ?", "", block, flags=re.M))
            note = RuleNote(said["title"], said.get("custom", {}).get("change", ""))
            codes = [""] if head.startswith("package ") else CODE.findall(head)
            found |= {(rule.group(1), code): note for code in codes if rule}
    return found


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for part in PARTS:
        top = folder / part
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.suffix == ".rego" or path.name in DATA_FILES:
                yield path.relative_to(folder).as_posix(), path


def _overlay(folder: Path) -> dict[str, Path]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    found.pop(SELFTEST, None)
    odd = [
        name for name, path in found.items() if path.name not in DATA_FILES or not name.startswith("config/")
    ]
    if odd or not found:
        what = f"{odd[0]} does not belong there" if odd else "there is no data file"
        raise Misconfigured(
            f"the overlay {folder} may have only data files below config/, and a {SELFTEST}: {what}"
        )
    return found


def _object(path: Path, name: str) -> dict[str, Any]:
    try:
        value = yaml.load(path.read_bytes(), yaml.CSafeLoader)  # JSON is a subset of YAML
        json.dumps(value)
    except (yaml.YAMLError, *SHAPE_ERRORS):  # PyYAML raises them for an odd number or date
        value = None
    if not isinstance(value, dict):
        raise Misconfigured(f"policy data {name} must be a JSON or YAML object: quote each date in it")
    return value


def _place(data: dict[str, Any], name: str, value: dict[str, Any]) -> None:
    for key in name.split("/")[:-1]:
        data = data.setdefault(key, {})
        if not isinstance(data, dict):
            raise Misconfigured(
                f"policy data {name}: {key} has a value already: remove the value, or move the file"
            )
    if both := data.keys() & value.keys():
        raise Misconfigured(
            f"policy data {name} sets {min(both)} a second time: remove it from one of the files"
        )
    data.update(value)
