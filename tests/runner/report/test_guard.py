from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from function.runner.report import guard
from function.runner.report.changes import Changes
from function.runner.report.guard import ProposalRefused
from function.runner.tier import Proposals
from tests.harness.desk import Desk, desk, refused
from tests.harness.forge import Forge

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
    names = ["Chart.yaml", "Chart.lock", "values-prod.yaml", "kustomization.yaml", "x.json"]
    names += ["templates/_helpers.tpl", "templates/deployment.yaml", "crds/owners.yaml", "package.yaml"]
    names += ["main.tf", "rules.libsonnet", "dashboard.json", "config.toml", "app.ini", "README.md", "x.conf"]
    for name in names:
        agent.write(f"apps/{name}", "x\n")
    assert set(agent.changes().written) == {f"apps/{name}" for name in names}


ALLOWED = Proposals()
GITOPS = (
    *("values.yaml", "values-prod.YML", "dashboard.json", "README.md", "x.values.yaml", "Chart.yaml"),
    *("kustomization.yaml", "templates/deployment.yaml", "crds/owners.yaml", "roles/reader.yaml"),
    *("environments/production/typedb.yaml", "claims.yaml", "package.yaml", "project.yaml", "tests/x.yaml"),
    *("rules/alerts.yaml", "hooks/migrate.yaml", "größe.md", "a b.yaml"),
)


def test_by_default_the_files_that_a_cluster_is_deployed_from_are_allowed(plain: Desk) -> None:
    for name in GITOPS:
        guard.check_place(f"apps/{name}", "apps", ALLOWED)


@pytest.mark.parametrize(
    "name",
    [
        *("main.tf", "terragrunt.hcl", "flake.nix", "requirements.txt", "scripts/fix.py", "x.tpl"),
        *(
            "Chart.lock",
            "values.toml",
            "app.ini",
            "x.conf",
            "x.service",
            "x.cue",
            "x.jsonnet",
            "x.rego",
            "x.js",
        ),
        *("x.properties", "Procfile", "LICENSE", "x", "x.yaml.gotmpl", "x.yaml~", "x.yaml.orig", "x.jsonc"),
        *("x.html", "x.svg", "x.mdx", "yaml", "x.yaml ", "x.yaml.", "x.yam\u0131"),
    ],
)
def test_whatever_the_tier_does_not_allow_is_refused_by_name_with_the_remedy(plain: Desk, name: str) -> None:
    with pytest.raises(ProposalRefused, match=r"proposals\.endings in the tier's report\.json") as raised:
        guard.check_place(f"apps/{name}", "apps", ALLOWED)
    assert raised.value.code == "proposal_ending" and "apps/" in str(raised.value)


@given(
    st.text(min_size=1, max_size=30), st.lists(st.from_regex(r"\.[a-z0-9]{1,5}", fullmatch=True), min_size=1)
)
@example("Tiltfile", [".yaml"])
@example("a.YAML", [".yaml"])
def test_no_name_without_an_allowed_ending_is_allowed(name: str, endings: list[str]) -> None:
    allowed = Proposals(endings=tuple(endings))
    try:
        guard.check_place(f"apps/{name}", "apps", allowed)
    except ProposalRefused:
        return
    assert name.lower().endswith(tuple(endings))


def test_a_tier_may_allow_more_endings_and_machines_names_stay_refused(plain: Desk) -> None:
    more = Proposals(endings=(".tpl", ".sh", ".yaml"))
    guard.check_place("apps/_helpers.tpl", "apps", more)
    for name in ("run.sh", ".pre-commit-config.yaml", "docker-compose.yaml"):
        with pytest.raises(ProposalRefused) as raised:
            guard.check_place(f"apps/{name}", "apps", more)
        assert raised.value.code == "proposal_machine"


def test_a_folder_that_the_operator_named_may_have_the_name_of_automation() -> None:
    guard.check_place("ci/apps/values.yaml", "ci/apps", ALLOWED)
    with pytest.raises(ProposalRefused):
        guard.check_place("ci/apps/ci/values.yaml", "ci/apps", ALLOWED)


def test_a_deletion_and_a_renaming_need_the_tiers_word(forge: Forge, tmp_path: Path) -> None:
    agent = desk(forge, tmp_path, {"apps": {"old.yaml": b"a: 1\n", "values.yaml": b"size: 20Gi\n"}})
    (agent.work / "apps/old.yaml").rename(agent.work / "apps/new.yaml")
    assert refused(lambda: agent.changes(allowed=ALLOWED)) == ("proposal_delete", "apps/old.yaml")
    done = agent.changes(allowed=Proposals(may_delete=True))
    assert done == Changes({"apps/new.yaml": b"a: 1\n"}, frozenset({"apps/old.yaml"}))
    with pytest.raises(ProposalRefused, match=r"proposals\.may_delete"):
        agent.changes(allowed=ALLOWED)


def test_a_file_that_the_tier_does_not_allow_cannot_be_deleted_either(forge: Forge, tmp_path: Path) -> None:
    agent = desk(forge, tmp_path, {"apps": {"main.tf": b"a", "values.yaml": b"size: 20Gi\n"}})
    (agent.work / "apps/main.tf").unlink()
    allowed = Proposals(may_delete=True)
    assert refused(lambda: agent.changes(allowed=allowed)) == ("proposal_ending", "apps/main.tf")


