"""`make incident`: the incident from a metric to its remedy, on real parts and without a cluster.

The programs are those of a cluster; tests/incident/incident.md.j2 says what is played. With ANTHROPIC_API_KEY
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

from tests.incident import report, story
from tests.incident.diary import FACTS, KILLED, Diary
from tests.incident.parts import KILLABLE, PROGRAMS, Parts, parts
from tests.process import ROOT
from tests.real.components import Broken, Missing, find
from tests.real.pod import Ran
from tests.runner.model import real

HIGH, RISING = "PVCUsageHigh", "PVCUsageRising"


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.incident", description=__doc__)
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
        with parts(folder, diary) as ready:
            diary.begin()
            tell(ready, diary, kill)
    except (AssertionError, Broken) as error:
        return diary, str(error)
    finally:
        shutil.rmtree(folder)
    return diary, ""


def tell(parts: Parts, diary: Diary, kill: str) -> None:
    """The story."""
    story.is_scraped(parts, diary)
    story.is_routed(parts, diary)

    # The database fills. A person merges what the agent proposes.
    story.fills(parts, diary, story.TYPEDB, files=962)
    story.fires(parts, diary, HIGH, story.TYPEDB)
    with story.losing(parts, diary, kill):
        line, ran = first_run(parts, diary, kill)
    story.well(ran)
    full = parts.volumes.volumes[story.TYPEDB].percent
    pull = story.proposed(parts, diary, line, ran)
    story.merged(parts, diary, pull)
    story.resolved(parts, diary, HIGH, story.TYPEDB, full)

    # Another one fills later. By then its alert is enrolled, and the agent acts alone.
    story.enrolled(parts, diary)
    story.fills(parts, diary, story.POSTGRES, files=397)
    story.fires(parts, diary, RISING, story.POSTGRES)
    line = story.created(parts, diary, RISING)
    ran = story.works(parts, diary, line, story.grows)
    story.well(ran)
    story.alone(parts, diary, line, ran)
    story.resolved(parts, diary, RISING, story.POSTGRES, full)
    story.remembered(parts, diary)


def first_run(parts: Parts, diary: Diary, kill: str) -> tuple[Any, Ran]:
    """The Job of the alert and its run."""
    line = story.created(parts, diary, HIGH)
    ran = story.works(parts, diary, line, story.proposes)
    if kill == "worldmodel":
        story.waited(diary, line, ran)
    elif kill:
        story.came_again(parts, diary)
    return line, ran


if __name__ == "__main__":
    main()
