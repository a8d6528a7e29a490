"""The agent, with each command line that a tier can lead to: the real runner and the real Claude Code, a
scripted model that misbehaves, and what comes of it. Whether something forbidden happened is looked for where
it would have arrived."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.harness.components import need, wait_until
from tests.harness.container import IDENTITY, KEY, PROMPT, Container, Run, investigating
from tests.harness.credentials import SHAPES, WORD
from tests.harness.default_model import FALLBACK_MODELS, MODEL
from tests.harness.model import OUTCOME, Model, Reply, blocks, call, hanging, only, outcome, text
from tests.harness.worldmodel import READER, WorldModel, world_model

CLAIM = {"resource_type": "k8s_pvc", "namespace": "f3iai", "resource_id": "typedb-data"}
CONTEXT = call("mcp__world__get_resource_context", **CLAIM)
DONE = [outcome()]
SECRET = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorldModel]:
    with world_model(tmp_path_factory.mktemp("world")) as world:
        yield world


FILE_TOOLS = {"mode": "merge-request", "built_in": ["Read", "Edit", "Write", "Grep", "Glob"]}
"""Of the tier that proposes; the others have only Read and Grep, for long answers."""


@pytest.fixture
def investigator(world: WorldModel, tmp_path: Path) -> Container:
    need("claude")
    return Container(tmp_path, investigating(world))


@pytest.fixture(params=[{}, FILE_TOOLS], ids=["investigate", "merge-request"])
def container(investigator: Container, request: pytest.FixtureRequest) -> Container:
    investigator.tier |= request.param
    decision = {"mode": investigator.tier["mode"], "grant": {"tier": "investigate"}}
    investigator.given["decision"] = json.dumps(decision)
    return investigator


def test_it_asks_its_server_and_tells_its_outcome(investigator: Container, world: WorldModel) -> None:
    run = investigator.run([CONTEXT], DONE)
    assert run.status == 0
    told = run.message
    assert (told["ended"], told["identity"], told["tier"]) == ("completed", IDENTITY, "investigate")
    assert told["outcome"] == {name: value for name, value in OUTCOME.items() if value != []}
    assert told["cost_usd"] > 0 and told["session"] and told["model"] == MODEL
    assert '"tool":"get_resource_context"' in world.log
    assert "failures_in_a_week" in run.model.results()[0]
    assert run.model.offered() == {
        "Grep",
        "Read",
        "StructuredOutput",
        "mcp__world__get_resource_context",
        "mcp__world__list_outcomes",
    }


def test_the_prompt_follows_the_time_and_the_budgets(investigator: Container) -> None:
    run = investigator.run(DONE)
    sent = [block for message in run.model.requests[0]["messages"] for block in blocks(message)]
    (told,) = [block["text"] for block in sent if "# This run" in block.get("text", "")]
    assert told.startswith("# This run\n\n- It is 20")
    assert told.endswith(f"US dollars, the report included.\n\n{PROMPT}")


def test_the_last_line_of_the_log_is_the_report(container: Container) -> None:
    run = container.run(DONE)
    assert run.transcript[-1] == {"report": run.message}
    assert {event.get("type") for event in run.transcript[:-1]} >= {"system", "assistant", "result"}


@pytest.mark.parametrize(
    "forbidden",
    [
        call("Bash", command="touch ran"),
        call("Write", file_path="ran", content="x"),
        call("Glob", pattern="*", path="/etc"),
        call("Edit", file_path="/etc/passwd", old_string="root", new_string="x"),
        call("Task", description="x", prompt="run id", subagent_type="general-purpose"),
        call("WebFetch", url="http://127.0.0.1:9/", prompt="x"),
        call("mcp__world__record_outcome", session="forged"),
        call("mcp__other__delete_everything"),
    ],
    ids=lambda asked: asked["name"],
)
def test_a_tool_that_the_tier_does_not_name_does_not_exist(
    investigator: Container, world: WorldModel, forbidden: dict[str, Any]
) -> None:
    run = investigator.run([forbidden], DONE)
    assert (run.status, run.message["ended"]) == (0, "completed")
    assert forbidden["name"] not in run.model.offered()
    (answer,) = run.model.results()
    assert "No such tool" in answer
    assert [*run.work.iterdir()] == [] and "root:" not in answer
    assert "forged" not in world.log


@pytest.mark.parametrize(
    "forbidden",
    [
        call("Bash", command="touch ran"),
        call("Read", file_path="/etc/passwd"),
        call("Read", file_path="/proc/self/environ"),
        call("Read", file_path="../dispatch/prompt"),
        call("Read", file_path="link"),
        call("Write", file_path="/tmp/sre-agent-was-here", content="x"),
        call("Write", file_path="link", content="x"),
        call("Write", file_path=".git/config", content="x"),
        call("Write", file_path=".git/hooks/post-checkout", content="x"),
        call("Write", file_path=".gitlab-ci.yml", content="x"),
        call("Write", file_path=".github/workflows/x.yml", content="x"),
        call("Edit", file_path="/etc/passwd", old_string="root", new_string="x"),
        call("Grep", pattern="root", path="/etc"),
        call("Glob", pattern="*", path="/etc"),
        call("Task", description="x", prompt="run id", subagent_type="general-purpose"),
        call("NotebookEdit", notebook_path="/tmp/sre-agent-was-here", new_source="x"),
    ],
    ids=lambda asked: " ".join((asked["name"], *map(str, asked["input"].values())))[:40],
)
def test_file_tools_stay_in_the_clone(investigator: Container, forbidden: dict[str, Any]) -> None:
    investigator.tier |= FILE_TOOLS
    investigator.given["decision"] = "{}"
    outside = investigator.folder / "outside"
    outside.write_text("root:x")
    (investigator.folder / "work").mkdir()
    (investigator.folder / "work" / "link").symlink_to(outside)
    run = investigator.run([forbidden], DONE)
    assert run.status == 0
    (answer,) = run.model.results()
    assert "root:x" not in answer and "passwd" not in answer.replace("/etc/passwd", "")
    assert [path.name for path in run.work.iterdir()] == ["link"] and outside.read_text() == "root:x"
    assert not Path("/tmp/sre-agent-was-here").exists()


def test_a_tool_of_a_connected_server_that_is_not_listed_is_not_shown_and_refused(
    container: Container, world: WorldModel
) -> None:
    container.tier["servers"]["world"]["tools"] = ["get_resource_context"]
    before = world.log.count('"tool":"list_outcomes"')
    run = container.run([call("mcp__world__list_outcomes", alertname="x")], DONE)
    assert "mcp__world__list_outcomes" not in run.model.offered()
    assert "No such tool" in run.model.results()[0]
    assert world.log.count('"tool":"list_outcomes"') == before


@pytest.mark.parametrize("words", ["@/etc/passwd", "see @/etc/passwd now", "@/proc/self/environ"])
def test_a_file_that_the_prompt_names_is_not_read(container: Container, words: str) -> None:
    container.given["prompt"] = f"# You are an agent\n\n{words}\n"
    run = container.run(DONE)
    sent = json.dumps(run.model.requests[0])
    assert words in sent and "root:x" not in sent and KEY not in sent


@pytest.mark.parametrize("prompt", ["/help", "  /help", "\n/clear", "", "   ", "x" * 70_000])
def test_a_prompt_that_is_a_command_or_none_is_refused(container: Container, prompt: str) -> None:
    container.given["prompt"] = prompt
    run = container.run(DONE)
    assert (run.status, run.message["ended"], run.model.requests) == (42, "refused", [])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("decision", '{"mode": "autonomous"}'),
        ("decision", "[]"),
        ("decision", "{"),
        ("event", "null"),
    ],
)
def test_what_is_not_for_this_tier_is_refused(container: Container, name: str, content: str) -> None:
    container.given[name] = content
    run = container.run(DONE)
    assert (run.status, run.message["ended"], run.model.requests) == (42, "refused", [])


def test_a_try_out_by_hand_has_neither_event_nor_decision(container: Container) -> None:
    container.given |= {"event": "{}", "decision": "{}"}
    run = container.run(DONE)
    assert run.status == 0 and "identity" not in run.message


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"built_in": ["Bash"]}, "built_in"),
        ({"built_in": ["WebFetch"]}, "built_in"),
        ({"mode": "yolo"}, "mode"),
        ({"permission_mode": "bypassPermissions"}, "permission_mode"),
        ({"max_turns": 0}, "max_turns"),
        ({"servers": {"world": {"url": "http://x", "tools": ["*"]}}}, "tools"),
        ({"servers": {"world": {"url": "file:///x", "tools": ["a"]}}}, "url"),
        ({"servers": {"a,b": {"url": "http://x", "tools": ["a"]}}}, "servers"),
    ],
)
def test_a_tier_that_says_more_than_it_may_is_refused_by_name(
    container: Container, changes: dict[str, Any], named: str
) -> None:
    container.tier |= changes
    run = container.run(DONE)
    assert (run.status, run.message["ended"], run.model.requests) == (42, "refused", [])
    assert named in run.message["detail"]


def test_a_server_that_is_not_there_ends_the_run_before_the_model_is_asked(container: Container) -> None:
    container.tier["servers"]["dead"] = {"url": "http://127.0.0.1:9/mcp", "tools": ["x"]}
    run = container.run(DONE)
    assert (run.status, run.message["ended"], run.model.requests) == (20, "preflight", [])
    assert run.message["detail"] == "server dead is not connected"


def test_a_server_that_is_just_restarted_is_waited_for(investigator: Container, world: WorldModel) -> None:
    def back(*_: object) -> None:
        time.sleep(8)
        world.start()

    world.kill()
    run = investigator.run([CONTEXT], DONE, meanwhile=back)
    assert (run.status, run.message["ended"]) == (0, "completed"), run.message


def test_a_server_without_a_tool_that_the_tier_names_does_so_too(container: Container) -> None:
    container.tier["servers"]["world"]["tools"].append("record_outcome")
    run = container.run(DONE)
    assert (run.status, run.model.requests) == (20, [])
    assert run.message["detail"] == "server world lacks record_outcome"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 529])
def test_a_model_that_cannot_be_asked_ends_the_run_by_its_status(container: Container, status: int) -> None:
    run = container.run(status)
    assert (run.status, run.message["ended"]) == (30, "api_error")
    assert str(status) in run.message["detail"]


@pytest.mark.parametrize("status", [404, 529])
def test_a_model_that_is_gone_or_busy_is_followed_by_its_fallback(container: Container, status: int) -> None:
    container.tier["fallback_models"] = ["claude-haiku-4-5", *FALLBACK_MODELS]
    run = container.run(only(FALLBACK_MODELS[0], DONE, status))
    assert run.model.names() == [MODEL, "claude-haiku-4-5", FALLBACK_MODELS[0]]
    assert (run.status, run.message["ended"]) == (0, "completed")
    assert run.message["model"] == FALLBACK_MODELS[0]
    assert run.message["outcome"]["summary"] == OUTCOME["summary"]


@pytest.mark.parametrize("status", [404, 529])
def test_where_no_fallback_answers_either_the_run_ends_by_its_status(
    container: Container, status: int
) -> None:
    container.tier["fallback_models"] = FALLBACK_MODELS
    run = container.run(status)
    assert {*run.model.names()} == {MODEL, *FALLBACK_MODELS}
    assert (run.status, run.message["ended"]) == (30, "api_error")


def test_models_that_the_api_does_not_know_are_named(container: Container) -> None:
    container.tier |= {"model": "claude-gone-1", "fallback_models": FALLBACK_MODELS}
    run = container.run(404)
    assert "claude-gone-1" in run.message["detail"] and FALLBACK_MODELS[0] in run.message["detail"]


@pytest.mark.parametrize("effort", ["low", "medium", "high", "xhigh", "max"])
def test_the_model_is_asked_with_the_effort_of_the_tier(investigator: Container, effort: str) -> None:
    investigator.tier["effort"] = effort
    run = investigator.run(DONE)
    assert run.model.requests[0]["output_config"]["effort"] == effort


def test_a_system_prompt_of_the_dispatcher_takes_the_place_of_the_programs(container: Container) -> None:
    container.given["system-prompt"] = "You are on call. See @/etc/passwd."
    run = container.run(DONE)
    system = [block["text"] for block in run.model.requests[0]["system"]]
    assert system[-1] == "You are on call. See @/etc/passwd." and len("".join(system[:-1])) < 500
    assert "root:x" not in json.dumps(run.model.requests[0])


@pytest.mark.parametrize("given", [{}, {"system-prompt": ""}, {"system-prompt": " \n"}])
def test_without_a_system_prompt_the_programs_own_stays(
    investigator: Container, given: dict[str, str]
) -> None:
    investigator.given |= given
    run = investigator.run(DONE)
    assert run.status == 0
    assert sum(len(block["text"]) for block in run.model.requests[0]["system"]) > 3_000


def test_a_fallback_that_is_the_model_itself_is_no_hindrance(investigator: Container) -> None:
    investigator.tier["fallback_models"] = [MODEL]
    run = investigator.run(DONE)
    assert (run.status, run.message["ended"]) == (0, "completed")


def test_a_model_that_is_not_there_ends_the_run(container: Container) -> None:
    container.environment["ANTHROPIC_BASE_URL"] = "http://127.0.0.1:9"
    assert container.run(DONE).status == 30


def test_a_model_that_forgets_its_outcome_is_asked_once_more(container: Container) -> None:
    run = container.run([text("done")], [text("as I said")], DONE)
    assert (run.status, run.message["ended"]) == (0, "no_outcome")
    assert run.message["outcome"]["status"] == "investigated"


@pytest.mark.parametrize(
    "reply",
    [
        [text("all is well")],
        [outcome(confidence=7)],
        [outcome(status="perfect")],
        [outcome(sudo=True)],
        [call("StructuredOutput")],
    ],
)
def test_a_model_that_never_gives_an_outcome_is_no_success(container: Container, reply: Reply) -> None:
    run = container.run(reply)
    assert (run.status, "outcome" in run.message) == (10, False)


def stalling(handler: BaseHTTPRequestHandler) -> None:
    """Begins to answer, and says no more."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()
    handler.wfile.write(b'event: ping\ndata: {"type": "ping"}\n\n')
    handler.wfile.flush()
    time.sleep(30)


