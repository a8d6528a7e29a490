"""Policy by the embedded engine regorus, over the same files that OPA serves."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regorus

from function.errors import Misconfigured, Unavailable
from function.model import Json, digest

ENTRYPOINT = "data.sre_dispatch.decision"
SYSTEM_EXITS = (KeyboardInterrupt, SystemExit)


@dataclass(frozen=True)
class PolicyFiles:
    """What a policy folder holds: modules by path, and its data as OPA would root it."""

    modules: Mapping[str, str]
    data: Mapping[str, Any]
    revision: str
    """SHA-256 in hex over paths and bytes of all of it; stands at data.revision.sha256."""


def read(folder: Path) -> PolicyFiles:
    """The *.rego and data.json files below `folder`, tests left out. Raises Misconfigured."""
    paths = sorted(
        path
        for path in folder.rglob("*")
        if (path.name == "data.json" or path.suffix == ".rego")
        and not path.name.endswith("_test.rego")
        and path.parent != folder / "revision"  # made from the others by write_bundle
    )
    if not paths:
        raise Misconfigured(f"no policy in {folder}: set SRE_DISPATCH_ROOT to the folder above policies/")
    texts = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    revision = digest(*(part for pair in texts.items() for part in pair))
    data: dict[str, Any] = {"revision": {"sha256": revision}}
    for name, text in texts.items():
        if name.endswith("data.json"):
            _place(data, name.split("/")[:-1], text, name)
    modules = {name: text for name, text in texts.items() if name.endswith(".rego")}
    return PolicyFiles(modules, data, revision)


def _place(data: dict[str, Any], keys: list[str], text: str, name: str) -> None:
    for key in keys:
        data = data.setdefault(key, {})
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Misconfigured(f"policy data {name} is no JSON object")
    data.update(value)


def write_bundle(folder: Path, target: Path) -> None:
    """The policy in `folder` as a bundle that OPA can serve: with its revision, without its tests.

    `opa run --server -b TARGET`. Raises FileExistsError where `target` exists, Misconfigured as `read` does.
    """
    files = read(folder)
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("*_test.rego", "revision"))
    (target / "revision").mkdir()
    (target / "revision" / "data.json").write_text(json.dumps(files.data["revision"]), encoding="utf-8")


class Rego:
    """Asks the embedded engine. One engine a thread: regorus binds an engine to the thread that made it."""

    def __init__(self, files: PolicyFiles) -> None:
        self._files = files
        self._local = threading.local()
        try:
            self._engine()
        except RuntimeError:
            raise Misconfigured(
                "the policy does not compile: opa check --strict -b policies says where"
            ) from None

    def ask(self, document: Json) -> object:
        try:
            engine = self._engine()
            engine.set_input_json(json.dumps(document))
            answer = json.loads(engine.eval_query_as_json(ENTRYPOINT))
        except SYSTEM_EXITS:
            raise
        except BaseException as error:  # noqa: BLE001  the engine's PanicException is no Exception
            raise Unavailable(
                "policy_engine", f"the embedded policy engine failed: {type(error).__name__}"
            ) from None
        results = answer.get("result", [])
        return results[0]["expressions"][0]["value"] if len(results) == 1 else None

    def _engine(self) -> Any:
        engine = getattr(self._local, "engine", None)
        if engine is None:
            engine = regorus.Engine()
            for name, text in self._files.modules.items():
                engine.add_policy(name, text)
            engine.add_data_json(json.dumps(self._files.data))
            self._local.engine = engine
        return engine
