"""Which alerts the policy evaluates together, and in which order.

The policy's time for a text grows with the words of the text. So the alerts of a batch have few characters
together, long alerts come last, and only a few long alerts of a delivery are evaluated. A long text then
delays itself, and not the alerts beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from function.dispatch import normalize
from function.dispatch.model import DeadLetter, Delivery
from function.dispatch.normalize import MAX_WORDS
from function.dispatch.ports import BATCH
from function.shared.event import SREEvent

T = TypeVar("T")

BATCH_CHARACTERS = 2 * MAX_WORDS
"""The limit for all alerts of a batch together, as JSON. So they have as many words as one look may have. An
alert of a stock rule has 1,000 to 2,000 characters."""
MAX_LONG_WORDS = 3 * MAX_WORDS
"""The limit for the words of all long alerts of a delivery together. The policy takes up to 1 s for
MAX_WORDS words, and a delivery has 8 s."""
MAX_LONG_CHARACTERS = 1024 * 1024
"""The limit for all long alerts of a delivery together, as JSON. Their words are counted only up to here."""


def size(event: SREEvent) -> int:
    """Returns the characters of the alert as JSON, or a few less."""
    return len(repr(event.raw_payload))


def is_long(event: SREEvent) -> bool:
    """Returns whether the alert fills a batch alone."""
    return size(event) > BATCH_CHARACTERS


def batches(
    items: Iterable[T], key: Callable[[T], object] = id, length: Callable[[T], int] = lambda _: 0
) -> Iterator[list[T]]:
    """Yields the items in batches of at most BATCH items and BATCH_CHARACTERS. A longer item is alone.

    No batch has two items of one key. When the second item's batch starts, the first item has its Job
    already."""
    batch: dict[object, T] = {}
    left = BATCH_CHARACTERS
    for item in items:
        needed = length(item)
        if batch and (len(batch) == BATCH or key(item) in batch or needed > left):
            yield [*batch.values()]
            batch, left = {}, BATCH_CHARACTERS
        batch[key(item)] = item
        left -= needed
    if batch:
        yield [*batch.values()]


def bounded(delivery: Delivery) -> Delivery:
    """Returns the delivery with a DeadLetter for each long alert that exceeds the limits."""
    words, room = MAX_LONG_WORDS, MAX_LONG_CHARACTERS

    def fitting(alert: SREEvent | DeadLetter) -> SREEvent | DeadLetter:
        nonlocal words, room
        if isinstance(alert, DeadLetter) or alert.status != "firing" or not is_long(alert):
            return alert
        room -= size(alert)
        words -= _words(alert) if words >= 0 and room >= 0 else 0
        return DeadLetter("too_many_words", alert.raw_payload) if words < 0 or room < 0 else alert

    return replace(delivery, alerts=tuple(map(fitting, delivery.alerts)))


def _words(event: SREEvent) -> int:
    """Returns the number of words that the policy would read."""
    return sum(map(len, normalize.read(event.raw_payload).sentences))
