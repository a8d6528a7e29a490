"""`make incident`: the incident from a metric to its remedy, on real parts and without a cluster.

The programs are those of a cluster; tests/story/incident.md.j2 says what is played. With ANTHROPIC_API_KEY
a real model is asked, which needs network and has its price; without, a scripted one plays its part.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.harness.components import Missing, find
from tests.harness.model import real
from tests.harness.pod import Ran
from tests.harness.process import ROOT
from tests.story import kills, report, scenes
from tests.story.diary import FACTS, KILLED, Diary
from tests.story.laptop import KILLABLE, PROGRAMS, Laptop, laptop


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.story.incident", description=__doc__)
    asked.add_argument(
        "--kill", choices=KILLABLE, default="", help="killed as the alert fires, back 20 s later"
    )
    asked.add_argument("--to", type=Path, default=ROOT / "build" / "incident", help="folder of the report")
    options = asked.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all that was started is ended
    try:
        for program in PROGRAMS:
            find(program)
        diary, why = played(options.kill)
    except Missing as missing:
        sys.exit(str(missing))
    except KeyboardInterrupt:
        sys.exit(130)
    report.write(options.to, report.Told(diary, options.kill, is_scripted=not real(), why=why))
    print(f"\n{options.to / 'incident.md'}, with its picture beside it")
    if missing_facts := diary.missing():
        sys.exit("\n".join([why or "it ended early", *(f"not seen: {each}" for each in missing_facts)]))


def played(kill: str) -> tuple[Diary, str]:
    """What was seen, and what went wrong."""
    print("setting up: API server, controllers, OPA, Prometheus, Alertmanager, Gitea, world model, function")
    folder = Path(tempfile.mkdtemp(prefix="sre-dispatch-incident-"))
    diary = Diary(FACTS | ({"killed": KILLED} if kill else {}))
    try:
        with laptop(folder, diary) as ready:
            diary.begin()
            tell(ready, diary, kill)
    except Missing:
        raise
    except Exception as error:  # noqa: BLE001  whatever it was, the page says so
        return diary, f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(folder)
    return diary, ""


def tell(parts: Laptop, diary: Diary, kill: str) -> None:
    if not kill:
        return scenes.tell(parts, diary)

    def seen(line: Any, ran: Ran) -> None:
        kills.waited(diary, line, ran) if kill == "worldmodel" else kills.came_again(parts, diary)

    scenes.tell(parts, diary, kills.losing(parts, diary, kill), seen)


if __name__ == "__main__":
    main()