@pytest.mark.parametrize("stuck", [hanging, stalling])
def test_at_its_deadline_it_says_what_it_knows(container: Container, stuck: Reply) -> None:
    container.tier["seconds"] = 2
    run = container.run(stuck, DONE)
    assert (run.status, run.message["ended"]) == (0, "deadline")
    assert run.message["outcome"]["summary"] == OUTCOME["summary"]


def signalled(after: float) -> Callable[[subprocess.Popen[str], Model], None]:
    def meanwhile(process: subprocess.Popen[str], asked: Model) -> None:
        assert asked.asked.wait(30)
        time.sleep(after)
        process.send_signal(signal.SIGTERM)

    return meanwhile


@pytest.mark.parametrize("after", [0.0, 0.5])
def test_told_to_end_it_says_what_it_knows(container: Container, after: float) -> None:
    run = container.run(hanging, DONE, meanwhile=signalled(after))
    assert (run.status, run.message["ended"]) == (0, "signal")


def test_told_to_end_before_it_asked_anything_it_ends(container: Container) -> None:
    def at_once(process: subprocess.Popen[str], _: Model) -> None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        wait_until(lambda: children.read_text() != "", "Claude Code to start")
        process.send_signal(signal.SIGTERM)

    run = container.run(hanging, DONE, meanwhile=at_once)
    assert run.message["ended"] in ("signal", "completed")


