"""The policy in the embedded engine regorus, from the same files that OPA serves."""

from __future__ import annotations

import json
import threading
from typing import Any

import regorus

from function.dispatch.policy_files import PolicyFiles
from function.shared.errors import Misconfigured, Unavailable
from function.shared.strict_json import Json

ENTRYPOINT = "data.sre_dispatch.decision"
SYSTEM_EXITS = (KeyboardInterrupt, SystemExit)


class Rego:
    """Evaluates the policy in the embedded engine. Each thread has an engine of its own, because regorus
    binds an engine to its thread."""

    def __init__(self, files: PolicyFiles) -> None:
        self._files = files
        self._local = threading.local()
        try:
            self._engine()
        except RuntimeError:
            raise Misconfigured(
                "the policy does not compile: run `opa check --strict -b policies` to see where"
            ) from None

    def ask(self, document: Json) -> object:
        try:
            engine = self._engine()
            engine.set_input_json(json.dumps(document))
            answer = json.loads(engine.eval_query_as_json(ENTRYPOINT))
        except SYSTEM_EXITS:
            raise
        except BaseException as error:  # noqa: BLE001  the engine's PanicException is a BaseException
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
