"""What differs between two revisions of a pod template: images, resources, and names of variables. The values
of variables are compared, and never shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from function.shared.symptoms import ContainerChange
from function.shared.text import cut, cut_middle
from function.worldmodel.found import few
from function.worldmodel.objects import Object

SHOWN = frozenset({"image", "resources", "env", "name"})
"""Fields of a container that are compared in detail. Of the others, only the name is shown."""
LISTS = ("initContainers", "containers")
HASHES = frozenset({"pod-template-hash", "controller-revision-hash"})


def template_of(revision: Object) -> Mapping[str, Any]:
    """Returns the pod template in a ReplicaSet or a ControllerRevision."""
    held = revision.get("spec") or (revision.get("data") or {}).get("spec") or {}
    return held.get("template") or {}


def container_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[ContainerChange]:
    """Returns what differs in the containers of two pod templates."""
    before, after = _containers(old), _containers(new)
    names = [*dict.fromkeys([*after, *before])]
    found = (_change(name, before.get(name), after.get(name)) for name in names)
    return [each for each in found if each]


def other_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Returns the names of the other parts of two pod templates that differ."""
    found = _differing(old.get("spec") or {}, new.get("spec") or {}, LISTS)
    for part in ("labels", "annotations"):
        before, after = ((each.get("metadata") or {}).get(part) or {} for each in (old, new))
        found += [f"{part[:-1]} {name}" for name in _differing(before, after, HASHES)]
    return found


def in_words(change: ContainerChange) -> Iterator[str]:
    """Yields what changed in a container, shortly."""
    if change.image:
        yield f"image {change.image}"
    yield from change.resources
    signs = (
        ("+", change.variables_added),
        ("-", change.variables_removed),
        ("~", change.variables_changed),
    )
    if variables := [f"{sign}{name}" for sign, names in signs for name in names]:
        yield f"variables {' '.join(variables)}"
    yield from change.other


def _containers(template: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    spec = template.get("spec") or {}
    return {each["name"]: each for kind in LISTS for each in spec.get(kind) or ()}


def _change(
    name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> ContainerChange | None:
    if old is None or new is None:
        return ContainerChange(name, other=("added",) if old is None else ("removed",))
    images = [str(each.get("image") or "none") for each in (old, new)]
    before, after = _variables(old), _variables(new)
    both = before.keys() & after.keys()
    change = ContainerChange(
        name,
        image=cut_middle(" to ".join(images)) if images[0] != images[1] else "",
        resources=_shown(_resources(old.get("resources") or {}, new.get("resources") or {})),
        variables_added=_shown(sorted(after.keys() - before.keys())),
        variables_removed=_shown(sorted(before.keys() - after.keys())),
        variables_changed=_shown(sorted(each for each in both if before[each] != after[each])),
        other=_shown(_differing(old, new, SHOWN)),
    )
    return change if change != ContainerChange(name) else None


def _variables(container: Mapping[str, Any]) -> dict[str, Any]:
    return {each["name"]: each for each in container.get("env") or ()}


def _resources(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    def flat(of: Mapping[str, Any]) -> dict[str, Any]:
        return {
            f"{kind}.{name}": value
            for kind in ("limits", "requests")
            for name, value in (of.get(kind) or {}).items()
        }

    before, after = flat(old), flat(new)
    return [
        f"{name}: {before.get(name, 'none')} to {after.get(name, 'none')}"
        for name in _differing(before, after)
    ]


def _differing(old: Mapping[str, Any], new: Mapping[str, Any], apart_from: Any = ()) -> list[str]:
    names = sorted({*old, *new} - {*apart_from})
    return [name for name in names if old.get(name) != new.get(name)]


def _shown(texts: list[str]) -> tuple[str, ...]:
    return tuple(cut(each) for each in few(texts))