def test_a_token_in_the_outcome_is_written_nowhere(container: Container) -> None:
    run = container.run(
        [text(f"I saw {SECRET} and {KEY}")], [outcome(summary=f"the token {SECRET}, key {KEY}")]
    )
    assert run.message["outcome"]["summary"] == "the token [redacted], key [redacted]"
    assert SECRET not in run.everything() and KEY not in run.everything() and READER not in run.everything()


def test_nothing_secret_is_in_the_arguments_or_the_environment_of_the_model(container: Container) -> None:
    seen: dict[str, str] = {}
    container.environment |= {"GITLAB_TOKEN": SECRET, "KUBERNETES_SERVICE_HOST": "10.0.0.1"}

    def look(process: subprocess.Popen[str], asked: Model) -> None:
        assert asked.asked.wait(30)
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for name in ("cmdline", "environ"):
            seen[name] = Path(f"/proc/{child}/{name}").read_bytes().decode()
        process.send_signal(signal.SIGTERM)

    container.run(hanging, DONE, meanwhile=look)
    assert not any(secret in seen["cmdline"] for secret in (KEY, READER, SECRET, "typedb-data"))
    assert KEY in seen["environ"]
    assert not any(secret in seen["environ"] for secret in (READER, SECRET, "KUBERNETES"))


