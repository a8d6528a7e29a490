"""The facts of a ResourceQuota."""

from __future__ import annotations

from function.worldmodel import objects
from function.worldmodel.events import happenings
from function.worldmodel.found import Found, state
from function.worldmodel.neighbours import Neighbours, limits
from function.worldmodel.quota_users import users
from function.worldmodel.reader import Look

REFUSED = "exceeded quota: "
"""What the API server writes before the name of the quota that refused an object."""


def quota(look: Look, namespace: str, name: str) -> Found:
    requested = look.get("ResourceQuota", name, namespace)
    warnings = look.list("Event", namespace, fields="type=Warning")
    pods, jobs = look.some("Pod", namespace), look.some("Job", namespace)
    of = requested()
    if of is None:
        return Found()
    near = Neighbours(tuple, tuple, tuple, lambda: (of,))
    refused = [each for each in warnings() if f"{REFUSED}{name}," in (each.get("message") or "")]

    found = Found(exists=True)
    scopes = [str(each) for each in objects.spec(of).get("scopes") or ()]
    limited = limits(near)
    by = users(limited.quotas[0].resource, pods(), jobs()) if limited.quotas else []
    found.add(state(of, look.now, f"refused {len(refused)} objects lately", scopes=scopes, used_by=by))
    found.add(limited, happenings(refused, look.now))
    hard = objects.spec(of).get("hard") or {}
    found.watched = {"hard": ", ".join(f"{key}: {hard[key]}" for key in sorted(hard))}
    return found
