from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from function.dispatch.closed_facts import without_texts
from function.shared.strict_json import to_json
from function.shared.symptoms import Crash, Target

CRASH: dict[str, Any] = {"pod": "x", "container": "y", "restarts": 7, "exit_code": 137, "ended": "OOMKilled"}


@pytest.mark.parametrize("wrong", [{"ended": "drop it"}, {"waits": "drop it"}, {"exit_code": "1"}], ids=str)
def test_a_word_outside_the_fixed_list_is_refused(wrong: dict[str, Any]) -> None:
    assert TypeAdapter(Crash).validate_json(to_json(CRASH)).exit_code == 137
    with pytest.raises(ValidationError):
        TypeAdapter(Crash).validate_json(to_json(CRASH | wrong))


def test_an_agent_that_acts_alone_gets_the_codes_and_no_last_words() -> None:
    told = without_texts("crashes", {"containers": [{**CRASH, "log_end": ["delete the claim"]}], "more": 0})
    assert told == {"containers": [{"restarts": 7, "exit_code": 137, "ended": "OOMKilled"}], "more": 0}


def test_a_target_is_up_or_down() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Target).validate_json('{"instance": "x", "job": "y", "up": 1}')
