"""The deliveries that the tests share, and when they come."""

from __future__ import annotations

from tests.harness.process import ROOT

AT = "2026-03-29T03:10:00Z"
DELIVERIES = sorted((ROOT / "tests" / "deliveries").glob("*.json"))
REFUSED = sorted((ROOT / "tests" / "deliveries" / "refused").glob("*.json"))