def test_fifty_megabytes_of_words_end_in_a_bounded_log(container: Container) -> None:
    run = container.run(*[[text(letter * 10_000_000), CONTEXT] for letter in "vwxyz"], DONE)
    assert run.status == 0
    assert len(run.output) < 17_000_000


def test_a_long_outcome_fits_a_termination_message(container: Container) -> None:
    run: Run = container.run([outcome(summary="\u20ac" * 3000, evidence=["e" * 1000] * 30)])
    size = (container.folder / "termination").stat().st_size
    assert run.status == 0 and size <= 4000
    assert run.message["outcome"]["status"] == "investigated"


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"


def test_a_server_that_says_nothing_ends_the_run_before_the_model_is_asked(
    container: Container, silent: str
) -> None:
    container.tier["servers"]["silent"] = {"url": silent, "tools": ["x"]}
    run = container.run(DONE)
    assert (run.status, run.message["ended"], run.model.requests) == (20, "preflight", [])
    assert "silent" in run.message["detail"]


def test_a_server_that_dies_in_the_middle_is_an_answer_to_the_model_and_no_end(tmp_path: Path) -> None:
    need("claude")
    with world_model(tmp_path / "world") as world:

        def kill_then_ask(handler: BaseHTTPRequestHandler) -> None:
            world.kill()
            handler.server.model.script.insert(0, [CONTEXT])  # type: ignore[attr-defined]
            handler.send_error(529)

        container = Container(tmp_path, investigating(world))
        run = container.run(kill_then_ask, DONE)
    assert (run.status, run.message["ended"]) == (0, "completed")
    assert len(run.model.results()) == 1 and "facts" not in run.model.results()[0]


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_a_credential_that_a_tool_told_is_written_nowhere(
    container: Container, world: WorldModel, shape: str
) -> None:
    """The model sees what it is told; what it repeats, and the transcript of it, is cleaned."""
    secret = SHAPES[shape].replace("\n", " ")
    said = [text(f"here: {secret}"), call("mcp__world__list_outcomes", alertname=secret[:200])]
    run = container.run(said, [outcome(root_cause=secret, actions=[secret], evidence=[f"a {secret} b"])])
    assert run.status == 0
    assert WORD not in run.everything() and secret not in run.everything()


