"""A delivery -> enrolments that list the texts of its alerts, for a person to check."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from function.dispatch import translate, wiring
from function.dispatch.enrolment import (
    EQUAL,
    MAX_TEXT,
    MAX_VALUE,
    UNFIT,
    annotation_readings,
    label_readings,
    numbered,
)
from function.dispatch.settings import Settings
from function.shared.errors import Rejected
from function.shared.event import SREEvent
from function.shared.strict_json import parse, to_json
from function.shared.text import cut

LAPTOP = {"SRE_DISPATCH_AUTH": "none", "HOST": "127.0.0.1", "SRE_DISPATCH_POLICY": "embedded"}
USED = ("SRE_DISPATCH_CLUSTER", "SRE_DISPATCH_CLUSTER_LABEL", "SRE_DISPATCH_LABELS")
UNNAMED = ("alertname", "severity")
"""The labels whose values do not become gaps in a text."""


def enrolments(body: bytes, environment: Mapping[str, str]) -> str:
    """Returns one entry of `enrolled` for each alert, as YAML. Raises Rejected if the function would refuse
    the body, or if the alerts have a text that cannot be enrolled."""
    settings = Settings.read({name: environment[name] for name in USED if name in environment} | LAPTOP)
    delivery = translate.either(parse(body), wiring.reading(settings))
    found = {_name(event): enrolment(event) for event in delivery.firing}
    return yaml.safe_dump(found, sort_keys=False, allow_unicode=False, width=1000)


def enrolment(event: SREEvent) -> dict[str, Any]:
    """Returns the enrolment of just these texts. In an annotation, numbers and the values of labels become
    gaps."""
    own = {name: getattr(event, name) for name in EQUAL}
    given = {name: read[0] for name, read in label_readings(event.raw_payload).items()}
    texts = annotation_readings(event.raw_payload)
    if unfit := [name for name, read in (given | texts).items() if read == UNFIT]:
        raise Rejected(
            400,
            "unfit_text",
            f"no enrolment can list {to_json(cut(unfit[0]))}: it has braces, or more than {MAX_VALUE} "
            f"characters in a label or {MAX_TEXT} in an annotation",
        )
    return own | {
        "labels": {name: [value] for name, value in given.items() if own.get(name) != value},
        "annotations": {name: [_pattern(text, given)] for name, text in texts.items()},
    }


def _pattern(text: str, given: Mapping[str, str]) -> str:
    """Returns the reading of a text with the values of labels as gaps, the longest value first."""
    gaps = {value: f"{{{name}}}" for name, value in sorted(given.items()) if name not in UNNAMED}
    values = sorted((value for value in gaps if numbered(value) == value != ""), key=len, reverse=True)
    if not values:
        return text
    whole = re.compile(rf"(?<![\w.{{-])(?:{'|'.join(map(re.escape, values))})(?![\w-]|\.\w)")
    return whole.sub(lambda found: gaps[found[0]], text)


def _name(event: SREEvent) -> str:
    return "-".join(filter(None, (event.alertname, event.namespace, event.resource_id))).lower()
