"""The policy folder -> modules, data, revision and what its authors say of each rule; and the bundle for OPA.

    main.rego  rules/<rule>/<rule>.rego  config/<rule>/**/data.yaml  tiers/data.json

A data file's folders are its path in `data`, as OPA has it. An organisation's overlay is a folder of data
files laid over these: one at the same path replaces ours, any other is added.
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
from function.shared.strict_json import to_json

PARTS = ("main.rego", "data.json", "lib", "rules", "config", "tiers")
"""What of the folder is policy; schemas, examples and tests are not."""
DATA_FILES = frozenset({"data.json", "data.yaml"})
SELFTEST = "selftest.json"
"""Questions whose answers are known, for `check`; an overlay that changes the answers brings its own."""
REVISION = "revision"
"""Where the revision stands in `data`, at data.revision.sha256; no file may hold it."""
ROOTS = ("sre_dispatch", "config", "tiers", REVISION)
"""What of `data` the bundle owns; OPA keeps everybody else from writing there."""

METADATA = re.compile(r"^# METADATA\n((?:#.*\n)+)((?:[^#\n].*\n)+)", re.M)
PACKAGE = re.compile(r"^package sre_dispatch\.rules\.(\w+)$", re.M)
CODE = re.compile(r'"code": "([a-z][a-z0-9_]*)"')


@dataclass(frozen=True)
class PolicyFiles:
    """What a policy folder holds: modules by path, and its data as OPA would root it."""

    modules: Mapping[str, str]
    data: Mapping[str, Any]
    revision: str
    """SHA-256 in hex over modules and data; also at data.revision.sha256."""


@dataclass(frozen=True)
class RuleNote:
    """What the policy's authors say of a rule, or of one of its codes, in a sentence each."""

    title: str
    change: str = ""
    """What a person does so that it no longer applies."""


def read(folder: Path, overlay: Path | None = None) -> PolicyFiles:
    """The policy in `folder`, or in a bundle that `write` made, with the overlay's data if there is one.

    Raises Misconfigured for what is no policy folder, and for data that is no JSON or YAML object.
    """
    paths = {name: path for name, path in _files(folder) if not name.endswith("_test.rego")}
    if "main.rego" not in paths:
        raise Misconfigured(f"no policy in {folder}: set SRE_DISPATCH_POLICIES to a folder with main.rego")
    paths |= _overlay(overlay) if overlay else {}
    modules = {name: paths[name].read_text(encoding="utf-8") for name in paths if name.endswith(".rego")}
    data: dict[str, Any] = {}
    for name, path in sorted(paths.items(), key=lambda item: (item[0].count("/"), item[0])):
        if path.name in DATA_FILES:
            _place(data, name, _object(path, name))
    data.pop(REVISION, None)  # a bundle's own; made anew from all the rest
    revision = digest(*(part for pair in sorted(modules.items()) for part in pair), to_json(data))
    return PolicyFiles(modules, {**data, REVISION: {"sha256": revision}}, revision)


def write(folder: Path, target: Path, overlay: Path | None = None) -> str:
    """The policy as a bundle that OPA can serve, `opa run --server --bundle TARGET`; returns its revision.

    Raises FileExistsError where `target` exists, Misconfigured as `read` does and for data that breaks its
    schema.
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
    """What in the rules' data breaks its JSON Schema, each with its place."""
    import jsonschema

    for rule, value in config.items():
        path = schemas / f"{rule}.json"
        if not path.is_file():
            yield f"policy data config/{rule} belongs to no rule: {path} is missing"
            continue
        validator = jsonschema.Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))
        for error in validator.iter_errors(value):
            yield f"policy data config/{rule}{error.json_path[1:]}: {error.message}"


def notes(files: PolicyFiles) -> dict[tuple[str, str], RuleNote]:
    """Note by (rule, code); the rule's own stands under the code ""."""
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
        what = f"{odd[0]} is none" if odd else "there are none"
        raise Misconfigured(
            f"an overlay holds data files below config/ and at most a {SELFTEST}; in {folder} {what}"
        )
    return found


def _object(path: Path, name: str) -> dict[str, Any]:
    try:
        value = yaml.load(path.read_bytes(), yaml.CSafeLoader)  # of which JSON is a part
        json.dumps(value)
    except (yaml.YAMLError, TypeError, ValueError):
        value = None
    if not isinstance(value, dict):
        raise Misconfigured(f"policy data {name} is no object of JSON or YAML (quote dates)")
    return value


def _place(data: dict[str, Any], name: str, value: dict[str, Any]) -> None:
    for key in name.split("/")[:-1]:
        data = data.setdefault(key, {})
        if not isinstance(data, dict):
            raise Misconfigured(f"policy data {name} is below {key}, which is no object")
    if both := data.keys() & value.keys():
        raise Misconfigured(f"policy data {name} gives {min(both)} a second time")
    data.update(value)
