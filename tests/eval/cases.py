"""Reads cases: the base, and what each case lays over it. Times stay relative until a world is brought up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.eval.forms import Ago, Alert, Truth, Unusable, contradictions, quantity, read, span
from tests.harness.pages import tools_of_the_tiers
from tests.harness.process import ROOT

OURS = ROOT / "tests" / "eval" / "cases"
BASE = "_base"
FILES = {"alert.yaml", "objects.yaml", "series.yaml", "logs", "truth.yaml"}
SERIES_KEYS = {"series", "was", "now", "since", "how", "per_second", "gone", "from"}
FIRING_KEYS = {"firing", "since"}
LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(.*)\})?", re.S)

Object = dict[str, Any]
Key = tuple[str, str, str]
"""Kind, namespace, name."""
Named = tuple[str, tuple[tuple[str, str], ...]]
"""A series: its name, and its labels in their order."""


@dataclass(frozen=True)
class Logs:
    """The logs of all containers, by namespace, pod and file."""

    texts: Mapping[tuple[str, str, str], str]

    def of(self, namespace: str, pod: str, container: str, previous: bool) -> str | None:
        """The log, or None if there is no file for it."""
        file = f"{container}.previous.log" if previous else f"{container}.log"
        return self.texts.get((namespace, pod, file))


@dataclass(frozen=True)
class World:
    """What there is in the cluster, in Prometheus and in the logs."""

    objects: Mapping[Key, Object]
    series: Mapping[Named, Mapping[str, Any]]
    logs: Logs


@dataclass(frozen=True)
class Case:
    name: str
    alert: Alert
    truth: Truth
    world: World
    twin: World
    """The same world without the fault: the base alone."""


class _Loader(yaml.SafeLoader):
    """Knows `!ago 12m`. A text that looks like a time stays a text, and so does `yes`, as in YAML 1.2."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag.rpartition(":")[2] not in ("timestamp", "bool")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|false|True|False)$"), list("tfTF")
)
_Loader.add_constructor("!ago", lambda loader, node: Ago(span(node.value)))


def names(suite: Path = OURS) -> list[str]:
    """The cases in the folder."""
    return sorted(path.name for path in suite.iterdir() if path.is_dir() and not path.name.startswith("_"))


def load(suite: Path, name: str) -> Case:
    """The case. Raises Unusable."""
    folder = suite / name
    if not folder.is_dir():
        raise Unusable(f"{folder} is no folder: the cases are {', '.join(names(suite))}")
    if strange := {path.name for path in folder.iterdir()} - FILES:
        raise Unusable(f"{folder}: {', '.join(sorted(strange))} is no part of a case; remove it")
    alert = read(Alert, _yaml(folder / "alert.yaml"), f"{name}/alert.yaml")
    truth = read(Truth, _yaml(folder / "truth.yaml"), f"{name}/truth.yaml")
    twin = base(suite / BASE if (suite / BASE).is_dir() else OURS / BASE)
    _check(name, alert, truth)
    return Case(name, alert, truth, _laid_over(twin, folder), twin)


@cache
def base(folder: Path) -> World:
    """The healthy world that the cases of a suite have in common."""
    empty = World({}, {}, Logs({}))
    return _laid_over(empty, folder) if folder.is_dir() else empty


def timed(value: Any, now: datetime) -> Any:
    """The value with times in place of `!ago`. Both Time and MicroTime of Kubernetes accept the form."""
    if isinstance(value, Ago):
        return (now - value.span).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, Mapping):
        return {key: timed(child, now) for key, child in value.items()}
    if isinstance(value, list):
        return [timed(child, now) for child in value]
    return value


def key_of(made: Object) -> Key:
    metadata = made["metadata"]
    return made["kind"], metadata.get("namespace", ""), metadata["name"]


def patched(old: Any, new: Any) -> Any:
    """A JSON merge patch, RFC 7396."""
    if not isinstance(new, dict):
        return new
    kept = dict(old) if isinstance(old, dict) else {}
    for name, value in new.items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = patched(kept.get(name), value)
    return kept