@pytest.mark.parametrize("size", [1_000, 100_000, 256 * 1024 - 300, 400_000])
@pytest.mark.parametrize("before", [" ", "\n", "\t", "\u20ac"])
def test_a_credential_in_a_long_line_is_not_shown_also_not_by_half(
    container: Container, size: int, before: str
) -> None:
    words = f"{before}{SECRET}" + "x" * size + f"{before}{SECRET} " * 40
    run = container.run([text(words), CONTEXT], DONE)
    assert run.status == 0
    assert SECRET[:20] not in run.everything()


@pytest.mark.parametrize("missing", ["SRE_DISPATCH_AGENT_PROGRAM", "SRE_DISPATCH_AGENT_WORK"])
def test_whatever_is_missing_the_job_is_told(container: Container, missing: str) -> None:
    container.environment[missing] = str(container.folder / "none")
    run = container.run(DONE)
    assert (run.status, run.message["ended"], run.model.requests) == (10, "died", [])
    assert "FileNotFoundError" in run.message["detail"]


def test_an_outcome_stays_one_where_a_key_is_shorter_than_what_takes_its_place(container: Container) -> None:
    container.environment["ANTHROPIC_API_KEY"] = "12345678"
    run = container.run([outcome(summary=("x" * 3990 + " 12345678 ")[-4000:])])
    assert (run.status, "outcome" in run.message) == (0, True)
    assert "12345678" not in run.everything()


def test_a_credential_in_json_that_a_tool_told_is_written_nowhere(container: Container) -> None:
    inner = json.dumps({"log": f"first\n{SECRET}", "password": "hunter2222"})
    run = container.run(
        [text(inner), call("mcp__world__list_outcomes", alertname=inner)], [outcome(summary=inner)]
    )
    assert run.status == 0
    assert SECRET not in run.everything() and "hunter2222" not in run.everything()
