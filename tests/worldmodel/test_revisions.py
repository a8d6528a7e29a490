from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from function.shared.symptoms import ContainerChange
from function.worldmodel.revisions import container_changes, in_words, other_changes, template_of
from tests.worldmodel.cluster import Manifest

CANARY = "canary-value"


def template(*containers: Manifest, **spec: Any) -> Manifest:
    return {"spec": {"containers": [*containers], **spec}}


def container(name: str = "main", **parts: Any) -> Manifest:
    return {"name": name, "image": "web:1", **parts}


def variables(**values: Any) -> Manifest:
    return {"env": [{"name": name, "value": value} for name, value in values.items()]}


def test_a_change_names_images_limits_and_the_names_of_variables() -> None:
    old = template(
        container(
            resources={"limits": {"memory": "1Gi"}, "requests": {"cpu": "1"}},
            **variables(SAME="1", GONE=CANARY, OTHER=CANARY),
        )
    )
    new = template(
        container(
            image="web:2",
            resources={"limits": {"memory": "512Mi", "cpu": "2"}, "requests": {"cpu": "1"}},
            args=[CANARY],
            **variables(SAME="1", NEW=CANARY, OTHER=CANARY + "2"),
        )
    )
    new["spec"]["containers"][0]["image"] = "web:2"
    (change,) = container_changes(old, new)
    assert change == ContainerChange(
        "main",
        image="web:1 to web:2",
        resources=("limits.cpu: none to 2", "limits.memory: 1Gi to 512Mi"),
        variables_added=("NEW",),
        variables_removed=("GONE",),
        variables_changed=("OTHER",),
        other=("args",),
    )
    assert ", ".join(in_words(change)) == (
        "image web:1 to web:2, limits.cpu: none to 2, limits.memory: 1Gi to 512Mi, "
        "variables +NEW -GONE ~OTHER, args"
    )


VALUES = st.dictionaries(st.sampled_from("ABCD"), st.integers(10**9, 10**10).map(str))


@given(VALUES, VALUES)
def test_no_value_of_a_variable_is_ever_shown(before: dict[str, str], after: dict[str, str]) -> None:
    told = container_changes(
        template(container(**variables(**before))), template(container(**variables(**after)))
    )
    assert not any(value in repr(told) for value in [*before.values(), *after.values()])
    assert bool(told) == (before != after)


def test_containers_that_came_and_went_are_named() -> None:
    told = container_changes(template(container("old")), template(container("new")))
    assert [(each.container, each.other) for each in told] == [("new", ("added",)), ("old", ("removed",))]


def test_other_parts_of_the_template_are_named_without_their_content() -> None:
    old = {**template(container()), "metadata": {"labels": {"pod-template-hash": "1", "app": "web"}}}
    new = template(container(), volumes=[{"name": CANARY}])
    new["metadata"] = {
        "labels": {"pod-template-hash": "2", "app": "web"},
        "annotations": {"restarted": CANARY},
    }
    assert other_changes(old, new) == ["volumes", "annotation restarted"]


def test_both_kinds_of_revisions_have_a_template() -> None:
    held = {"template": template(container())}
    assert template_of({"kind": "ReplicaSet", "spec": held}) == held["template"]
    assert template_of({"kind": "ControllerRevision", "data": {"spec": held}}) == held["template"]
    assert template_of({"kind": "ControllerRevision", "data": None}) == {}
