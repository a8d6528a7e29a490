from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from function.commands.enrolment import enrolment, enrolments
from function.dispatch import translate
from function.dispatch.enrolment import misfits
from function.shared.errors import Rejected
from function.shared.event import SREEvent
from tests.harness.fakes import delivery_bytes, delivery_json
from tests.harness.process import ROOT
from tests.harness.reading import reading
from tests.harness.server import environment

SCHEMA = json.loads((ROOT / "policies" / "schemas" / "config" / "autonomy.json").read_text(encoding="utf-8"))


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = (sys.executable, "-m", "function", "enrolment", *arguments)
    return subprocess.run(command, input=stdin, capture_output=True, env=environment(), cwd=ROOT, check=False)


def alert(labels: dict[str, str], annotations: dict[str, Any]) -> dict[str, Any]:
    (found,) = delivery_json("asks-low")["alerts"]
    return dict(found | {"labels": found["labels"] | labels, "annotations": annotations})


def test_the_command_prints_our_own_enrolment_for_our_own_alert() -> None:
    done = run("tests/deliveries/asks-low.json")
    assert (done.returncode, done.stderr) == (0, b"")
    ours = yaml.safe_load(
        (ROOT / "policies" / "config" / "autonomy" / "data.yaml").read_text(encoding="utf-8")
    )
    assert list(yaml.safe_load(done.stdout).values()) == list(ours["enrolled"].values())


def test_a_body_that_the_function_would_refuse_is_exit_2_with_the_reason() -> None:
    done = run("-", stdin=b"[]")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"sre-dispatch: refused: ")


@pytest.mark.parametrize("text", ["{{ $value }}", "x" * 1025, None])
def test_a_text_that_no_enrolment_can_list_is_named_and_not_shown(text: Any) -> None:
    with pytest.raises(Rejected, match=r'no enrolment can list "hint": it has braces'):
        enrolments(json.dumps(alert({}, {"hint": text})).encode(), {})


def test_a_resolved_alert_is_not_enrolled() -> None:
    assert yaml.safe_load(enrolments(delivery_bytes("resolved"), {})) == {}


WORDS = st.sampled_from(
    ("PVC", "typedb-data", "f3iai", "a", "7", "3h", "number", "info", "data-0", ".", "61.3%")
)
TEXTS = st.lists(WORDS, max_size=6).map(" ".join)


@given(
    st.dictionaries(st.sampled_from(("hint", "zone", "number")), WORDS, max_size=3),
    st.dictionaries(st.sampled_from(("summary", "hint")), TEXTS, max_size=2),
)
def test_an_alert_fits_the_enrolment_that_is_printed_for_it(
    labels: dict[str, str], texts: dict[str, str]
) -> None:
    (event,) = translate.alert(alert(labels, texts), reading()).alerts
    assert isinstance(event, SREEvent)
    printed = enrolment(event)
    jsonschema.validate({"enrolled": {"printed": printed}}, SCHEMA)
    assert misfits(event.raw_payload, printed) == {"labels": [], "annotations": []}
