"""What a Job remembers of its alert. Later deliveries read it from the list of Jobs, without the Job's event.

A mark contains hashes, never a text of the alert. Only the names of labels are readable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from function.dispatch.identity import RANDOM, general
from function.dispatch.model import Marks
from function.shared.event import STORM, SREEvent, digest
from function.shared.strict_json import to_json

FAMILY, WORDS, LABELS = "sre-dispatch/family", "sre-dispatch/words", "sre-dispatch/identity-labels"
CHARGED = "sre-dispatch/charged-to"
MAX_LABELS = 4096
"""The size limit of the marked labels in bytes. A list of Jobs has them for each Job."""
MIN_NAME = 3
"""The minimum length of a label's value that is taken out of a text. Shorter ones are parts of words."""
MAX_COMPARED = 16 * 1024
"""The maximum number of characters of an alert's annotations whose words are compared."""
RUN = re.compile(r"\S+")
WORD = re.compile(r"\w+")
GENERATED = re.compile(rf"{RANDOM}{{5}}", re.ASCII)


def of(event: SREEvent) -> Marks:
    """Returns the marks of an event. A storm's members change, so it has only the namespace to which it is
    charged."""
    if event.source == STORM:
        return Marks(charged_to=charged(event))
    labels = {label: digest(value)[:8] for label, value in event.identity_labels.items()}
    return Marks(
        family(event), words(event), labels if len(to_json(labels)) <= MAX_LABELS else {}, charged(event)
    )


def charged(event: SREEvent) -> str:
    """Returns 16 hex digits of the namespace to which the event is charged."""
    return digest(event.charged_to)[:16]


def family(event: SREEvent) -> str:
    """Returns 16 hex digits of cluster, alertname and subject."""
    name = general(event.resource_type, event.resource_id)
    return digest(event.cluster, event.alertname, event.resource_type, event.namespace, name)[:16]


def as_annotations(marks: Marks) -> dict[str, str]:
    """Returns the Job's annotations for the marks."""
    texts = {FAMILY: marks.family, WORDS: marks.words, CHARGED: marks.charged_to}
    if marks.family:
        texts[LABELS] = to_json(dict(marks.labels))
    return {name: text for name, text in texts.items() if text}


def read(found: Mapping[str, str]) -> Marks:
    """Returns the marks in a Job's annotations. What is missing or broken counts as no mark."""
    try:
        labels = json.loads(found.get(LABELS, "{}"))
    except ValueError:
        labels = {}
    known = labels if isinstance(labels, dict) else {}
    return Marks(found.get(FAMILY, ""), found.get(WORDS, ""), known, found.get(CHARGED, ""))


def words(event: SREEvent) -> str:
    """Returns 16 hex digits of the words in the alert's annotations.

    It leaves out numbers, addresses, generated names and the values of labels: these differ between two
    alerts of one problem."""
    texts, labels = event.raw_payload.get("annotations"), event.raw_payload.get("labels")
    values = sorted(_strings(labels), key=len, reverse=True)
    found: set[str] = set()
    room = MAX_COMPARED
    for text in _strings(texts):
        rest = without_addresses(text[: max(0, room)])
        room -= len(text)
        for value in values:
            if len(value) >= MIN_NAME:
                rest = rest.replace(value, " ")
        found.update(word for word in WORD.findall(rest.lower()) if _is_plain(word))
    return digest(*sorted(found))[:16]


def without_addresses(text: str) -> str:
    """Returns the text with a space for each address. A pattern of a whole address would read a long run of
    characters anew from each of them."""
    return RUN.sub(lambda run: " " if "://" in run[0][1:-1] else run[0], text)


def _strings(texts: object) -> Iterable[str]:
    if not isinstance(texts, Mapping):
        return []
    return [text for _, text in sorted(texts.items()) if isinstance(text, str)]


def _is_plain(word: str) -> bool:
    return not any(character.isdigit() for character in word) and not GENERATED.fullmatch(word)
