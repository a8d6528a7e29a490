"""The facts of an APIService: an API that another program serves through the API server."""

from __future__ import annotations

from function.shared.facts import Reference
from function.worldmodel import objects
from function.worldmodel.found import Found, state
from function.worldmodel.neighbours import depends_on
from function.worldmodel.network import service
from function.worldmodel.reader import Look


def api_service(look: Look, name: str) -> Found:
    """Returns the APIService, and the facts of the Service behind it."""
    of = look.get("APIService", name)()
    if of is None:
        return Found()
    behind = objects.spec(of).get("service") or {}
    named, where = str(behind.get("name") or ""), str(behind.get("namespace") or "")
    shown = f"{where}/{named}" if named else "served by the API server itself"
    found = Found(exists=True, namespace=where)
    found.add(state(of, look.now, shown))
    if named:
        found.add(depends_on([Reference("Service", named, where)]))
        found.extend(service(look, where, named))
    return found
