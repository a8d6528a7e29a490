from __future__ import annotations

import base64
import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from function.runner import tier
from function.runner.checkout import MAX_FILE, MAX_FILES, materialize
from function.runner.git import Git
from function.runner.report import merge_request
from function.runner.report.changes import Changes, read_changes
from function.runner.report.guard import FLAWS, MAX_ENTRIES, ProposalRefused
from function.runner.report.merge_request import About, Proposal
from function.runner.tier import Repository
from function.shared.errors import Misconfigured, Unavailable
from tests.runner.test_git import SUBMODULE, TOKEN, USER, Forge, Tree, bare, committed, run, serving, written

ABOUT = About("ab" * 32, "Grow the claim to 40Gi", "It is full on Thursday.")
OTHER_IDENTITY = "cd" * 32
HOSTILE: Tree = {
    "README.md": b"read me\n",
    ".gitattributes": b"* filter=evil eol=crlf text working-tree-encoding=UTF-16\n",
    ".gitmodules": b'[submodule "sub"]\n\tpath = apps/sub\n\turl = ext::sh -c evil\n',
    ".gitlab-ci.yml": b"test:\n",
    ".GIT": {"config": b"[core]\n\tfsmonitor = evil\n"},
    ".git": {"hooks": {"post-checkout": ("100755", b"#!/bin/sh\n")}},
    "apps": {
        "values.yaml": b"size: 20Gi\n",
        "windows.txt": b"one\r\ntwo\r\n",
        "run": ("100755", b"echo one\n"),
        "link": ("120000", b"/etc/passwd"),
        "up": ("120000", b"../../../.."),
        "sub": SUBMODULE,
        "large.bin": b"x" * (1024 * 1024 + 1),
        "latin": b"\xe4\n",
        "case.txt": b"lower\n",
        "CASE.txt": b"upper\n",
        "git~1": {"config": b"x"},
        ".git ": b"x",
        ".git\u200c": {"config": b"x"},
        ".gitignore": b"*.tmp\n",
        "a\u202eb": b"x",
        b"bad\xff": b"x",
        "new\nline": b"x",
        "deep": {"er": {"file.yaml": b"x: 1\n"}},
        "script": b"#!/bin/sh\n",
        "mixed": {"plain": b"x\n", "link": ("120000", b"plain")},
        "n" * 256: b"x",
    },
}
GIVEN = {"README.md", ".gitattributes", ".gitmodules", ".gitlab-ci.yml"} | {
    f"apps/{name}"
    for name in ("values.yaml", "windows.txt", "run", "latin", "case.txt", "CASE.txt", ".gitignore")
}
GIVEN |= {"apps/deep/er/file.yaml", "apps/mixed/plain", "apps/script"}


@dataclass(frozen=True)
class Desk:
    """A commit, and a folder in which an agent works on it."""

    git: Git
    repository: Repository
    commit: str
    work: Path
    forge: Forge

    def changes(self, path: str = "apps") -> Changes:
        return read_changes(self.git, self.commit, self.work, path)

    def propose(self, about: About = ABOUT) -> Proposal:
        return merge_request.propose(self.git, self.repository, self.commit, self.changes(), about)

    def write(self, path: str, content: str | bytes) -> None:
        file = self.work / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def repository_at(self, path: str) -> Repository:
        return replace(self.repository, url=f"{self.forge.url}/{path}.git")

    def on_forge(self, *arguments: str) -> str:
        return run(self.forge.folder / "it.git", *arguments).decode()


def desk(forge: Forge, folder: Path, told: Tree = HOSTILE, kind: Any = "gitea") -> Desk:
    if not (forge.folder / "it.git").exists():
        bare(forge.folder / "it.git")
        committed(forge.folder / "it.git", told)
    repository = Repository(f"{forge.url}/it.git", "f3iai", path="apps", forge=kind)
    git = Git(folder / "clone", forge.credentials())
    commit = git.fetch(repository.url, repository.branch)
    work = folder / "work"
    work.mkdir()
    materialize(git, commit, work)
    return Desk(git, repository, commit, work, forge)


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    with serving(tmp_path) as forge:
        yield forge


@pytest.fixture
def agent(forge: Forge, tmp_path: Path) -> Desk:
    return desk(forge, tmp_path)


@pytest.fixture
def on_gitlab(forge: Forge, tmp_path: Path) -> Desk:
    return desk(forge, tmp_path, kind="gitlab")


def refused(what: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ProposalRefused) as raised:
        what()
    assert raised.value.code in FLAWS
    return raised.value.code, raised.value.path


# Where a resource is deployed from

