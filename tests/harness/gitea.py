"""A real Gitea on loopback, with one private repository, its owner, and a user who may read it."""

from __future__ import annotations

import base64
import getpass
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.harness.components import Broken, answers, find, running
from tests.harness.process import free_port

OWNER, AGENT, NAME = "owner", "agent", "deployments"
SCOPES = {OWNER: "all", AGENT: "write:repository"}
"""Of each user's token. Gitea asks for the scope to write of each push, whatever the push is."""

CONFIG = """
RUN_MODE = prod
RUN_USER = {user}
APP_DATA_PATH = {folder}/data
WORK_PATH = {folder}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true

[server]
PROTOCOL = http
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
STATIC_ROOT_PATH = {static}
DISABLE_SSH = true
OFFLINE_MODE = true

[database]
DB_TYPE = sqlite3
PATH = {folder}/gitea.db

[repository]
ROOT = {folder}/repositories

[security]
INSTALL_LOCK = true
SECRET_KEY = of-a-forge-that-lives-as-long-as-the-test
PASSWORD_HASH_ALGO = pbkdf2$1000

[log]
LEVEL = Warn
MODE = console

[actions]
ENABLED = false
"""


@dataclass(frozen=True)
class Gitea:
    url: str
    tokens: Mapping[str, str]

    @property
    def repository(self) -> str:
        return f"{self.url}/{OWNER}/{NAME}.git"

    def ask(self, method: str, path: str, body: Any = None, user: str = OWNER) -> Any:
        """What the API says; `path` begins behind the repository's, or with a slash behind /api/v1."""
        where = path if path.startswith("/") else f"/repos/{OWNER}/{NAME}/{path}"
        headers = {"Authorization": f"token {self.tokens[user]}"}
        reply = httpx.request(
            method, f"{self.url}/api/v1{where}", json=body, headers=headers, timeout=30, trust_env=False
        )
        if not reply.is_success:
            raise Broken(f"gitea: {method} {path}: {reply.status_code} {reply.text[:500]}")
        return reply.json() if reply.content else None

    def credentials(self, folder: Path, user: str = AGENT, token: str = "") -> Path:
        """A file of git-credential-store for the user, with this token instead of the right one."""
        path = folder / f"credentials-{user}"
        host = self.url.removeprefix("http://")
        path.write_text(f"http://{user}:{token or self.tokens[user]}@{host}\n", encoding="utf-8")
        return path

    def file(self, path: str, ref: str) -> str:
        told = self.ask("GET", f"contents/{path}?ref={ref}")
        return base64.b64decode(told["content"]).decode()

    def put(self, path: str, text: str, old: str = "") -> None:
        """The file on the branch main, as a commit of the owner's: a new one, or in place of that blob."""
        content = base64.b64encode(text.encode()).decode()
        change = {"content": content, "branch": "main", **({"sha": old} if old else {})}
        self.ask("PUT", f"contents/{path}", change)

    def replace(self, path: str, text: str) -> None:
        self.put(path, text, self.ask("GET", f"contents/{path}?ref=main")["sha"])


@contextmanager
def gitea(folder: Path) -> Iterator[Gitea]:
    """A forge with the repository, one file on its branch main, and both users' tokens."""
    binary = find("gitea").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    port, config = free_port(), folder / "app.ini"
    config.write_text(CONFIG.format(user=getpass.getuser(), folder=folder, port=port, static=binary.parent))
    # Gitea's own git, hooks included, has a home of its own and nothing of this machine's.
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "USER": getpass.getuser()}
    _run([str(binary), "migrate", "--config", str(config)], env)
    tokens = {user: _user(binary, config, env, user, scope) for user, scope in SCOPES.items()}
    url = f"http://127.0.0.1:{port}"
    command = [str(binary), "web", "--config", str(config)]
    with running(command, folder, lambda: answers(f"{url}/api/healthz"), env):
        forge = Gitea(url, tokens)
        forge.ask("POST", "/user/repos", {"name": NAME, "private": True, "default_branch": "main"})
        forge.put("apps/typedb/values.yaml", "size: 20Gi\n")
        forge.ask("PUT", f"collaborators/{AGENT}", {"permission": "read"})
        yield forge


def _user(binary: Path, config: Path, env: Mapping[str, str], name: str, scope: str) -> str:
    """Makes the user; returns a token of this scope."""
    command = [str(binary), "admin", "user", "create", "--config", str(config), "--username", name]
    command += ["--random-password", "--email", f"{name}@example.org", "--must-change-password=false"]
    command += ["--access-token", "--access-token-name=test", f"--access-token-scopes={scope}"]
    told = _run([*command, *(["--admin"] if name == OWNER else [])], env)
    found = re.search(r"\b[0-9a-f]{40}\b", told)
    if found is None:
        raise Broken(f"gitea told no token of {name}")
    return found[0]


def _run(command: list[str], env: Mapping[str, str]) -> str:
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise Broken(f"{' '.join(command[1:4])}: {(done.stdout + done.stderr)[-2000:]}")
    return done.stdout