@pytest.mark.parametrize(
    "line",
    [
        *(
            "safe: true # \u202egnol\u202c",
            "a\u200bb: 1",
            "a\u200db: 1",
            "a\ufeffb: 1",
            "a\u2060b",
            "a\u00adb",
        ),
        *(
            "note: \U000e0069\U000e0067\U000e006e",
            "a: b\rc: d",
            "a: b\x1b[2K",
            "a: \x7f",
            "a: \x85b: c",
            "\x0c",
        ),
        *("a: x\ufe0f", "a: \ufe01", "a: \U000e0100", "a: \u3164", "a: \u115fb", "a\u034fb: c", "a: \u2800"),
        *(
            "a: \u2066b\u2069",
            "a: \u061cb",
            "a: \u2028b: c",
            "a: \ue000",
            "a: \u26a0\ufe0f\ufe0f",
            "\ufe0fa",
            "1\ufe0f",
        ),
    ],
    ids=ascii,
)
def test_a_character_that_hides_in_a_new_line_refuses_the_whole_proposal(plain: Desk, line: str) -> None:
    plain.write("apps/other.yaml", "size: 40Gi\n")
    plain.write("apps/values.yaml", f"size: 40Gi\n{line}\nend: 1\n")
    assert refused(plain.changes) == ("proposal_hidden", "apps/values.yaml")


def test_a_return_at_the_end_of_a_file_hides_too(plain: Desk) -> None:
    plain.write("apps/other.yaml", "size: 40Gi\n")
    plain.write("apps/values.yaml", "size: 40Gi\r")
    assert refused(plain.changes)[0] == "proposal_hidden"


@pytest.mark.parametrize(
    "line",
    [
        "\ta: 1",
        "größe: 1",
        "名前: データ",
        "a: \u26a0\ufe0f \u2705 \U0001f680",
        "a: 1\ufe0f\u20e3",
        "a: b\r",
        "\u00a9\ufe0e",
        "e\u0301",
    ],
    ids=ascii,
)
def test_what_shows_in_a_new_line_hides_nothing(plain: Desk, line: str) -> None:
    plain.write("apps/other.yaml", "size: 40Gi\n")
    plain.write("apps/values.yaml", f"size: 40Gi\n{line}\nend: 1\n")
    assert set(plain.changes().written) == {"apps/values.yaml", "apps/other.yaml"}


def test_a_character_that_hid_there_before_is_not_new(forge: Forge, tmp_path: Path) -> None:
    told = "\ufefffirst: 1\na\u200bb: 1\n".encode()
    agent = desk(forge, tmp_path, {"apps": {"values.yaml": told}})
    agent.write("apps/values.yaml", "\ufefffirst: 2\na\u200bb: 1\n")
    assert agent.changes().files == ("apps/values.yaml",)
    agent.write("apps/values.yaml", "\ufefffirst: 2\na\u200bb: 2\n")
    assert refused(agent.changes)[0] == "proposal_hidden"


@pytest.mark.parametrize(
    "letter", ["\ufe0f", "\u3164", "\U000e0101", "\u034f", "\u200b", "\u202e", "\r", "\U000e0069"]
)
def test_no_new_name_hides_a_character(plain: Desk, letter: str) -> None:
    path = plain.work / f"apps/a{letter}.yaml"
    path.touch()
    try:
        assert refused(plain.changes)[0] == "proposal_name"
    finally:
        path.unlink()


@pytest.mark.parametrize(
    "name", ["kustomization.yaml", "sub/Kustomization", "kustomization.yml", "Chart.yaml"]
)
@pytest.mark.parametrize(
    "line",
    [
        "- https://github.com/evil/it?ref=main",
        "- github.com/evil/it",
        "- git@github.com:evil/it",
        "- 'ssh://git@evil/it'",
        "- host.example/it.git",
        "- host.example/org//it",
        '- "htt\\x70s:evil"',
        "generators: [plugin.yaml]",
        '"transformers": [plugin.yaml]',
        "helmCharts:",
        "  repository: oci://evil.example/charts",
        "  repository: '@evil'",
    ],
)
def test_nothing_new_is_loaded_from_elsewhere(forge: Forge, tmp_path: Path, name: str, line: str) -> None:
    agent = desk(forge, tmp_path, {"apps": {"values.yaml": b"size: 20Gi\n"}})
    agent.write(f"apps/{name}", f"a:\n{line}\n")
    assert refused(agent.changes) == ("proposal_source", f"apps/{name}")


def test_an_ordinary_change_of_a_kustomization_is_proposed(forge: Forge, tmp_path: Path) -> None:
    before = "resources:\n- https://git.example/base?ref=v1\n- ../../base\n"
    agent = desk(forge, tmp_path, {"apps": {"kustomization.yaml": before.encode()}})
    digest = "sha256:" + "0a" * 32
    more = f"- claim.yaml\nimages:\n- name: typedb\n  digest: {digest}\nreplicas:\n- count: 2\npatches:\n"
    more += "- target: {kind: PersistentVolumeClaim}\n  patch: |\n    - {op: replace, path: /spec/size}\n"
    agent.write("apps/kustomization.yaml", before + more)
    assert agent.changes().files == ("apps/kustomization.yaml",)


WORD = "0123456789abcdefghijklmnopqrstuvwxyz"


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


def test_the_flaw_is_told_with_its_place_escaped_and_cut(agent: Desk) -> None:
    agent.write("apps/a\n\u202e" + "x" * 150, "x")
    assert refused(agent.changes)[1].startswith("apps/a\\n\\u202exx")
    assert len(ProposalRefused("proposal_name", "\u202e" * 900).path) == 200
    assert "because of apps/x.yaml: " in str(ProposalRefused("proposal_name", "apps/x.yaml"))
    for words in ("its own words", "its(own)words", "its\nown words"):
        assert "because of its...: " in str(ProposalRefused("proposal_name", words))
