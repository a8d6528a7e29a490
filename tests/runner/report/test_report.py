from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from function.runner import handoff
from function.runner.agent.agent import HURRIED_SECONDS
from function.runner.agent.session import INTERRUPT_SECONDS, WRAP_UP_SECONDS
from function.runner.outcome import AgentOutcome, Report
from function.runner.paths import Paths
from function.runner.report.report import (
    AFTER_SIGNAL_SECONDS,
    INCOMPLETE,
    OVERTIME_SECONDS,
    PAUSE_SECONDS,
    RESERVE_SECONDS,
    STEP_SECONDS,
    Deadline,
    main,
    reported,
)
from function.shared.errors import Unavailable
from tests.harness import forge, jira
from tests.harness.desk import desk
from tests.harness.process import TIER_FILES
from tests.harness.reporting import EVENT, PLAIN, pod

PROPOSED = AgentOutcome("proposed", "Grow the claim.", "", None, ("20Gi -> 40Gi",), (), (), (), 0.9, "")


def ended(folder: Path, report: Report | None = None) -> None:
    """An agent was here, and has left this."""
    with handoff.held(folder):
        if report:
            handoff.write_report(folder, report)


def told(folder: Path) -> Any:
    return json.loads((folder / "end").read_text(encoding="ascii"))


def test_what_the_agent_reported_is_the_report(tmp_path: Path) -> None:
    environment = pod(tmp_path)
    ended(tmp_path, Report(0, "completed", session="s-1"))
    assert main(environment) == 0
    assert (told(tmp_path)["session"], told(tmp_path)["tier"]) == ("s-1", "investigate")


def test_whose_report_it_is_the_agent_does_not_say(tmp_path: Path) -> None:
    environment = pod(tmp_path)
    ended(tmp_path, Report(0, "completed", identity="cd" * 32, tier="low"))
    main(environment)
    assert (told(tmp_path)["identity"], told(tmp_path)["tier"]) == (EVENT["identity"], "investigate")


def test_an_agent_that_was_killed_is_reported(tmp_path: Path) -> None:
    environment = pod(tmp_path)
    ended(tmp_path)
    assert main(environment) == 0
    assert (told(tmp_path)["ended"], told(tmp_path)["exit_code"]) == ("killed", 10)


def test_what_the_report_finds_out_itself_the_agent_does_not_say(tmp_path: Path) -> None:
    environment = pod(tmp_path)
    forged = Report(
        0, "a new way", verification="cleared", reason="good_sample", merge_request="https://evil"
    )
    ended(
        tmp_path, replace(forged, ticket="https://evil", problems=("x",), session="s" * 999, detail="d" * 999)
    )
    assert main(environment) == 0
    found = told(tmp_path)
    assert found["verification"] == "none" and not {"reason", "merge_request", "ticket", "problems"} & set(
        found
    )
    assert found["ended"] == "killed" and len(found["session"]) <= 100 and len(found["detail"]) <= 400


def test_a_step_that_fails_is_a_problem_and_the_others_are_taken(tmp_path: Path) -> None:
    jira = {"url": "http://127.0.0.1:9", "project": "SRE", "token_file": str(tmp_path / "none")}
    world = {"url": "http://127.0.0.1:9/mcp", "token_file": str(tmp_path / "none")}
    paths = Paths.read(pod(tmp_path, jira=jira, world_model=world))
    ended(tmp_path, Report(0, "completed"))
    report = reported(paths, {}, Deadline(RESERVE_SECONDS + PAUSE_SECONDS))  # no time to try again
    assert [problem.partition(":")[0] for problem in report.problems] == ["world model", "ticket"]


JIRA = {"project": "OPS", "user": jira.USER}


@pytest.mark.parametrize("cluster", [{"cluster": ""}, {}])
def test_without_a_cluster_no_ticket_is_written_and_the_report_says_what_to_set(
    tmp_path: Path, cluster: dict[str, str]
) -> None:
    (tmp_path / "token").write_text(jira.TOKEN, encoding="ascii")
    event = {name: value for name, value in EVENT.items() if name != "cluster"} | cluster
    with jira.serving(jira.Jira()) as server:
        environment = pod(
            tmp_path, event=event, jira={**JIRA, "url": server.url, "token_file": str(tmp_path / "token")}
        )
        ended(tmp_path, Report(0, "completed", session="s-1"))
        assert main(environment) == INCOMPLETE
    (problem,) = told(tmp_path)["problems"]
    assert problem.startswith("ticket: the alert has no cluster") and "set SRE_DISPATCH_CLUSTER" in problem
    assert (server.asked, told(tmp_path)["session"]) == ([], "s-1")


