"""The story while a part is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.harness.pod import Ran
from tests.story.diary import Diary
from tests.story.laptop import Laptop


@contextmanager
def losing(parts: Laptop, diary: Diary, part: str) -> Iterator[None]:
    """The part is killed now and comes back within the block, or at its end."""
    diary.note(f"{part} is killed", f"{part} killed")
    with parts.without(part, lambda: diary.note(f"{part} is back", f"{part} back")):
        yield


def came_again(parts: Laptop, diary: Diary) -> None:
    """What Alertmanager was answered while a part was away."""
    statuses = [each.status for each in list(parts.recorder.attempts)]
    if 503 in statuses and statuses[-1] == 200:
        refused = statuses.count(503)
        diary.fact("killed", f"{refused} deliveries were answered 503, and the alert was taken at last")


def waited(diary: Diary, line: Any, ran: Ran) -> None:
    """Without its world model the function goes on, and the agent does not begin before it is back."""
    context = line["context"]["status"]
    if ran.agent.status == 0:
        diary.fact(
            "killed", f"the Job was made with context {context}, and its agent waited until there was one"
        )
