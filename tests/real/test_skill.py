"""The scoring of real runs, with a scripted model in place of the API: the runner, the tools and Claude Code
are real, and the prompts are the ones that a real model would get."""

from __future__ import annotations

from pathlib import Path

from tests.eval import cases, keyed, scores
from tests.eval.world import place
from tests.harness.components import need
from tests.harness.container import KEY
from tests.harness.model import call, model, outcome

NEEDED = ("etcd", "kube-apiserver", "kubectl", "prometheus", "promtool", "claude")
NAME = "crash-missing-variable"


def test_runs_are_scored_and_never_cost_more_than_there_is(tmp_path: Path) -> None:
    need(*NEEDED, "kubernetes-mcp-server", "mcp-grafana")
    case = cases.load(cases.OURS, NAME)
    quote = case.truth.evidence[0]
    asked = [call("mcp__" + each.tool.replace(".", "__"), **each.arguments) for each in quote.calls]
    found = [outcome(cause=case.truth.cause, confidence=0.9)]
    file = tmp_path / "runs.jsonl"
    with place(tmp_path / "place") as here, model(asked, found) as api:
        purse = keyed.Purse({"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": api.url}, 10, 1)
        runs = keyed.played(here, [case], purse, file, print)
        requests = len(api.requests)
        again = keyed.played(here, [case], purse, file, print)
        poor = keyed.played(here, [case], keyed.Purse(purse.asked, 0.01, 2), file, print)
    assert [run.variant for run in runs] == [*keyed.VARIANTS]
    assert runs == again == poor and len(api.requests) == requests
    judged = {run.variant: scores.score(run, case.truth) for run in runs}
    assert all(each.right and not each.lost for each in judged.values())
    assert any(quote.says and answer for answer in runs[0].told[1:])
    prompts = {run.variant: run.told[0] for run in runs}
    assert "<facts-" in prompts["whole"] and "<facts-" not in prompts["no facts"]
    assert prompts["no page"].count("There is no page for this alert") == 1
    systems = {str(body.get("system")) for body in api.requests}
    assert any(keyed.NO_SYSTEM in each for each in systems)
    assert all(run.dollars > 0 and run.turns > 0 for run in runs)
