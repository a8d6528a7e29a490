"""labels.yaml, and an operator's file over it -> the rules about labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from function.shared.errors import Misconfigured, first_error
from function.shared.event import AskedLevel
from function.shared.http import SHAPE_ERRORS

SHIPPED = Path(__file__).with_name("labels.yaml")
MAX_FILE = 256 * 1024
"""The size limit of an operator's file, in bytes. Ours has 12 KiB."""
EXPORTED = "exported_"
"""The prefix that Prometheus writes before a series' own label if the scrape target has that label too."""
PLAIN = str.maketrans("./-", "___")
"""OpenTelemetry's names have dots, and those of Kubernetes have dots, slashes and hyphens."""
KEPT = 4096
"""The maximum number of names whose meaning is kept in memory."""
APP, AGGREGATED, SYNONYM = "app", "none", "synonym"
"""What `tellers` of a subject calls a scrape target of no listed kind, an alert that names no target, and any
teller if the label has another name in the alert."""

Kind = Literal["identifying", "target", "volatile", "state", "aspect", "other"]
Names = tuple[str, ...]
Matcher = Callable[[str], bool]
Found = TypeVar("Found")


class SubjectRule(BaseModel):
    """A label that can name the subject. labels.yaml explains the fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str
    type: str = Field("", pattern=r"^[a-z][a-z0-9_]{0,62}$|^$")
    scope: Literal["namespace", "cluster"] = "namespace"
    namespace: str = ""
    kind: str = ""
    value: str = ""
    tellers: Names = ()
    having: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()


def _one_each(lines: Any) -> Any:
    """Returns the lines of `subjects`. A line with `names` becomes one line for each of them."""
    return [each for line in lines for each in _each(line)] if isinstance(lines, list) else lines


def _each(line: Any) -> list[Any]:
    names = line.get("names") if isinstance(line, dict) else None
    if not isinstance(names, dict):
        return [line]
    rest = {field: value for field, value in line.items() if field != "names"}
    return [{"label": label, "type": of_type, **rest} for label, of_type in names.items()]


class _File(BaseModel):
    """The shape of labels.yaml. Every part may be missing in an operator's file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cluster: Names = ()
    own_clusters: Names = ()
    own_namespaces: Names = ()
    own_instances: Names = ()
    synonyms: dict[str, Names] = Field(default_factory=dict)
    namespaces: Names = ()
    central: Names = ()
    tellers: dict[str, Names] = Field(default_factory=dict)
    subjects: Annotated[tuple[SubjectRule, ...], BeforeValidator(_one_each)] = ()
    kinds: dict[str, str] = Field(default_factory=dict)
    target: Names = ()
    volatile: Names = ()
    state: Names = ()
    state_values: dict[str, Names] = Field(default_factory=dict)
    aspects: Names = ()
    own: dict[str, Names] = Field(default_factory=dict)
    identifying: Names = ()
    severities: dict[str, AskedLevel] = Field(default_factory=dict)


@dataclass(frozen=True)
class LabelRules:
    """The rules about labels. labels.yaml explains each of them."""

    cluster: Names
    own_clusters: Names
    own_namespaces: Names
    own_instances: Names
    standard: Mapping[str, str]
    """The standard name of each other name. The best of the other names comes first."""
    is_namespace: Matcher
    """Returns whether a label has the name of a namespace."""
    central: frozenset[str]
    tellers: Mapping[str, Matcher]
    subjects: Sequence[SubjectRule]
    lines: Callable[[str], Sequence[int]] = field(repr=False)
    """Returns the numbers of the subjects' lines that a label fits."""
    teller: Callable[[str], str] = field(repr=False)
    """Returns the kind of the scrape target with this name, or an empty string."""
    kinds: Mapping[str, str]
    own: Mapping[str, frozenset[str]]
    severities: Mapping[str, AskedLevel]
    state_values: Mapping[str, Matcher]
    kind: Callable[[str], Kind] = field(repr=False)
    """Returns what a label says. `aspect` and `other` identify as well as `identifying` does."""


@dataclass(frozen=True)
class Reading:
    """How the labels of all alerts are read."""

    rules: LabelRules
    cluster: str = ""
    """The cluster of alerts without a label that names one."""
    cluster_label: str = ""
    """The only label that names the cluster. If it is empty, labels.yaml lists these labels."""

    def cluster_of(self, labels: Mapping[str, str], teller: str) -> tuple[str, str]:
        """Returns the name of the alert's cluster, and the label that names it or an empty string."""
        names = (self.cluster_label,) if self.cluster_label else self.rules.cluster
        label = next((name for name in names if labels.get(name)), "")
        if not label or (self.cluster and not self.cluster_label and teller in self.rules.own_clusters):
            return self.cluster, ""
        return labels[label], label


@cache
def load(overlay: Path | None = None) -> LabelRules:
    """Returns our rules, with those of the operator's file before them. Raises Misconfigured if the file
    cannot be used."""
    shipped = _read(SHIPPED)
    return _rules(_merged(_read(overlay), shipped) if overlay else shipped)


