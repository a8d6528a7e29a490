"""Names of files that machines obey, although the tier allows their ending.

A forge, a build or a reviewer's editor may execute such a file before anybody has reviewed it. Manifests,
values and charts are not here: machines use them only after the merge. This list is the second look. The
first one is the tier's list of endings, because no list of names is complete.
"""

from __future__ import annotations

import re

from function.runner.file_names import folded

YAML = r"\.ya?ml"
MORE = r"(?:[._-].*)?"
"""A name may continue: docker-compose.override.yml, a folder docker-compose.d."""

HIDDEN = (r"\..+",)
"""Tools read their settings from names that begin with a dot: .github, .pre-commit-config.yaml, .vscode,
.devcontainer, .eslintrc.json, .releaserc.yaml, .argocd-source.yaml."""

CONTINUOUS_INTEGRATION = (
    r"(?:forgejo|woodpecker|drone|circle(?:ci)?|travis|appveyor|buildkite|cirrus|semaphore|teamcity|tekton|prow"
    r"|agola|screwdriver|harness|codefresh|wercker|bitrise|shippable|(?:onedev-)?buildspec|appspec|cloudbuild"
    r"|azure-pipelines?|bitbucket-pipelines?|jenkins(?:file)?|dagger|builds?|ci|pipelines?)" + MORE,
    r".*gitlab-ci.*",
    r".*\.jenkinsfile",
    rf".*[._-](?:ci|pipelines?){YAML}",
    rf"action{YAML}",  # a step of a workflow of GitHub or Forgejo
)

REVIEWS = (
    r"codeowners|owners(?:_aliases)?",
    r"(?:renovate|dependabot|mergify|atlantis|digger|spacelift|danger)" + MORE,
)
"""Bots that merge, that update dependencies, or that plan and apply on a pull request."""

INFRASTRUCTURE = (
    r"(?:(?:docker|podman)[-_])?compose" + MORE,
    r"docker-(?:bake|stack)" + MORE,
    r"(?:helmfile|skaffold|tiltfile|tilt_config|garden|devspace|okteto|devfile|werf|earthfile|serverless)"
    + MORE,
    r".*\.(?:tf|tofu|tftest|pkr|nomad)\.json",  # Terraform runs programs for data sources while it plans
    rf"(?:cdk|cdktf)\.json|pulumi.*{YAML}|samconfig.*|copilot|plugin{YAML}",
    rf"ansible{MORE}|(?:.*[._-])?playbooks?{MORE}|site{YAML}|molecule|tasks|handlers|galaxy{YAML}",
    r"(?:app|vercel|now|netlify|firebase|railway|nixpacks|fly)\.json" + f"|heroku{YAML}|render{YAML}",
)
"""Tools that execute commands, hooks or plugins of the file while they render, plan or preview it."""

BUILDS = (
    r"(?:gnu)?makefile|.*\.(?:mk|sh|bash)|(?:docker|container|vagrant|just|rake)file.*|taskfile" + MORE,
    r"(?:gruntfile|gulpfile).*|tox\.ini|(?:noxfile|setup|conftest)\.py|pyproject\.toml",
    r"(?:package|package-lock|npm-shrinkwrap|composer|bower|deno|jsr|lerna|nx|project|workspace|rush|turbo"
    r"|angular|ng-package|global|devbox|dub|shadow-cljs|vcpkg)\.jsonc?",
    r"(?:ts|js)config.*\.json|tslint\.json",
    r"(?:jest|babel|nodemon|cypress|stylelint|eslint|prettier|release|commitlint|lint-staged|wallaby|biome)"
    r"(?:\..*)?\.json",
    r"(?:yarn|pnpm)[.-](?:lock|workspace).*",
    r"(?:pubspec|shard|snapcraft|melange|apko|lefthook(?:-local)?|pre-commit.*|goreleaser)" + MORE,
    r"(?:mkdocs|readthedocs|antora|docfx|book|_config|_quarto)" + MORE,  # generators that load plugins
)

AGENTS = (
    r"(?:claude|agents?|gemini|skill|warp|conventions|copilot-instructions)(?:\..*)?\.md",
    r"(?:.*[._-])?mcp(?:[._-].*)?\.json|opencode\.jsonc?|cursor.*|devcontainer.*|claude.*\.json",
)
"""Instructions and servers for agents."""

OBEYED = re.compile(
    "|".join((*HIDDEN, *CONTINUOUS_INTEGRATION, *REVIEWS, *INFRASTRUCTURE, *BUILDS, *AGENTS)), re.DOTALL
)


def is_obeyed(path: str) -> bool:
    """Returns whether a machine may obey the file, by its name or the name of a folder in the path."""
    return any(OBEYED.fullmatch(folded(name)) for name in path.split("/"))