def selector(text: str) -> Named:
    """The series that `name{label="value"}` names. Raises ValueError."""
    found = SELECTOR.fullmatch(text.strip())
    if not found:
        raise ValueError(f'{text!r} is no series: write name{{label="value"}}')
    labels, rest = {}, found[2] or ""
    while rest.strip():
        label = LABEL.match(rest)
        if not label:
            raise ValueError(f"{text!r}: {rest!r} is no list of labels")
        labels[label[1]] = label[2].replace(r"\"", '"').replace(r"\\", "\\")
        rest = rest[label.end() :]
    return found[1], tuple(sorted(labels.items()))


def _laid_over(under: World, folder: Path) -> World:
    where = folder.name
    objects = dict(under.objects)
    for number, made in enumerate(_list(folder / "objects.yaml")):
        key = _checked_key(made, f"{where}/objects.yaml: item {number}")
        if made.get("absent"):
            objects.pop(key, None)
        else:
            objects[key] = patched(objects.get(key, {}), made)
            if "apiVersion" not in objects[key]:
                raise Unusable(f"{where}/objects.yaml: {'/'.join(key)} is new and has no apiVersion")
    series = dict(under.series)
    for number, item in enumerate(_list(folder / "series.yaml")):
        named, told = _series(item, f"{where}/series.yaml: item {number}")
        series[named] = told
    return World(objects, series, Logs({**under.logs.texts, **_logs(folder / "logs")}))


def _checked_key(made: Any, where: str) -> Key:
    try:
        return key_of(made)
    except (TypeError, KeyError) as error:
        raise Unusable(f"{where} has no kind or no metadata.name ({error})") from None


def _series(item: Any, where: str) -> tuple[Named, Mapping[str, Any]]:
    """The series of an item, with its times and values checked."""
    try:
        return _checked_series(item), item
    except (TypeError, KeyError, ValueError) as error:
        raise Unusable(f"{where}: {error}") from None


def _checked_series(item: Mapping[str, Any]) -> Named:
    if unknown := set(item) - (FIRING_KEYS if "firing" in item else SERIES_KEYS):
        raise ValueError(f"unknown {', '.join(sorted(unknown))}")
    for name in {"since", "gone", "from"} & set(item):
        span(item[name])
    if "firing" in item:
        return "ALERTS", tuple(sorted({**item["firing"], "alertstate": "firing"}.items()))
    for name in {"was", "now"} & set(item):
        quantity(item[name])
    if item.get("how", "step") not in ("step", "slope"):
        raise ValueError("`how` must be step or slope")
    return selector(item["series"])


def _logs(folder: Path) -> Mapping[tuple[str, str, str], str]:
    found = {}
    for path in sorted(folder.rglob("*.log")):
        parts = path.relative_to(folder).parts
        if len(parts) != 3:
            raise Unusable(f"{path}: a log is logs/NAMESPACE/POD/CONTAINER.log")
        found[parts[0], parts[1], parts[2]] = path.read_text(encoding="utf-8")
    return found


def _check(name: str, alert: Alert, truth: Truth) -> None:
    """Raises Unusable for what only the files together show."""
    problems = [f"truth.yaml: {each}" for each in contradictions(truth)]
    if not alert.labels.get("alertname"):
        problems.append("alert.yaml: labels.alertname is missing")
    known = tools_of_the_tiers()
    for item in truth.evidence:
        for call in item.calls:
            if call.tool.partition(".")[2] not in known:
                problems.append(f"truth.yaml: {call.tool} is no tool of the tier investigate")
    if problems:
        raise Unusable("; ".join(f"{name}/{problem}" for problem in problems))


def _list(path: Path) -> Sequence[Any]:
    """The items of a file that may be left out."""
    found = _yaml(path) if path.exists() else []
    if not isinstance(found or [], list):
        raise Unusable(f"{path.parent.name}/{path.name} is no list")
    return found or []


def _yaml(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise Unusable(f"{path.parent.name}/{path.name} is missing") from None
    except (yaml.YAMLError, ValueError) as error:
        raise Unusable(f"{path.parent.name}/{path.name}: {error}") from None