def test_with_a_cluster_a_ticket_is_written(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(jira.TOKEN, encoding="ascii")
    with jira.serving(jira.Jira()) as server:
        environment = pod(tmp_path, jira={**JIRA, "url": server.url, "token_file": str(tmp_path / "token")})
        ended(tmp_path, Report(0, "completed"))
        assert main(environment) == 0
    assert told(tmp_path)["ticket"].endswith(server.issues[0].key)


@pytest.mark.parametrize(("cluster", "is_sent"), [("fmc", True), ("", False)])
def test_only_with_a_cluster_a_change_is_pushed(tmp_path: Path, cluster: str, is_sent: bool) -> None:
    with forge.serving(tmp_path) as served:
        agents = desk(served, tmp_path, {"apps": {"values.yaml": b"size: 20Gi\n"}})
        agents.write("apps/values.yaml", "size: 40Gi\n")
        paths = Paths.read(proposing(tmp_path, served, EVENT | {"cluster": cluster}))
        ended(tmp_path, Report(0, "completed", outcome=PROPOSED))
        before = agents.on_forge("for-each-ref")
        report = reported(paths, {"PATH": os.environ["PATH"]}, Deadline(600))
        assert (agents.on_forge("for-each-ref") != before) == is_sent
    assert report.outcome and report.outcome.status == ("proposed" if is_sent else "investigated")
    assert [problem.partition(",")[0] for problem in report.problems] == (
        [] if is_sent else ["merge request: the alert has no cluster"]
    )


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        ("apps/Tiltfile.sh", "x\n", "apps/Tiltfile.sh: machines may obey such a file"),
        (
            "apps/main.tf",
            "x\n",
            "apps/main.tf: the tier does not allow its ending: add the ending to proposals",
        ),
        ("apps/values.yaml", "a: \u202eb\n", "apps/values.yaml: a new line has characters that a reviewer"),
        ("apps/no, run this.tf", "x\n", "apps/no...: the tier does not allow its ending"),
        (
            "apps/values.yaml",
            None,
            "apps/values.yaml: it was deleted or renamed: to allow this, set proposals",
        ),
    ],
)
def test_a_refused_proposal_names_its_file_and_what_to_do_and_pushes_nothing(
    tmp_path: Path, path: str, content: str | None, words: str
) -> None:
    with forge.serving(tmp_path) as served:
        agents = desk(served, tmp_path, {"apps": {"values.yaml": b"size: 20Gi\n"}})
        if content is None:
            (agents.work / path).unlink()
        else:
            agents.write(path, content)
        paths = Paths.read(proposing(tmp_path, served, EVENT | {"cluster": "fmc"}))
        ended(tmp_path, Report(0, "completed", outcome=PROPOSED))
        before = agents.on_forge("for-each-ref")
        report = reported(paths, {"PATH": os.environ["PATH"]}, Deadline(600)).cleaned()
        assert agents.on_forge("for-each-ref") == before
    (problem,) = report.problems
    assert problem.startswith(f"merge request: the proposal is refused as a whole because of {words}")
    assert report.outcome and report.outcome.status == "investigated"


def proposing(folder: Path, served: forge.Forge, event: Any) -> dict[str, str]:
    """The environment of the pod of a tier that proposes, whose agent has worked in the folder."""
    repository = {"namespace": "f3iai", "url": f"{served.url}/it.git", "path": "apps", "forge": "gitlab"}
    environment = pod(
        folder, event=event, repositories=[repository], git_credentials=str(served.credentials())
    )
    tier = PLAIN | {"mode": "merge-request"}
    (folder / "tier.json").write_text(json.dumps(tier), encoding="utf-8")
    places = {"GIT": folder / "clone", "WORK": folder / "work"}
    return environment | {f"SRE_DISPATCH_AGENT_{name}": str(path) for name, path in places.items()}


def test_a_try_out_is_reported_to_nobody(tmp_path: Path) -> None:
    jira = {"url": "http://127.0.0.1:9", "project": "SRE", "token_file": str(tmp_path / "none")}
    environment = pod(tmp_path, event={}, jira=jira)
    ended(tmp_path, Report(0, "completed"))
    assert main(environment) == 0


@pytest.mark.parametrize("file", ["report.json", "tier.json", "event", "decision"])
def test_a_file_that_cannot_be_read_is_a_problem_by_name_and_the_rest_is_reported(
    tmp_path: Path, file: str
) -> None:
    jira = {"url": "http://127.0.0.1:9", "project": "SRE", "token_file": str(tmp_path / "none")}
    environment = pod(tmp_path, jira=jira)
    ended(tmp_path, Report(0, "completed", session="s-1"))
    (tmp_path / file).write_text("{")
    assert main(environment) == INCOMPLETE
    problems = told(tmp_path)["problems"]
    assert file in problems[0] and told(tmp_path)["session"] == "s-1"
    assert (problems[-1].startswith("ticket")) == (file == "tier.json")


@pytest.mark.parametrize("path", TIER_FILES, ids=lambda path: path.stem)
def test_in_every_tier_there_is_time_to_report(path: Path) -> None:
    by_kind = {each["kind"]: each for each in yaml.safe_load_all(path.read_text(encoding="utf-8"))}
    files = by_kind["ConfigMap"]["data"]
    pod = by_kind["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    watched = json.loads(files["report.json"]).get("prometheus", {}).get("seconds", 0)
    steps = 4 * STEP_SECONDS + watched
    assert (
        json.loads(files["tier.json"])["seconds"] + OVERTIME_SECONDS + steps <= pod["activeDeadlineSeconds"]
    )
    last_words = sum((INTERRUPT_SECONDS, INTERRUPT_SECONDS, WRAP_UP_SECONDS["signal"], 6 * HURRIED_SECONDS))
    assert last_words <= AFTER_SIGNAL_SECONDS - RESERVE_SECONDS
    assert pod["terminationGracePeriodSeconds"] > AFTER_SIGNAL_SECONDS


def test_a_signal_shortens_the_wait_for_an_agent(tmp_path: Path) -> None:
    paths = Paths.read(pod(tmp_path))
    deadline = Deadline(RESERVE_SECONDS + 0.5)
    threading.Timer(0.2, deadline.hurry).start()
    with handoff.held(tmp_path):
        assert reported(paths, {}, deadline).ended == "killed"


def test_a_signal_takes_the_patience_and_leaves_the_grace() -> None:
    deadline = Deadline(1000)
    deadline.sleep(0.01)
    threading.Timer(0.1, deadline.hurry).start()
    with pytest.raises(Unavailable):  # which a sleep to its end does not raise
        deadline.sleep(60)
    assert 0 < deadline.left() <= AFTER_SIGNAL_SECONDS
