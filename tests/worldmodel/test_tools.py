from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from function.shared.errors import Unavailable
from function.shared.kubernetes import Api
from function.shared.memory import Store
from function.worldmodel.context import IN_THE_CLUSTER, NAMESPACED, World
from function.worldmodel.kinds import KINDS
from function.worldmodel.objects import Objects
from function.worldmodel.reader import Threads
from function.worldmodel.tools import TOOLS, BadArguments, Tool
from tests.worldmodel.cluster import Here

RUN: dict[str, Any] = {
    "session": "s-1",
    "at": "2026-03-29T04:10:00Z",
    "resource_type": "k8s_pvc",
    "namespace": "f3iai",
    "resource_id": "typedb-data",
    "alertname": "PVCUsageHigh",
    "status": "resolved",
    "action": "grew to 40Gi",
    "verification": "cleared",
    "confidence": 0.9,
}


def nobody() -> Any:
    raise Unavailable("kubernetes_unconfigured", "there is no cluster here")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world model without a cluster."""
    store = Store(tmp_path / "world.db")
    return World(Objects(Api(nobody)), None, store, Threads(Here(), Here()), Here(), time.time, "fmc")


def tool(name: str) -> Tool[Any]:
    return next(tool for tool in TOOLS if tool.name == name)


def test_only_the_tool_that_writes_is_a_writers() -> None:
    assert {tool.name: tool.role for tool in TOOLS} == {
        "get_resource_context": "reader",
        "list_outcomes": "reader",
        "record_outcome": "writer",
    }


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_schema_closes_the_set_of_arguments(tool: Tool[Any]) -> None:
    schema = tool.schema()
    assert (schema["type"], schema["additionalProperties"]) == ("object", False)


@pytest.mark.parametrize(
    ("name", "arguments", "where"),
    [
        ("get_resource_context", {}, "resource_type"),
        ("get_resource_context", {"resource_type": "k8s_pvc"}, "resource_id"),
        ("get_resource_context", {"resource_type": "k8s_pvc", "resource_id": ["canary"]}, "resource_id"),
        ("get_resource_context", {"resource_type": "x", "resource_id": "canary" * 99}, "resource_id"),
        ("get_resource_context", {"resource_type": "x", "resource_id": "y", "canary": 1}, "unknown argument"),
        ("list_outcomes", {"limit": 0}, "limit"),
        ("list_outcomes", {"limit": 51}, "limit"),
        ("list_outcomes", {"limit": True}, "limit"),
        ("list_outcomes", {"namespace": {"canary": 1}}, "namespace"),
        ("record_outcome", {}, "session"),
        ("record_outcome", {**RUN, "at": "2026-13-29T04:10:00Z"}, "at"),
        ("record_outcome", {**RUN, "confidence": "0.9"}, "confidence"),
        ("record_outcome", {**RUN, "status": "canary"}, "status"),
        ("record_outcome", {**RUN, "resource_type": "PVC"}, "resource_type"),
        ("record_outcome", {**RUN, "action": "canary" * 999}, "action"),
        ("record_outcome", ["canary"], "record_outcome"),
    ],
)
def test_what_is_wrong_with_arguments_is_named_and_never_quoted(
    world: World, name: str, arguments: Any, where: str
) -> None:
    with pytest.raises(BadArguments, match=where) as wrong:
        tool(name).run(world, arguments)
    assert "canary" not in str(wrong.value)
    assert world.store.runs({}, 1) == []


def test_a_run_is_recorded_once_and_found_by_each_of_its_parts(world: World) -> None:
    record = tool("record_outcome")
    assert [record.run(world, RUN)["recorded"] for _ in range(2)] == [True, False]
    asked = {part: RUN[part] for part in ("resource_type", "namespace", "resource_id", "alertname")}
    assert [run["session"] for run in tool("list_outcomes").run(world, asked)["outcomes"]] == ["s-1"]
    for part in asked:
        assert tool("list_outcomes").run(world, {**asked, part: "another"}) == {"outcomes": []}


def test_a_run_without_a_cluster_is_of_the_one_that_is_read(world: World) -> None:
    tool("record_outcome").run(world, RUN)
    (run,) = tool("list_outcomes").run(world, {"resource_id": "typedb-data"})["outcomes"]
    assert run["cluster"] == "fmc"


@pytest.mark.parametrize(
    ("cluster", "is_other"), [({}, False), ({"cluster": "fmc"}, False), ({"cluster": ""}, True)]
)
def test_a_question_without_a_cluster_is_about_the_one_that_is_read(
    world: World, cluster: dict[str, str], is_other: bool
) -> None:
    asked = {"resource_type": "k8s_pvc", "namespace": "f3iai", "resource_id": "typedb-data"}
    gaps = tool("get_resource_context").run(world, asked | cluster)["gaps"]
    assert ("other_cluster" in gaps) == is_other


def test_the_schema_names_the_kinds_with_facts_and_says_what_each_argument_is() -> None:
    properties = tool("get_resource_context").schema()["properties"]
    assert properties["resource_type"]["enum"] == [*NAMESPACED, *IN_THE_CLUSTER] == [*KINDS, "host"]
    for each in ("get_resource_context", "list_outcomes"):
        assert all(part["description"] for part in tool(each).schema()["properties"].values())


def test_an_error_names_what_is_accepted(world: World) -> None:
    with pytest.raises(BadArguments, match=r"resource_type: .*: use k8s_pvc, k8s_pod, .* or host$"):
        tool("get_resource_context").run(world, {"resource_type": 7, "resource_id": "x"})
    with pytest.raises(BadArguments, match="the arguments are resource_type, resource_id, namespace"):
        tool("get_resource_context").run(world, {"resource_type": "Pod", "resource_id": "x", "name": "y"})


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"resource_type": "Gateway"}, "but about k8s_pvc, k8s_pod"),
        ({"cluster": "another"}, "Leave `cluster` out"),
        ({"resource_id": "pod/typedb-0"}, "the name alone"),
        ({"namespace": ""}, "need `namespace`"),
    ],
    ids=str,
)
def test_a_gap_that_the_caller_can_close_comes_with_advice(
    world: World, asked: dict[str, str], said: str
) -> None:
    right = {"resource_type": "k8s_pod", "namespace": "f3iai", "resource_id": "typedb-0"}
    (advice,) = tool("get_resource_context").run(world, right | asked)["advice"]
    assert said in advice


def test_runs_are_found_by_any_name_of_their_kind(world: World) -> None:
    tool("record_outcome").run(world, RUN | {"resource_type": "pvc"})
    asked = {"resource_id": "typedb-data", "namespace": "f3iai"}
    for kind in ("k8s_pvc", "PersistentVolumeClaim", "PVC"):
        (run,) = tool("list_outcomes").run(world, {**asked, "resource_type": kind})["outcomes"]
        assert run["resource_type"] == "k8s_pvc"
        told = tool("get_resource_context").run(world, {**asked, "resource_type": kind})
        assert [fact["kind"] for fact in told["facts"]] == ["memory"]
        assert len(told["facts"][0]["data"]["runs"]) == 1


@pytest.mark.parametrize("asked", [{}, {"namespace": "f3iai"}, {"cluster": "fmc", "limit": 50}])
def test_outcomes_are_of_a_resource_or_an_alert_and_never_all_of_them(world: World, asked: Any) -> None:
    with pytest.raises(BadArguments, match="resource_id or an alertname"):
        tool("list_outcomes").run(world, asked)


def test_a_resource_with_an_empty_name_is_not_every_resource(world: World) -> None:
    tool("record_outcome").run(world, RUN)
    assert tool("list_outcomes").run(world, {"resource_id": ""}) == {"outcomes": []}
