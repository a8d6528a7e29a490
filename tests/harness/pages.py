"""The prompt pages as an agent reads them, and the queries and tools that they name."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache

import yaml

from function.dispatch import render
from function.dispatch.model import Facts
from tests.harness.fakes import PROMPTS, decision, event
from tests.harness.process import ROOT, TIER_FILES

FOLDER = ROOT / "prompts" / "alerts"
PAGES = [path.name.removesuffix(".md.j2") for path in sorted(FOLDER.glob("[!_]*.md.j2"))]
"""The alerts that have a page of their own."""
CODE = re.compile(r"`([^`]+)`")
METRIC = re.compile(r"([a-z]+(?:[_:][a-z0-9]+){2,})(?: .*)?")
TOOL = re.compile(r"(?:alerting|pods|resources|nodes|events|namespaces|query|list|get|search)_[a-z_]+")


def page(alertname: str, level: str = "HIGH") -> str:
    """What the prompt of the alert says before the alert itself."""
    named = replace(event(), alertname=alertname, raw_payload={})
    text = render.render(named, decision(level), Facts(gaps=("no_source",)), PROMPTS).text
    return text.partition("# The alert\n")[0]


def queries(text: str) -> list[str]:
    """The PromQL in the text: what is quoted as code, and is an expression or the name of a metric."""
    return [
        code
        for code in CODE.findall(text)
        if set("{(") & set(code) or (METRIC.fullmatch(code) and code not in tools_of_the_tiers())
    ]


def tools(text: str) -> set[str]:
    return {code for code in CODE.findall(text) if TOOL.fullmatch(code)}


@cache
def tools_of_the_tiers() -> frozenset[str]:
    """The tools that every tier has."""
    return frozenset.intersection(
        *(frozenset(_tools(path.read_text(encoding="utf-8"))) for path in TIER_FILES)
    )


def _tools(manifest: str) -> list[str]:
    objects = [each for each in yaml.safe_load_all(manifest) if each["kind"] == "ConfigMap"]
    (tier,) = [json.loads(each["data"]["tier.json"]) for each in objects]
    return [tool for server in tier["servers"].values() for tool in server["tools"]]