PVC = {"namespace": "f3iai", "resource_type": "k8s_pvc", "resource_id": "typedb-data"}
ALL = Repository("https://git.example.org/all.git", "f3iai")
CLAIMS = Repository("https://git.example.org/claims.git", "f3iai", "k8s_pvc")
ONE = Repository("https://git.example.org/one.git", "f3iai", "k8s_pvc", "typedb-data")
ELSEWHERE = Repository("https://git.example.org/else.git", "other", "k8s_pvc", "typedb-data")


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([ALL, CLAIMS, ONE, ELSEWHERE], ONE),
        ([ONE, ALL], ONE),
        ([ALL, CLAIMS], CLAIMS),
        ([ALL, replace(ONE, resource_id="other")], ALL),
        ([ALL, replace(ALL, url="https://git.example.org/second.git")], ALL),
        ([ELSEWHERE], None),
        ([replace(ALL, namespace="")], None),
        ([], None),
    ],
)
def test_of_the_repositories_that_fit_the_one_with_the_most_names_counts(
    entries: list[Repository], found: Repository | None
) -> None:
    assert tier.repository_of(PVC, entries) == found


# What the agent is given


def test_a_hostile_repository_becomes_plain_files(agent: Desk) -> None:
    files = {path.relative_to(agent.work).as_posix() for path in agent.work.rglob("*") if not path.is_dir()}
    assert files == GIVEN
    assert (agent.work / "apps/windows.txt").read_bytes() == b"one\r\ntwo\r\n"  # eol and encoding did nothing
    assert not [path for path in agent.work.rglob("*") if path.is_symlink()]
    modes = {path: (agent.work / path).stat().st_mode & 0o7777 for path in GIVEN}
    assert {path for path, mode in modes.items() if mode == 0o755} == {"apps/run"}
    assert set(modes.values()) == {0o755, 0o644}


def test_as_it_was_given_nothing_has_changed(agent: Desk) -> None:
    assert agent.changes() == Changes({}, frozenset())
    assert agent.propose() == Proposal("unchanged")
    assert not [asked for asked in agent.forge.asked if "receive-pack" in asked]


def test_names_that_stand_twice_are_left_out(tmp_path: Path) -> None:
    path = bare(tmp_path / "it.git")
    double = [("a", b"file\n"), ("a", {"x": b"in folder\n"}), ("b", b"1\n"), ("b", b"2\n"), ("c", b"\n")]
    commit = committed(path, {"top": double, "a/b": b"slash\n"})
    (work := tmp_path / "work").mkdir()
    assert materialize(Git(path), commit, work) == 1
    assert (work / "top" / "c").read_bytes() == b"\n"


def test_a_folder_that_is_not_empty_is_refused(agent: Desk) -> None:
    with pytest.raises(Misconfigured, match="not empty"):
        materialize(agent.git, agent.commit, agent.work)


@pytest.mark.parametrize(
    "told",
    [
        {f"{number}": b"" for number in range(MAX_FILES + 1)},
        {f"{number}": b"x" * MAX_FILE for number in range(65)},
    ],
    ids=["files", "bytes"],
)
def test_a_repository_over_the_limits_is_refused_before_anything_is_written(
    tmp_path: Path, told: dict[str, bytes]
) -> None:
    path = bare(tmp_path / "it.git")
    shas = {content: written(path, content) for content in {*told.values()}}
    lines = "".join(f"100644 blob {shas[content]}\t{name}\n" for name, content in told.items())
    made = run(path, "mktree", stdin=lines.encode()).decode().strip()
    commit = run(path, "commit-tree", made, "-m", "x").decode().strip()
    (work := tmp_path / "work").mkdir()
    with pytest.raises(Misconfigured, match="name a smaller one"):
        materialize(Git(path), commit, work)
    assert [*work.iterdir()] == []


# What the agent did


def test_plain_edits_are_found(agent: Desk) -> None:
    agent.write("apps/values.yaml", "size: 40Gi\n")
    agent.write("apps/new/file.yaml", "größe: 1\n")
    (agent.work / "apps/deep/er/file.yaml").unlink()
    assert agent.changes() == Changes(
        {"apps/values.yaml": b"size: 40Gi\n", "apps/new/file.yaml": "größe: 1\n".encode()},
        frozenset({"apps/deep/er/file.yaml"}),
    )


def test_a_bit_that_was_lost_is_no_change(agent: Desk) -> None:
    (agent.work / "apps/run").chmod(0o600)
    assert agent.changes() == Changes({}, frozenset())


Act = Callable[[Desk], Any]


