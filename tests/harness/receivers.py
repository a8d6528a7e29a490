"""Who Alertmanager posts to, in the places of the receivers that are shipped."""

from __future__ import annotations

import json
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.harness.loopback import Quiet


def received(config: Any, dispatch_url: str, credentials: Path, people_url: str) -> None:
    """Gives both receivers of Alertmanager's configuration other addresses, and one another token."""
    (dispatch,) = _webhooks(config, "sre-dispatch")
    dispatch["url"] = dispatch_url
    dispatch["http_config"]["authorization"]["credentials_file"] = str(credentials)
    reached(config, people_url)


def reached(config: Any, people_url: str) -> None:
    """Gives the receiver people, a placeholder as shipped, an address."""
    (people,) = _webhooks(config, "people")
    people["url"] = people_url


def _webhooks(config: Any, receiver: str) -> Any:
    (found,) = [told["webhook_configs"] for told in config["receivers"] if told["name"] == receiver]
    return found


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