@cache
def pattern(names: Names) -> Matcher:
    """Returns a function that tells whether a text matches one of the names, in which * stands for any
    characters."""
    searched = re.compile("|".join(map(_expression, names)) if names else "(?!)", re.DOTALL).search
    return lambda text: searched(text) is not None


def _expression(name: str) -> str:
    """Returns the regular expression of a name. A search is much faster than a full match that begins with
    any characters."""
    start, end = "" if name.startswith("*") else r"\A", "" if name.endswith("*") else r"\Z"
    return start + ".*".join(map(re.escape, name.strip("*").split("*"))) + end


def plain(name: str) -> str:
    """Returns the name of a label with underscores in place of dots, slashes and hyphens."""
    return name.translate(PLAIN)


def _read(path: Path) -> _File:
    import yaml  # a start does not need it

    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
        if len(content) > MAX_FILE:
            raise Misconfigured(f"{path} has more than {MAX_FILE} bytes: shorten it")
        loaded = yaml.load(content, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  both are safe
        return _File.model_validate(loaded or {})
    except ValidationError as error:
        where, what = first_error(error)
        raise Misconfigured(f"{path}: {where or 'it'}: {what}") from None
    except (OSError, yaml.YAMLError, *SHAPE_ERRORS) as error:  # PyYAML raises them for an odd number or date
        raise Misconfigured(f"{path} cannot be read ({type(error).__name__}): it must be YAML") from None


def _merged(first: _File, then: _File) -> _File:
    parts: dict[str, Any] = {}
    for name in _File.model_fields:
        ours, theirs = getattr(then, name), getattr(first, name)
        if not isinstance(ours, dict):
            parts[name] = (*theirs, *ours)
        elif any(isinstance(value, str) for value in ours.values()):
            parts[name] = {**ours, **theirs}
        else:  # their keys come first, because the first teller that matches is taken
            parts[name] = {key: (*theirs.get(key, ()), *ours.get(key, ())) for key in {**theirs, **ours}}
    return _File(**parts)


def _rules(file: _File) -> LabelRules:
    order: tuple[tuple[Kind, Names], ...] = (
        ("identifying", file.identifying),
        ("volatile", file.volatile),
        ("state", file.state),
        ("target", (*file.target, *(name for others in file.synonyms.values() for name in others))),
        ("aspect", file.aspects),
    )
    known = {*file.tellers, APP, AGGREGATED, SYNONYM}
    used = {
        *file.own_clusters,
        *file.own_namespaces,
        *file.own_instances,
        *(name for rule in file.subjects for name in rule.tellers),
    }
    for unknown in used - known:
        raise Misconfigured(f"the labels file names the teller {unknown}: add it to `tellers`")
    kind_of = _first(order, "other")
    is_namespace = pattern(("namespace", *file.synonyms.get("namespace", ()), *file.namespaces))
    tellers = {name: pattern(names) for name, names in file.tellers.items()}
    return LabelRules(
        cluster=file.cluster,
        own_clusters=file.own_clusters,
        own_namespaces=file.own_namespaces,
        own_instances=file.own_instances,
        standard={other: name for name, others in file.synonyms.items() for other in others},
        is_namespace=_kept(lambda name: is_namespace(plain(name).removeprefix(EXPORTED))),
        central=frozenset(file.central),
        tellers=tellers,
        subjects=file.subjects,
        lines=_lines(file.subjects, kind_of),
        teller=_first(tuple(file.tellers.items()), ""),
        kinds=file.kinds,
        own={name: frozenset(names) for name, names in file.own.items()},
        severities=file.severities,
        state_values={name: pattern(values) for name, values in file.state_values.items()},
        kind=kind_of,
    )


def _first(order: Sequence[tuple[Found, Names]], otherwise: Found) -> Callable[[str], Found]:
    """Returns a function that returns the first entry with a matching name."""
    matchers = [(found, pattern(names)) for found, names in order]
    return _kept(lambda name: next((found for found, matches in matchers if matches(name)), otherwise))


def _lines(subjects: Sequence[SubjectRule], kind_of: Callable[[str], Kind]) -> Callable[[str], Sequence[int]]:
    """Returns a function that returns the numbers of the lines that a label fits. A line with * fits only
    labels that no list describes."""
    exact: dict[str, list[int]] = {}
    wide: list[tuple[int, Matcher]] = []
    for number, rule in enumerate(subjects):
        if "*" in rule.label:
            wide.append((number, pattern((rule.label,))))
        else:
            exact.setdefault(rule.label, []).append(number)

    def lines(name: str) -> Sequence[int]:
        unlisted = kind_of(name.removeprefix(EXPORTED)) == "other"
        return (*exact.get(name, ()), *(number for number, matches in wide if unlisted and matches(name)))

    return _kept(lines)


def _kept(function: Callable[[str], Found]) -> Callable[[str], Found]:
    """Returns the function with a memory. A sender chooses the arguments, so the memory has a limit."""
    return lru_cache(maxsize=KEPT)(function)