def links(path: str, target: str = "/etc/passwd") -> Act:
    def act(desk: Desk) -> None:
        (desk.work / path).unlink(missing_ok=True)
        (desk.work / path).symlink_to(target)

    return act


def writes(path: str, content: str | bytes = "x\n") -> Act:
    return lambda desk: desk.write(path, content)


def folder_for_a_link(desk: Desk) -> None:
    away = desk.work.parent / "away"
    (desk.work / "apps/deep").rename(away)
    (desk.work / "apps/deep").symlink_to(away)


def many(count: int, size: int = 1) -> Act:
    def act(desk: Desk) -> None:
        for number in range(count):
            desk.write(f"apps/many/{number}", "x" * size)

    return act


@pytest.mark.parametrize(
    ("act", "told"),
    {
        "outside": (writes("README.md"), "outside"),
        "beside": (writes("apps2/x"), "outside"),
        "deletes outside": (lambda desk: (desk.work / "README.md").unlink(), "outside"),
        "attributes": (writes("apps/x/.gitattributes"), "git"),
        "changed .gitignore": (writes("apps/.gitignore"), "git"),
        "deleted .gitignore": (lambda desk: (desk.work / "apps/.gitignore").unlink(), "git"),
        "git folder": (writes("apps/.git/config"), "git"),
        "loud git folder": (writes("apps/.Git/config"), "git"),
        "empty git folder": (lambda desk: (desk.work / ".git").mkdir(), "git"),
        "github": (writes("apps/.github/workflows/x.yml"), "git"),
        "gitlab": (writes("apps/.gitlab-ci.d/x.yml"), "git"),
        "wide letters": (writes("apps/.ｇｉｔattributes"), "git"),
        "short name": (writes("apps/GIT~1/config"), "git"),
        "woodpecker": (writes("apps/.woodpecker/x.yml"), "machine"),
        "drone": (writes("apps/.Drone.yml"), "machine"),
        "jenkins": (writes("apps/x/JENKINSFILE"), "machine"),
        "circle": (writes("apps/.circleci/config.yml"), "machine"),
        "azure": (writes("apps/azure-pipelines-2.yml"), "machine"),
        "bitbucket": (writes("apps/bitbucket-pipelines.yml"), "machine"),
        "travis": (writes("apps/.travis.yml"), "machine"),
        "forgejo": (writes("apps/.forgejo/workflows/x.yml"), "machine"),
        "owners": (writes("apps/CODEOWNERS"), "machine"),
        "next agent": (writes("apps/CLAUDE.md"), "machine"),
        "its settings": (writes("apps/.claude/settings.json"), "machine"),
        "link": (links("apps/new"), "link"),
        "link for a file": (links("apps/values.yaml"), "link"),
        "link outside": (links("new"), "link"),
        "link back to where one was": (links("apps/link"), "link"),
        "dangling link": (links("apps/new", "nowhere"), "link"),
        "folder for a link": (folder_for_a_link, "link"),
        "pipe": (lambda desk: os.mkfifo(desk.work / "apps/pipe"), "special"),
        "file for a link": (writes("apps/link"), "left_out"),
        "file for a submodule": (writes("apps/sub"), "left_out"),
        "file in a submodule": (writes("apps/sub/x"), "left_out"),
        "file for a large one": (writes("apps/large.bin"), "left_out"),
        "file for a folder with a link": (
            lambda desk: [
                (desk.work / "apps/mixed/plain").unlink(),
                (desk.work / "apps/mixed").rmdir(),
                desk.write("apps/mixed", "x\n"),
            ],
            "left_out",
        ),
        "other case": (writes("apps/VALUES.yaml"), "collision"),
        "other case of a folder": (writes("apps/DEEP/x"), "collision"),
        "two cases": (lambda desk: [desk.write("apps/x/a", "1"), desk.write("apps/X/b", "1")], "collision"),
        "executable": (lambda desk: (desk.work / "apps/values.yaml").chmod(0o755), "executable"),
        "new executable": (
            lambda desk: [desk.write("apps/x", "#!"), (desk.work / "apps/x").chmod(0o744)],
            "executable",
        ),
        "changed executable": (writes("apps/run", "echo two\n"), "executable"),
        "deleted executable": (lambda desk: (desk.work / "apps/run").unlink(), "executable"),
        "changed script": (writes("apps/script", "echo\n"), "executable"),
        "deleted script": (lambda desk: (desk.work / "apps/script").unlink(), "executable"),
        "new script": (writes("apps/x", "#!/bin/sh\n"), "executable"),
        "file for a script": (writes("apps/values.yaml", "#!/bin/sh\n"), "executable"),
        "large": (writes("apps/values.yaml", "x" * (256 * 1024 + 1)), "file_size"),
        "sparse": (lambda desk: os.truncate(desk.work / "apps/values.yaml", 2**40), "file_size"),
        "many": (many(51), "changed"),
        "much": (many(5, 220_000), "size"),
        "latin": (writes("apps/values.yaml", b"\xe4\n"), "binary"),
        "binary": (writes("apps/values.yaml", b"a\0b"), "binary"),
        "no name": (lambda desk: Path(os.fsdecode(os.fsencode(desk.work) + b"/apps/\xff")).touch(), "name"),
        "backwards": (writes("apps/a\u202eb"), "name"),
        "newline": (writes("apps/a\nb"), "name"),
        "deep": (writes("apps/" + "d/" * 40 + "x"), "name"),
    }.values(),
)
def test_one_flaw_refuses_the_whole_proposal(agent: Desk, act: Act, told: str) -> None:
    agent.write("apps/values.yaml", "size: 40Gi\n")
    act(agent)
    assert refused(agent.changes)[0] == f"proposal_{told}"


