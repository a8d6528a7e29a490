"""Puts the objects of a world on a real API server that has no controllers, and takes them away again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import repeat
from typing import Any
from urllib.parse import quote

import httpx

from tests.eval.cases import Key, Object, timed
from tests.eval.forms import Unusable

OURS = ("default", "kube-system", "kube-public", "kube-node-lease", "f3iai", "sre-agents")
"""Namespaces that are there without any case."""
FIRST = ("Namespace", "ServiceAccount", "PriorityClass", "StorageClass", "Node", "PersistentVolume")
LAST = (
    "ResourceQuota",
    "LimitRange",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "ValidatingAdmissionPolicyBinding",
)
"""They would count or refuse the objects that come after them. They are the first to go."""
PROTECTED = ("PersistentVolumeClaim", "PersistentVolume")
"""The API server keeps them until a controller takes their finalizers off."""
NOW = {"gracePeriodSeconds": "0", "propagationPolicy": "Background"}
AT_ONCE = 4


@dataclass(frozen=True)
class Kind:
    path: str
    """Of its API, such as /apis/apps/v1."""
    plural: str
    namespaced: bool
    has_status: bool

    def url(self, namespace: str, name: str = "") -> str:
        where = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{self.path}{where}/{self.plural}" + (f"/{quote(name)}" if name else "")


@dataclass
class Writer:
    """Writes as the administrator."""

    client: httpx.Client
    kubelet_port: int
    kinds: dict[tuple[str, str], Kind] = field(default_factory=dict)

    @contextlib.contextmanager
    def written(self, objects: Mapping[Key, Object], now: datetime) -> Iterator[None]:
        """The objects are there until the end of the block."""
        wanted = _with_ground(objects)
        uids: dict[Key, dict[str, Any]] = {}
        with ThreadPoolExecutor(AT_ONCE) as threads:
            try:
                for wave in waves(wanted):
                    bodies = [timed(wanted[key], now) for key in wave]
                    made = threads.map(self._write, wave, bodies, repeat(uids))
                    uids |= dict(zip(wave, made, strict=True))
                yield
            finally:
                self._clear(wanted, threads)

    def _write(self, key: Key, made: Object, uids: Mapping[Key, dict[str, Any]]) -> dict[str, Any]:
        """Creates the object and its status. Returns how another object refers to it as its owner."""
        kind = self._kind(made["apiVersion"], made["kind"])
        body = _body(made, uids)
        status = self._status(made)
        told = self.client.post(kind.url(key[1]), json=body)
        if told.status_code == 409:  # a namespace or an account that was there
            told = self._patch(kind.url(key[1], key[2]), body)
        _check(told, key)
        if made["kind"] == "Node":  # each new node gets the taint of one that is not ready
            taints = {"spec": {"taints": made.get("spec", {}).get("taints")}}
            _check(self._patch(kind.url("", key[2]), taints), key)
        if status is not None and kind.has_status:
            _check(self._patch(kind.url(key[1], key[2]) + "/status", {"status": status}), key)
        return {
            "apiVersion": made["apiVersion"],
            "kind": made["kind"],
            "name": key[2],
            "uid": told.json()["metadata"]["uid"],
        }

    def _status(self, made: Object) -> dict[str, Any] | None:
        status: dict[str, Any] | None = made.get("status")
        if made["kind"] != "Node":
            return status
        addresses = [each for each in (status or {}).get("addresses", ()) if each["type"] != "ExternalIP"]
        port = {"kubeletEndpoint": {"Port": self.kubelet_port}}
        here = {"type": "ExternalIP", "address": "127.0.0.1"}
        return {**(status or {}), "addresses": [*addresses, here], "daemonEndpoints": port}

    def _clear(self, objects: Mapping[Key, Object], threads: ThreadPoolExecutor) -> None:
        for key in objects:
            if key[0] in PROTECTED:
                self._patch(self._url(objects[key], key), {"metadata": {"finalizers": None}})
        for key in sorted(objects, key=lambda key: key[0] not in LAST):
            if key[0] != "Namespace" and (key[1] in OURS or not key[1] or key[0] in LAST):
                self.client.delete(self._url(objects[key], key), params=NOW)
        theirs = {key: made for key, made in objects.items() if key[1] and key[1] not in OURS}
        places = {self._url(made, key).rpartition("/")[0] for key, made in theirs.items()}
        list(threads.map(lambda place: self.client.delete(place, params=NOW), places))
        for kind_name, _, name in objects:
            if kind_name == "Namespace" and name not in OURS:
                self._end(name)

    def _end(self, namespace: str) -> None:
        """Deletes the namespace, as its controller would."""
        self.client.delete(f"/api/v1/namespaces/{namespace}")
        told = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        self.client.put(f"/api/v1/namespaces/{namespace}/finalize", json=told | {"spec": {"finalizers": []}})

    def _patch(self, url: str, body: Any) -> httpx.Response:
        return self.client.patch(url, json=body, headers={"content-type": "application/merge-patch+json"})

    def _url(self, made: Object, key: Key) -> str:
        return self._kind(made["apiVersion"], key[0]).url(key[1], key[2])

    def _kind(self, version: str, kind: str) -> Kind:
        if (version, kind) not in self.kinds:
            self.kinds |= self._discovered(version)
        if (version, kind) not in self.kinds:
            raise Unusable(f"the API server knows no {kind} in {version}")
        return self.kinds[version, kind]

    def _discovered(self, version: str) -> dict[tuple[str, str], Kind]:
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        answer = self.client.get(path)
        resources = answer.json()["resources"] if answer.is_success else []
        names = {each["name"] for each in resources}
        return {
            (version, each["kind"]): Kind(
                path, each["name"], each["namespaced"], f"{each['name']}/status" in names
            )
            for each in resources
            if "/" not in each["name"]
        }


def waves(objects: Mapping[Key, Object]) -> Iterator[Sequence[Key]]:
    """The objects in the order in which they are made: an owner before what it owns, a quota at the end."""
    for kind in FIRST[:2]:
        yield [key for key in objects if key[0] == kind]
    yield [key for key in objects if key[0] in FIRST[2:]]
    made: set[Key] = {key for key in objects if key[0] in FIRST}
    left = [key for key in objects if key not in made and key[0] not in (*LAST, "Event")]
    while left:
        ready = [key for key in left if (owner := owner_of(objects[key])) is None or owner in made]
        if not ready:
            raise Unusable(f"{'/'.join(left[0])}: its owner {objects[left[0]]['owner']} is not in the world")
        yield ready
        made |= {*ready}
        left = [key for key in left if key not in made]
    yield [key for key in objects if key[0] == "Event"]
    yield [key for key in objects if key[0] in LAST]


def owner_of(made: Object) -> Key | None:
    if "owner" not in made:
        return None
    kind, _, name = made["owner"].partition("/")
    namespace = "" if kind == "Node" else made["metadata"].get("namespace", "")
    return kind, namespace, name


def _with_ground(objects: Mapping[Key, Object]) -> dict[Key, Object]:
    """The objects, and the namespaces and accounts that they need."""
    namespaces = {key[1] for key in objects if key[1]} | {key[2] for key in objects if key[0] == "Namespace"}
    ground: dict[Key, Object] = {}
    for name in sorted(namespaces):
        ground["Namespace", "", name] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        account = {"name": "default", "namespace": name}
        ground["ServiceAccount", name, "default"] = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": account,
        }
    return {**ground, **objects}


def _body(made: Object, uids: Mapping[Key, dict[str, Any]]) -> Object:
    """What is created: without the parts that are ours or the status', and with real references."""
    body = {name: part for name, part in made.items() if name not in ("owner", "absent", "status")}
    body["metadata"] = {name: part for name, part in made["metadata"].items() if name != "created"}
    if owner := owner_of(made):
        body["metadata"]["ownerReferences"] = [uids[owner] | {"controller": True}]
    if made["kind"] == "Event":
        about = body.get("involvedObject", {})
        known = uids.get((about.get("kind", ""), about.get("namespace", ""), about.get("name", "")), {})
        body["involvedObject"] = {**{part: known[part] for part in ("apiVersion", "uid") if known}, **about}
        body = {"type": "Normal", "count": 1} | body
    return body


def _check(answer: httpx.Response, key: Key) -> None:
    if not answer.is_success:
        try:
            why = answer.json()["message"]
        except ValueError:
            why = answer.text[:500]
        raise Unusable(f"objects.yaml: the API server refuses {'/'.join(filter(None, key))}: {why}")
