"""An alert's labels and annotations -> what the policy compares with an enrolment.

An enrolment lists every label and every annotation that its alert may have, with the values or texts of each.
`{number}` in such a pattern stands for a number, `{name}` for the alert's label of that name, and every other
character for itself (policies/README.md, "Enrol a resource for LOW"). The policy has no regular expressions,
so the numbers are found here. A text in braces, or over a limit, fits no pattern.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from function.shared.event import SREEvent
from function.shared.strict_json import Json

MAX_TEXT = 1024
"""The maximum number of characters of an annotation that can fit an enrolment."""
MAX_VALUE = 256
"""The maximum number of characters of a label's value that can fit an enrolment."""

NUMBER = "{number}"
UNFIT = "{"
"""The reading of a text that fits no pattern: in a pattern, every brace has its partner."""

UNITS = "[KMGTPE]i?B?|[kmunZY]|kB|B|bytes|ns|us|ms|[smhdw]"
_AMOUNT = rf"[+-]?[0-9]{{1,18}}(?:\.[0-9]{{1,18}})?(?:e[+-]?[0-9]{{1,3}})?(?:{UNITS})?"
_SPAN = r"-?(?:[0-9]{1,6}d )?(?:[0-9]{1,2}h )?(?:[0-9]{1,2}m )?[0-9]{1,2}s"
"""Prometheus' humanizeDuration writes a span such as `1d 2h 3m 4s`."""
IN_TEXT = re.compile(
    rf"(?<![^\s(\[='\"<>~])(?:{_SPAN}|{_AMOUNT})(?=[\s%)\]!?'\"]|[.,;:](?:\s|\Z)|\Z)", re.ASCII
)
"""A number that stands alone. The digits of a name, such as those of `f3iai` or `data-0`, belong to the
name."""
DIGITS = re.compile(r"[0-9]{1,10}")

EQUAL = ("alertname", "resource_type", "namespace", "cluster")
"""The fields of an enrolment that are equal to the event's."""

Labels = Mapping[str, Sequence[str]]
Enrolment = Mapping[str, Any]


def label_readings(alert: Json) -> dict[str, list[str]]:
    """Returns the readings of each label's value: as it is, and with each run of digits as a number."""
    return {name: _values(value) for name, value in _texts(alert, "labels").items()}


def annotation_readings(alert: Json) -> dict[str, str]:
    """Returns the reading of each annotation: its text with each number replaced."""
    return {name: _text(text) for name, text in _texts(alert, "annotations").items()}


def numbered(text: str) -> str:
    """Returns the text with `{number}` in the place of each number."""
    return IN_TEXT.sub(NUMBER, text)


def unlisted(event: SREEvent, config: Mapping[str, Any]) -> dict[str, list[str]]:
    """Returns the names of the event's labels and annotations that its enrolment does not list. Of several
    enrolments, it is the one that lacks the fewest. The result is empty if the event has no enrolment.

    `config` is the policy's. The policy decides; this function only explains its decision."""
    entries = [entry for rule in config.values() for entry in dict(rule.get("enrolled", {})).values()]
    of = [entry for entry in entries if all(entry[name] == getattr(event, name) for name in EQUAL)]
    found = [misfits(event.raw_payload, entry) for entry in of]
    return min(found, key=lambda names: sum(map(len, names.values())), default={})


def misfits(alert: Json, enrolment: Enrolment) -> dict[str, list[str]]:
    """Returns the names of the labels and of the annotations that do not fit the enrolment."""
    given, texts = label_readings(alert), annotation_readings(alert)
    values = own_labels(enrolment) | dict(enrolment["labels"])
    patterns = enrolment["annotations"]
    return {
        "labels": [name for name, read in given.items() if not set(read) & set(values.get(name, ()))],
        "annotations": [
            name
            for name, text in texts.items()
            if all(_filled(pattern, given) != text for pattern in patterns.get(name, ()))
        ],
    }


def own_labels(enrolment: Enrolment) -> dict[str, list[str]]:
    """Returns the labels that an enrolment need not list, because it names their values already."""
    return {name: [enrolment[name]] for name in ("alertname", "namespace", "cluster")}


def _filled(pattern: str, given: Labels) -> str | None:
    """Returns the pattern with the alert's labels in its gaps, or None if the alert lacks one of them."""
    first, *rest = pattern.split("{")
    parts = [piece.partition("}") for piece in rest]
    gaps = {"number": NUMBER} | {name: read[0] for name, read in given.items() if name != "number"}
    if not {name for name, _, _ in parts} <= gaps.keys():
        return None
    return first + "".join(gaps[name] + after for name, _, after in parts)


def _values(value: Any) -> list[str]:
    if not _is_readable(value, MAX_VALUE):
        return [UNFIT]
    return list(dict.fromkeys((value, DIGITS.sub(NUMBER, value))))


def _text(text: Any) -> str:
    return numbered(text) if _is_readable(text, MAX_TEXT) else UNFIT


def _is_readable(text: Any, limit: int) -> bool:
    return isinstance(text, str) and len(text) <= limit and not {"{", "}"} & set(text)


def _texts(alert: Json, part: str) -> Mapping[str, Any]:
    found = alert.get(part)
    return found if isinstance(found, dict) else {}