@pytest.mark.parametrize(
    "name",
    [
        *("Makefile", "GNUmakefile", "rules.mk", "Justfile", "justfile", "Rakefile", "Taskfile.yml"),
        *("taskfile.dist.yaml", "Dockerfile", "Dockerfile.dev", "Containerfile", "Vagrantfile", "Tiltfile"),
        *("package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", ".npmrc", ".yarnrc.yml"),
        *(
            "Gruntfile.js",
            "gulpfile.mjs",
            "tox.ini",
            "noxfile.py",
            "setup.py",
            "conftest.py",
            "pyproject.toml",
        ),
        *("skaffold.yaml", ".goreleaser.yaml", ".lefthook.yml", "lefthook.yaml", ".lefthook-local.yml"),
        *("OWNERS", "OWNERS_ALIASES", ".mergify.yml", ".mergify", "validate.sh"),
    ],
)
def test_what_machines_run_on_a_pull_request_is_never_proposed(plain: Desk, name: str) -> None:
    plain.write(f"apps/{name}", "x\n")
    try:
        assert refused(plain.changes) == ("proposal_machine", f"apps/{name}")
    finally:
        (plain.work / "apps" / name).unlink()


def test_what_a_cluster_is_deployed_from_is_proposed(forge: Forge, tmp_path: Path) -> None:
    agent = desk(forge, tmp_path, {"apps": {"values.yaml": b"size: 20Gi\n"}})
    names = ["Chart.yaml", "Chart.lock", "values-prod.yaml", "kustomization.yaml", "helmfile.yaml", "x.json"]
    names += ["templates/_helpers.tpl", "templates/deployment.yaml", "crds/owners.yaml", "package.yaml"]
    names += ["main.tf", "rules.libsonnet", "dashboard.json", "config.toml", "app.ini", "README.md", "x.conf"]
    for name in names:
        agent.write(f"apps/{name}", "x\n")
    assert set(agent.changes().written) == {f"apps/{name}" for name in names}


# What looks like a credential

