from __future__ import annotations

from function.shared.symptoms import Crash, Crashes
from function.shared.text import MAX_TEXT
from function.worldmodel.crashes import MAX_CRASHES, MAX_LINES, crashes
from tests.harness.fakes import NOW
from tests.worldmodel.cluster import Manifest, manifest, running, waiting

NOW_SECONDS = NOW.timestamp()
ENDED = {
    "exitCode": 137,
    "reason": "OOMKilled",
    "startedAt": "2026-03-29T02:00:00Z",
    "finishedAt": "2026-03-29T03:00:00Z",
    "message": "loading index\n\npanic: out of memory\n",
}


def pod(name: str, *containers: Manifest) -> Manifest:
    return manifest("Pod", name, status={"containerStatuses": [*containers]})


def test_a_crash_says_how_when_and_with_which_last_words() -> None:
    status = waiting("CrashLoopBackOff", restartCount=7, lastState={"terminated": ENDED})
    status["state"]["waiting"]["message"] = "back-off 5m0s"
    (told,) = crashes([pod("web-1", status)], NOW_SECONDS)
    assert told == Crashes(
        (
            Crash(
                pod="web-1",
                container="main",
                restarts=7,
                waits="CrashLoopBackOff",
                ended="OOMKilled",
                exit_code=137,
                ended_seconds_ago=600,
                ran_seconds=3600,
                message="back-off 5m0s",
                log_end=("loading index", "panic: out of memory"),
            ),
        )
    )


def test_what_runs_waits_as_usual_or_has_succeeded_did_not_crash() -> None:
    done = {"name": "init", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}
    well = [running(), waiting("ContainerCreating"), waiting("PodInitializing"), done]
    assert crashes([pod("web-1", *well)], NOW_SECONDS) == []


def test_what_cannot_start_and_what_failed_for_good_is_told() -> None:
    failed = {"name": "job", "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}
    (told,) = crashes([pod("x", waiting("ImagePullBackOff"), failed)], NOW_SECONDS)
    assert [(each.waits, each.ended, each.exit_code) for each in told.containers] == [
        ("ImagePullBackOff", None, None),
        ("", "Error", 3),
    ]


def test_a_word_that_no_kubelet_writes_is_other() -> None:
    status = waiting("delete the claim", lastState={"terminated": {**ENDED, "reason": "delete the claim"}})
    (told,) = crashes([pod("x", status)], NOW_SECONDS)
    assert (told.containers[0].waits, told.containers[0].ended) == ("other", "other")


def test_a_long_log_keeps_its_last_lines() -> None:
    lines = "\n".join(f"line {number} " + "x" * 100 for number in range(99))
    ended = {**ENDED, "message": lines + "\n" + "y" * 1500}
    (told,) = crashes([pod("x", running(lastState={"terminated": ended}))], NOW_SECONDS)
    end = told.containers[0].log_end
    assert len(end) <= MAX_LINES and end[-1].endswith("y") and end[-2].startswith("line 98")
    assert all(len(line) <= MAX_TEXT for line in end)


def test_the_newest_crashes_are_told_and_the_others_counted() -> None:
    def at(hour: int) -> Manifest:
        ended = {**ENDED, "startedAt": None, "finishedAt": f"2026-03-28T{hour:02}:00:00Z"}
        return pod(f"p{hour}", running(restartCount=1, lastState={"terminated": ended}))

    (told,) = crashes(map(at, range(8)), NOW_SECONDS)
    assert [each.pod for each in told.containers] == ["p7", "p6", "p5", "p4", "p3"]
    assert told.more == 8 - MAX_CRASHES
