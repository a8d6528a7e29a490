"""labels.yaml, and an operator's file over it -> the rules about labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from function.shared.errors import Misconfigured, first_error
from function.shared.event import AskedLevel

SHIPPED = Path(__file__).with_name("labels.yaml")
MAX_FILE = 256 * 1024
"""The size limit of an operator's file, in bytes. Ours has 12 KiB."""
APP, AGGREGATED = "app", "none"
"""What `tellers` of a subject calls a scrape target of no listed kind, and an alert that names no target."""

Kind = Literal["identifying", "target", "volatile", "state", "aspect", "other"]
Names = tuple[str, ...]
Matcher = Callable[[str], bool]


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
    having: Names = ()
    unless: Names = ()


class _File(BaseModel):
    """The shape of labels.yaml. Every part may be missing in an operator's file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cluster: Names = ()
    own_clusters: Names = ()
    synonyms: dict[str, Names] = Field(default_factory=dict)
    namespaces: Names = ()
    central: Names = ()
    tellers: dict[str, Names] = Field(default_factory=dict)
    subjects: tuple[SubjectRule, ...] = ()
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
    synonyms: Mapping[str, Names]
    is_namespace: Matcher
    central: frozenset[str]
    tellers: Mapping[str, Matcher]
    subjects: Sequence[SubjectRule]
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
    matching = re.compile("|".join(map(translate, names)) or r"(?!)").fullmatch
    return lambda text: matching(text) is not None


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
    except (OSError, yaml.YAMLError, RecursionError) as error:
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
    known = {*file.tellers, APP, AGGREGATED}
    for unknown in ({name for rule in file.subjects for name in rule.tellers} | {*file.own_clusters}) - known:
        raise Misconfigured(f"the labels file names the teller {unknown}: add it to `tellers`")
    matchers = [(kind, pattern(names)) for kind, names in order]

    @lru_cache(maxsize=4096)  # a sender chooses the names, so there is a limit
    def kind_of(name: str) -> Kind:
        return next((kind for kind, matches in matchers if matches(name)), "other")

    return LabelRules(
        cluster=file.cluster,
        own_clusters=file.own_clusters,
        synonyms=file.synonyms,
        is_namespace=pattern(file.namespaces),
        central=frozenset(file.central),
        tellers={name: pattern(names) for name, names in file.tellers.items()},
        subjects=file.subjects,
        kinds=file.kinds,
        own={name: frozenset(names) for name, names in file.own.items()},
        severities=file.severities,
        state_values={name: pattern(values) for name, values in file.state_values.items()},
        kind=kind_of,
    )