WORD = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all tests that write the same two files."""
    folder = tmp_path_factory.mktemp("plain")
    with serving(folder) as forge:
        yield desk(forge, folder, {"apps": {"values.yaml": b"size: 20Gi\n"}})


@pytest.mark.parametrize(
    "line",
    [
        *(f"password: {word}" for word in ("hunter22", "aHVudGVyMjI=", "changeme", "/9j/4AAQSkZJRg==")),
        *(
            f"token: {word}"
            for word in ("a$(TOKEN)", "$(TOKEN)a", "/Etc9/Xk2", "/hunter22", "${A:-hunter22}")
        ),
        *(f"{name}: {WORD}" for name in ("clientSecret", "client_secret", "JWT_SECRET", "secret", "apiKey")),
        "existingSecret: hunter22/Xk2",
        "tls: x, authSecret: hunter22",
        "tlsSecretToken: hunter22",
        "existingToken: hunter22",
        "password: {{`hunter22`}}",
        "password: {{.A}}hunter22{{.B}}",
        "pullSecret: name, password: hunter22",
        "- --token=hunter22",
        '  {"api_key":"hunter22"}',
        'password: {{ .Values.password | default "x" }} token: hunter22',
        "<<: *base  # password=hunter22",
        "url: postgres://user:hunter22@db/it",
        "url: postgres://user:$(PW)x@db/it",
        "url: postgres://$(USER):hunter22@db/it",
        f"url: https://ghp_{WORD}:$(PW)@git/it",
        f"value: ghp_{WORD}",
        f"password: ${{ghp_{WORD}}}",
        f"existingSecret: glpat-{WORD}",
        f"key: sk-ant-api03-{WORD}",
        "key: AKIAIOSFODNN7EXAMPLE",
        "    -----BEGIN RSA PRIVATE KEY-----",
        "header: Bearer abcdefghijklm0",
        "header: Basic dXNlcjpwYXNzd29yZA==",
        "password:\u2028 hunter22".replace(" ", ""),
        "a: b\rpassword: hunter22\rc: d",
    ],
)
def test_a_credential_in_a_new_line_refuses_the_whole_proposal(plain: Desk, line: str) -> None:
    plain.write("apps/values.yaml", f"size: 40Gi\n{line}\n")
    plain.write("apps/other.yaml", "size: 40Gi\n")
    assert refused(plain.changes) == ("proposal_secret", "apps/values.yaml")


@pytest.mark.parametrize(
    "line",
    [
        "secretKeyRef: {name: database, key: password}",
        "- secretRef: {name: credentials}",
        "secretName: postgres-credentials",
        "tokenFile: /etc/grafana/token",
        "bearer_token_file: /var/run/secrets/kubernetes.io/serviceaccount/token",
        "token: /var/run/secrets/kubernetes.io/serviceaccount/token",
        "- --password=/etc/credentials/password",
        'password: ""',
        "password: ''",
        "password:",
        "token: null",
        "automountServiceAccountToken: false",
        "passwordSecret: postgres-credentials",
        "existingSecret: postgres-credentials",
        '"existingSecret": "postgres.credentials"',
        "- --set=auth.existingSecret=postgres-credentials",
        "imagePullSecret: registry-credentials",
        "imagePullSecrets: [{name: registry-credentials}]",
        "existingSecretPasswordKey: postgres-password",
        "tlsSecret: certificate-of-the-web",
        "privateKeySecretRef: {name: account-key}",
        "password: $(DATABASE_PASSWORD)",
        'password: "${DATABASE_PASSWORD}"',
        "password: $__file{/etc/secrets/password}",
        "- --password=$DATABASE_PASSWORD",
        "{password: $(DATABASE_PASSWORD)}",
        "password: {{ .Values.database.password | quote }}",
        "password: {{.Values.database.password|quote}}",
        "url: postgres://$(USER):$(PASSWORD)@database:5432/it",
        "url: postgres://it:${PASSWORD}@database:5432/it",
        "url: http://typedb.f3iai:1729/path@version",
        "# Basic configuration, without basic authentication.",
        "password: <your-password>",
        "password: [redacted]",
        "max_tokens: 100000",
        "secret:",
        "resources: [secrets, serviceaccounts/token]",
        "type: kubernetes.io/service-account-token",
        "csi.storage.k8s.io/provisioner-secret-name: rook-csi-rbd-provisioner",
        "image: nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "checksum/secret: '{{ include \"it\" . | sha256sum }}'",
        "path: /etc/pki/private.key",
    ],
)
def test_what_an_ordinary_manifest_says_is_no_credential(plain: Desk, line: str) -> None:
    plain.write("apps/values.yaml", f"size: 40Gi\n    {line}\n")
    plain.write("apps/other.yaml", f"{line}\r\n")
    assert set(plain.changes().written) == {"apps/values.yaml", "apps/other.yaml"}


def test_a_credential_that_stood_in_the_same_file_before_is_not_new(forge: Forge, tmp_path: Path) -> None:
    told = b"size: 20Gi\r\npassword: hunter22\r\n\xff: token: hunter23\r\n"
    agent = desk(forge, tmp_path, {"apps": {"values.yaml": told, "other.yaml": b"size: 20Gi\n"}})
    agent.write("apps/other.yaml", "size: 40Gi\n")
    agent.write("apps/values.yaml", "size: 40Gi\nauth:\n  password: hunter22\n")
    assert agent.changes().files == ("apps/other.yaml", "apps/values.yaml")
    agent.write("apps/other.yaml", "password: hunter22\n")
    assert refused(agent.changes) == ("proposal_secret", "apps/other.yaml")
    agent.write("apps/other.yaml", "size: 40Gi\n")
    agent.write("apps/values.yaml", "size: 40Gi\npassword: hunter23\n")
    assert refused(agent.changes) == ("proposal_secret", "apps/values.yaml")


def test_a_credential_in_a_new_file_or_outside_of_yaml_is_found(agent: Desk) -> None:
    agent.write("apps/new/notes.txt", "what the log said: password=hunter22")
    assert refused(agent.changes) == ("proposal_secret", "apps/new/notes.txt")


def test_no_credential_is_in_the_message_of_its_refusal(plain: Desk) -> None:
    plain.write("apps/values.yaml", "password: hunter22\n")
    with pytest.raises(ProposalRefused, match="looks like a credential") as raised:
        plain.changes()
    assert "hunter22" not in f"{raised.value} {raised.value.path}"


REFERRING = (
    "tlsSecret: aaaaaa ",
    "token=$(A) ",
    "token=/a/a ",
    "basic aaaaaaaaaaaa ",
    "://a:$(A)@",
    "$A",
    "/a",
)


@pytest.mark.parametrize("part", REFERRING)
def test_a_long_line_takes_no_time_that_grows_with_its_square(plain: Desk, part: str) -> None:
    """It ends at all: so many references, none of which is a credential."""
    plain.write("apps/values.yaml", "token=" * (len(part) < 3) + part * (250_000 // len(part)))
    assert "apps/values.yaml" in plain.changes().written


def test_more_deleted_files_than_people_read_are_refused(forge: Forge, tmp_path: Path) -> None:
    agent = desk(forge, tmp_path, {"apps": {f"{number}": b"x" for number in range(51)}})
    (agent.work / "apps/0").unlink()
    assert len(agent.changes().deleted) == 1
    for path in (agent.work / "apps").iterdir():
        path.unlink()
    assert refused(agent.changes) == ("proposal_deleted", "")


def test_more_entries_than_anybody_needs_are_refused(agent: Desk) -> None:
    for number in range(MAX_ENTRIES):
        (agent.work / f"{number}").mkdir()
    assert refused(agent.changes) == ("proposal_entries", "")


def test_the_flaw_is_told_with_its_place_escaped_and_cut(agent: Desk) -> None:
    agent.write("apps/a\n\u202e" + "x" * 150, "x")
    assert refused(agent.changes)[1].startswith("apps/a\\n\\u202exx")
    assert len(ProposalRefused("proposal_name", "\u202e" * 900).path) == 200
    assert str(ProposalRefused("proposal_name", "its own words")) == str(ProposalRefused("proposal_name"))


def test_a_folder_that_cannot_be_opened_is_refused(agent: Desk) -> None:
    links_to_itself = agent.work.parent / "other"
    links_to_itself.symlink_to(agent.work)
    told = replace(agent, work=links_to_itself)
    assert refused(told.changes) == ("proposal_unreadable", "")


# What always holds

PATHS = st.sampled_from(
    [
        *(
            "values.yaml",
            "run",
            "link",
            "sub",
            "sub/x",
            "large.bin",
            "deep",
            "deep/er",
            "deep/er/file.yaml",
        ),
        *("mixed", "mixed/plain", "mixed/link", ".gitignore", ".git/config", "new", "new/x", "VALUES.yaml"),
        *("../README.md", "../.gitlab-ci.yml", "../new", "Jenkinsfile", "a\u202eb", "latin", "case.txt"),
    ]
)
CONTENTS = st.sampled_from([b"", b"new\n", b"size: 20Gi\n", b"\xff", b"a\0b", b"x" * 300_000])
ACTS = st.one_of(
    st.tuples(st.just("write"), PATHS, CONTENTS),
    st.tuples(st.just("write"), PATHS, st.just(b"new\n")),
    st.tuples(st.sampled_from(["delete", "link", "pipe", "execute", "folder"]), PATHS, st.just(b"")),
    st.tuples(st.sampled_from(["move", "hard"]), PATHS, PATHS),
)


def perform(work: Path, what: str, path: str, more: Any) -> None:
    """Whatever the agent tries; what the system refuses it is not done."""
    at = work / "apps" / path
    with suppress(OSError):
        match what:
            case "write":
                at.parent.mkdir(parents=True, exist_ok=True)
                at.write_bytes(more)
            case "delete":
                at.unlink()
            case "link":
                at.unlink(missing_ok=True)
                at.symlink_to("/etc/passwd")
            case "pipe":
                os.mkfifo(at)
            case "execute":
                at.chmod(0o755)
            case "folder":
                at.mkdir()
            case "move":
                at.rename(work / "apps" / more)
            case "hard":
                (work / "apps" / more).hardlink_to(at)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    with serving(tmp_path_factory.mktemp("hostile")) as forge:
        bare(forge.folder / "it.git")
        committed(forge.folder / "it.git", HOSTILE)
        yield forge


@given(st.lists(ACTS, min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_whatever_is_done_the_pushed_tree_differs_in_plain_files_below_the_path_alone(
    hostile: Forge, acts: list[tuple[str, str, Any]]
) -> None:
    with TemporaryDirectory(dir=hostile.folder) as folder:
        run(hostile.folder / "it.git", "update-ref", "-d", "refs/for/main")
        agent = desk(hostile, Path(folder))
        for act in acts:
            perform(agent.work, *act)
        try:
            done = agent.propose()
        except ProposalRefused:
            return
        if done.state == "unchanged":
            return
        told = run(
            hostile.folder / "it.git", "diff-tree", "-r", "-z", "--no-renames", agent.commit, done.commit
        )
        parts = told.decode().split("\0")[:-1]
        differences = dict(zip(parts[1::2], parts[::2], strict=True))
        assert tuple(sorted(differences)) == done.files
        for path, head in differences.items():
            old, new, _, _, status = head.lstrip(":").split()
            assert path.startswith("apps/") and "/.git" not in path.lower() and "Jenkins" not in path
            assert old in ("000000", "100644") and new in ("000000", "100644")
            if status == "D":
                assert path in GIVEN and not os.path.lexists(agent.work / path)
                continue
            content = run(hostile.folder / "it.git", "cat-file", "blob", f"{done.commit}:{path}")
            assert content == (agent.work / path).read_bytes()
            assert b"\0" not in content and len(content) <= 256 * 1024 and content.decode() is not None


# What the forge is told


def test_a_proposal_is_one_commit_with_our_trailer_and_leaves_the_base_alone(agent: Desk) -> None:
    agent.write("apps/values.yaml", "size: 40Gi\n")
    done = agent.propose()
    assert (done.state, done.branch, done.files) == ("opened", "sre/" + "ab" * 8, ("apps/values.yaml",))
    assert agent.on_forge("rev-parse", "refs/for/main").strip() == done.commit
    assert agent.on_forge("rev-parse", "main").strip() == agent.commit
    told = agent.on_forge("log", "-1", "--format=%P|%(trailers:only,unfold)", done.commit).strip()
    assert told == f"{agent.commit}|Sre-Dispatch-Identity: {ABOUT.identity}"


def test_a_rejected_push_is_told_as_one(agent: Desk) -> None:
    hook = agent.forge.folder / "it.git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho its own words >&2\nexit 1\n")
    hook.chmod(0o755)
    agent.write("apps/values.yaml", "size: 40Gi\n")
    with pytest.raises(Unavailable) as raised:
        agent.propose()
    assert raised.value.code == "git_rejected" and "own words" not in str(raised.value)


@dataclass
class Api:
    """Where pull requests are described; answers with the status, after so many seconds or when released."""

    status: int = 201
    seconds: float = 0.0
    told: list[Any] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def __call__(self, request: Any) -> bool:
        if request.command != "PATCH":
            return False
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        self.told.append((request.path, request.headers["Authorization"], body))
        self.released.wait(self.seconds)
        request.send_response(self.status)
        request.send_header("Location", f"http://127.0.0.1:1{request.path}")
        request.end_headers()
        return True


def test_a_pull_request_that_is_moved_is_described_anew(agent: Desk) -> None:
    agent.forge.before = api = Api()
    assert (
        merge_request.describe(agent.git, agent.repository_at("owner/it"), "7", "title\n\nand\n\nmore\n")
        == ""
    )
    told = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
    body = {"title": "title", "body": "and\n\nmore\n"}
    assert api.told == [("/api/v1/repos/owner/it/pulls/7", told, body)]


@pytest.mark.parametrize("status", [302, 307, 403, 404, 409, 500])
def test_a_pull_request_that_keeps_its_old_description_is_said_to(agent: Desk, status: int) -> None:
    agent.forge.before = api = Api(status)
    assert "of the proposal before" in merge_request.describe(
        agent.git, agent.repository_at("owner/it"), "7", "t\n\nb"
    )
    assert len(api.told) == 1


def test_a_forge_that_is_slow_to_answer_does_not_hold_the_report(agent: Desk) -> None:
    agent.forge.before = api = Api(seconds=10)
    hurried = replace(agent.git, left=lambda: 1.0)
    assert "of the proposal before" in merge_request.describe(
        hurried, agent.repository_at("owner/it"), "7", "t\n\nb"
    )
    api.released.set()


@pytest.mark.parametrize("identity", ["", "short", "AB" * 32, "ab" * 32 + "\n", "../" * 21 + "x"])
def test_without_an_identity_nothing_is_proposed(agent: Desk, identity: str) -> None:
    agent.write("apps/values.yaml", "size: 40Gi\n")
    with pytest.raises(Misconfigured, match="identity"):
        agent.propose(replace(ABOUT, identity=identity))


def test_on_gitlab_the_branch_is_opened_moved_and_left_as_it_is(on_gitlab: Desk) -> None:
    agent, git_dir = on_gitlab, on_gitlab.forge.folder / "it.git"
    hook = git_dir / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        "#!/bin/sh\nenv | grep ^GIT_PUSH_OPTION_ | sort >options\n"
        "echo 'View merge request for sre/x:' >&2\n"
        "echo '  https://evil.example.org/x/-/merge_requests/7' >&2\n"
        f"echo '  {agent.forge.url}/x/-/merge_requests/new?a=b' >&2\n"
        f"echo '  {agent.forge.url}/x/-/merge_requests/7' >&2\n"
    )
    hook.chmod(0o755)
    agent.write("apps/values.yaml", "size: 40Gi\n")
    opened = agent.propose()
    assert (opened.state, opened.url) == ("opened", f"{agent.forge.url}/x/-/merge_requests/7")
    assert (git_dir / "options").read_text().splitlines() == [
        "GIT_PUSH_OPTION_0=merge_request.create",
        "GIT_PUSH_OPTION_1=merge_request.target=main",
        "GIT_PUSH_OPTION_COUNT=2",
    ]
    assert agent.propose().state == "unchanged"
    agent.write("apps/values.yaml", "size: 50Gi\n")
    updated = agent.propose()
    assert (updated.state, updated.problem) == ("updated", merge_request.OUTDATED)
    assert agent.on_forge("rev-parse", opened.branch).strip() == updated.commit
    assert agent.on_forge("rev-list", "--count", f"main..{opened.branch}") == "1\n"
    assert agent.on_forge("rev-parse", "main").strip() == agent.commit


@pytest.mark.parametrize(
    "message",
    [
        "somebody's own",
        f"with another\n\nSre-Dispatch-Identity: {OTHER_IDENTITY}",
        f"quoted\n\n    Sre-Dispatch-Identity: {ABOUT.identity}",
        f"before\n\nSre-Dispatch-Identity: {ABOUT.identity}\n\nand after",
    ],
)
def test_on_gitlab_a_branch_of_somebody_else_is_not_overwritten(on_gitlab: Desk, message: str) -> None:
    branch = "sre/" + "ab" * 8
    theirs = committed(on_gitlab.forge.folder / "it.git", {"a": b"b"}, branch, message)
    on_gitlab.write("apps/values.yaml", "size: 40Gi\n")
    assert refused(on_gitlab.propose)[0] == "proposal_branch"
    assert on_gitlab.on_forge("rev-parse", branch).strip() == theirs


def test_the_message_says_whose_words_it_holds() -> None:
    told = About(
        ABOUT.identity,
        "Grow [skip ci] it\nfor @all, fixes https://forge/a/b/issues/1",
        "/merge\n\nCloses #3, a/b#3 and !4, see nginx@sha256:1\nFixes http://forge/a/b/issues/2\n",
    )
    assert merge_request.message(told) == (
        "Grow (skip ci) it for @ all, fixes https:// forge/a/b/issues/1\n\n"
        f"{merge_request.WORDS}\n\n"
        "    /merge\n\n    Closes # 3, a/b# 3 and ! 4, see nginx@sha256:1\n"
        "    Fixes http:// forge/a/b/issues/2\n\n"
        f"Sre-Dispatch-Identity: {ABOUT.identity}\n"
    )


@given(
    st.text(max_size=300) | st.text("https:/#1@! \n\u200b", max_size=300),
    st.text(max_size=9000)
    | st.text("https:/#1@! \n\u200b", max_size=900)
    | st.just(f"x\n\nSre-Dispatch-Identity: {OTHER_IDENTITY}\n"),
)
def test_no_words_forge_the_trailer_give_an_order_or_run_long(title: str, description: str) -> None:
    told = merge_request.message(About(ABOUT.identity, title, description))
    lines = told.removesuffix("\n").split("\n")
    assert lines[0].strip() and len(lines[0]) <= 120 and lines[1] == ""
    assert lines[-2:] == ["", f"Sre-Dispatch-Identity: {ABOUT.identity}"]
    ours = ("", merge_request.WORDS)
    assert all(line in ours or line.startswith("    ") for line in lines[1:-2])
    assert not re.search(r"://\S|#\w|!\d|(?<!\w)@\w", told)
    assert len(told) < 20_000 and told.encode() and not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", told)
