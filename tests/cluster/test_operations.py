"""Each command of the operations page, run as it stands there."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.cluster.cluster import AGENTS, Cluster, reachable
from tests.cluster.conftest import credentials, no_jobs
from tests.cluster.knative import deliver_until, no_agents, sender
from tests.cluster.page import BUILT_BEFORE, Page, sections
from tests.harness.components import wait_until
from tests.harness.model import model, outcome
from tests.harness.site import Site

ALERT = {
    "alertname": "PVCUsageHigh",
    "namespace": "shop",
    "persistentvolumeclaim": "data",
    "severity": "critical",
}
SETTLE = {"SETTLE_SECONDS": "90"}
"""A kubelet brings a changed Secret within its sync period of a minute and a half."""


HOLDERS = {
    "alertmanager": ("monitoring", "sre-dispatch", "token"),
    "opa": ("f3iai", "sre-dispatch-opa", "token"),
    "reader": (AGENTS, "sre-agent-reader", "token"),
    "writer": (AGENTS, "sre-agent-report", "worldmodel-token"),
}


def shown(cluster: Cluster) -> dict[str, str]:
    """The tokens that those who call us, or one another, show."""
    return {name: cluster.secret(*where) for name, where in HOLDERS.items()}


def test_no_command_of_the_page_is_left_out() -> None:
    files = [Path(__file__).with_name(f"test_{name}.py") for name in ("operations", "upgrade", "uninstall")]
    here = "".join(file.read_text(encoding="utf-8") for file in files)
    assert {title for title in sections() if f'"{title}"' not in here} == set()


def test_installing_and_upgrading_end_with_a_table_of_checks(page: Page, site: Site) -> None:
    kind = "make deploy TO=knative/overlays/kind"  # without this site's addresses
    commands = [each for each in sections()["Install"] if not each.startswith((BUILT_BEFORE, "cp ", kind))]
    told = page.run_these(commands, credentials(page.cluster, site))
    told += page.run("Upgrade, and roll back")
    assert told.count("webhook address") == 2 and "FAIL" not in told


def test_three_commands_tell_what_happened_to_an_alert(page: Page, model_port: int) -> None:
    cluster = page.cluster
    with (
        model([outcome(summary="It fills.")], port=model_port) as asked,
        reachable(asked.url, cluster.address),
    ):
        deliver_until(cluster, ALERT)
        (job,) = cluster.jobs()
        cluster.ended(job["metadata"]["name"])
    deliver_until(cluster, ALERT)  # the function's pod of before may be gone
    told = page.run("See what happened to an alert")
    assert '"outcome":"duplicate"' in told and job["metadata"]["name"] in told and "It fills." in told


def test_while_it_is_paused_nothing_starts_and_nothing_is_lost(page: Page) -> None:
    pause, resume = sections()["Pause and resume"]
    page.run_these([pause])
    try:
        deliver = sender(page.cluster)
        wait_until(lambda: deliver(ALERT).status_code == 503, "the pause to be in force")
    finally:
        page.run_these([resume])
    assert deliver_until(page.cluster, ALERT).json() in (
        {"outcomes": {"created": 1}},
        {"outcomes": {"duplicate": 1}},
    )


def test_a_backup_is_a_whole_copy_and_comes_back(
    page: Page, runs: Callable[[str], list[Any]], tmp_path: Path
) -> None:
    before = runs("PVCUsageHigh")
    commands = sections()["Back up, and restore"]
    page.run_these(commands[:2])
    with sqlite3.connect(page.folder / "backup.db") as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    page.run_these(commands[2:])
    assert before and runs("PVCUsageHigh") == before


def test_every_token_of_ours_is_changed_and_no_delivery_is_refused(page: Page) -> None:
    cluster = page.cluster
    rotations = [each for each in sections()["Rotate a credential"] if each.startswith("knative/rotate")]
    before, refused = shown(cluster), sender(cluster)
    with no_agents(cluster), ThreadPoolExecutor() as pool:
        running = [pool.submit(page.run_these, [each], SETTLE) for each in rotations]
        delivered = 0
        while not all(each.done() for each in running):
            reply = sender(cluster)(ALERT | {"persistentvolumeclaim": f"data-{delivered}"})
            assert reply.json() == {"outcomes": {"created": 1}}, reply.text
            (job,) = cluster.jobs()
            prompt = job["spec"]["template"]["metadata"]["annotations"]["sre-dispatch/prompt"]
            assert not re.findall(
                r"world_model_\w+", prompt
            )  # the world model answered, to an accepted token
            no_jobs(cluster)
            delivered += 1
        told = "".join(each.result() for each in running)
    after = shown(cluster)
    assert delivered > 10 and not any(before[name] == after[name] or after[name] in told for name in HOLDERS)
    assert refused(ALERT).status_code == 401


def test_what_agents_show_to_others_is_changed(page: Page, site: Site) -> None:
    commands = sections()["Rotate a credential"]
    others = [each for each in commands if not each.startswith("knative/rotate")]
    cluster, writer = page.cluster, page.cluster.secret("f3iai", "sre-dispatch-worldmodel", "writer")
    page.run_these(others, credentials(cluster, site) | {"JIRA_TOKEN": "another"})
    assert cluster.secret(AGENTS, "sre-agent-report", "jira-token") == "another"
    assert cluster.secret(AGENTS, "sre-agent-report", "worldmodel-token") == writer
    page.run_these(others, credentials(cluster, site))
