"""Who Alertmanager posts to, in the places of the receivers that are shipped."""

from __future__ import annotations

import json
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.loopback import Quiet


def received(config: Any, dispatch_url: str, credentials: Path, people_url: str) -> None:
    """Gives both receivers of Alertmanager's configuration other addresses, and one another token."""
    named = {told["name"]: told for told in config["receivers"]}
    (dispatch,) = named["sre-dispatch"]["webhook_configs"]
    dispatch["url"] = dispatch_url
    dispatch["http_config"]["authorization"]["credentials_file"] = str(credentials)
    named["people"]["webhook_configs"][0]["url"] = people_url


class Receivers(ThreadingHTTPServer):
    """Keeps what Alertmanager posts, by path, as (alertname, claim), and the credentials it came with."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.told: dict[str, list[tuple[str, str]]] = {"/alertmanager": [], "/people": []}
        self.credentials: dict[str, set[str]] = {"/alertmanager": set(), "/people": set()}


class _Post(Quiet):
    server: Receivers

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told[self.path] += [
            (alert["labels"]["alertname"], alert["labels"].get("persistentvolumeclaim", ""))
            for alert in body["alerts"]
        ]
        self.server.credentials[self.path].add(self.headers.get("Authorization", ""))
        self.say(b"")
