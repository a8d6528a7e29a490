"""The embedded policy engine as it must not be used."""

from __future__ import annotations

from function.dispatch.adapters.rego import Rego
from function.dispatch.policy_files import PolicyFiles


class OneEngine(Rego):
    """As if the engine were shared: it panics in every thread but the one that made it."""

    def __init__(self, policy: PolicyFiles) -> None:
        super().__init__(policy)
        self._shared = super()._engine()

    def _engine(self) -> object:
        return self._shared if hasattr(self, "_shared") else super()._engine()
