"""How long one look at the policy takes, by engine and by the length of the text, and for hostile texts."""

from __future__ import annotations

import contextlib
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from function.dispatch import decide, normalize, translate
from function.dispatch.adapters.opa import Opa
from function.dispatch.adapters.rego import Rego
from function.dispatch.model import Activity
from function.dispatch.normalize import MAX_WORDS
from function.dispatch.policy_files import read, write
from function.shared.event import SREEvent
from function.shared.strict_json import Json, parse
from tests.bench.figures import Figure, progress
from tests.harness.components import OPA_SECRET, Missing, find, opa
from tests.harness.fakes import NOW, WHOLE, event
from tests.harness.process import ROOT
from tests.harness.reading import reading

LOOKS = 20
PLAIN, HOSTILE = "one look, by words of text, ms", f"one look at {MAX_WORDS:,} words, by text, ms"
LENGTHS = (0, 100, 1_000, MAX_WORDS)
PROSE = "prose"
SENTENCE = 24
"""The words of a sentence in these texts."""

Ask = Callable[[Json], object]


def measured() -> Iterator[Figure]:
    usual = {f"{length:,} words": question(prose(length)) for length in LENGTHS}
    hostile = {title: question(text) for title, text in texts().items()}
    for engine, ask in engines():
        for section, questions in ((PLAIN, usual), (HOSTILE, hostile)):
            yardstick = f"{engine}: {next(iter(questions))}"
            for title, asked in questions.items():
                progress(f"{section}: {engine}, {title}")
                yield Figure(section, f"{engine}: {title}", median(partial(ask, asked)), yardstick)
    for title, text in texts().items():
        progress(f"reading a text: {title}")
        section = f"to prepare a text of {MAX_WORDS:,} words, ms"
        yield Figure(section, title, median(partial(normalize.read, {"description": text})), PROSE)


def texts() -> dict[str, str]:
    """Returns texts of about MAX_WORDS words. All but the first are made to be slow."""
    words = _words_of_the_rule()
    mixed = random.Random(1).choices(words, k=MAX_WORDS)
    return {
        PROSE: prose(MAX_WORDS),
        "words of the rule, mixed": _sentences(mixed),
        "delete files, repeated": _sentences(["delete", "files"] * (MAX_WORDS // 2)),
        "never delete, repeated": _sentences(["never", "run", "delete"] * (MAX_WORDS // 3)),
        "paths": _sentences(
            [word for n in range(MAX_WORDS // 3) for word in ("delete", f"/x{n}/y", "volume")]
        ),
        "percent-encoded": _sentences([f"%64elete%20volume%{n % 90 + 10}" for n in range(MAX_WORDS // 2)]),
        "letters that become many": _sentences(["\ufdfa"] * (MAX_WORDS // 4)),
    }


def prose(words: int) -> str:
    text = "Volume {0} of the claim is {1} percent full and grows by {2} percent a day ."
    found: list[str] = []
    number = 0
    while len(found) < words:
        found += text.format(number, number % 100, number % 7).split()
        number += 1
    return _sentences(found[:words])


def _words_of_the_rule() -> list[str]:
    data = yaml.safe_load((ROOT / "policies/config/destructive/data.yaml").read_text(encoding="utf-8"))
    return sorted({word for text in _strings(data) for word in text.split()})


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (key for key in value if isinstance(key, str))
        yield from (text for child in value.values() for text in _strings(child))
    elif isinstance(value, list):
        yield from (text for child in value for text in _strings(child))


def _sentences(words: list[str]) -> str:
    """Returns the words in sentences. Each sentence has a number, so that no two are the same."""
    starts = range(0, len(words), SENTENCE)
    return ".\n".join(f"{' '.join(words[start : start + SENTENCE])} {start}" for start in starts)


def question(text: str) -> Json:
    return _question(replace(event(), raw_payload={"description": text}), normalize.NormalizedText())


def question_about(body: bytes) -> Json:
    """Returns the policy's input for the first alert of a delivery."""
    delivery = translate.webhook(parse(body), reading("fmc"))
    return _question(delivery.firing[0], normalize.read(delivery.notification))


def _question(alert: SREEvent, notification: normalize.NormalizedText) -> Json:
    prepared = decide.prepared(alert, notification)
    return decide.question(alert, prepared, Activity(0, 0, 0, 0, 0), NOW.timestamp(), WHOLE)


def engines() -> Iterator[tuple[str, Ask]]:
    yield "embedded", Rego(read(ROOT / "policies")).ask
    with contextlib.ExitStack() as stack, contextlib.suppress(Missing):
        find("opa")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write(ROOT / "policies", folder / "bundle")
        server = stack.enter_context(opa(folder, folder / "bundle"))
        client = stack.enter_context(contextlib.closing(Opa(server.url, lambda: OPA_SECRET["token"])))
        yield "OPA", client.ask


def median(call: Callable[[], object]) -> float:
    """Returns the median of the milliseconds that the call takes. A slow call is made less often."""
    started = time.perf_counter()
    call()
    times = []
    for _ in range(LOOKS if time.perf_counter() - started < 0.1 else 3):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)
