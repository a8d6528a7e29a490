"""The model that the tiers name, and who takes over: from the one file that names them."""

from __future__ import annotations

import json
from typing import Any

from tests.process import ROOT

FILE = ROOT / "knative" / "claude-code.models.json"
KNOWN: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
MODEL: str = KNOWN["default"]["model"]
FALLBACK_MODELS: list[str] = KNOWN["default"]["fallback_models"]
