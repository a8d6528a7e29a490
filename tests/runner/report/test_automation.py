from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from function.runner.report.automation import is_obeyed

NAMES = """
.github/workflows/x.yaml .gitlab-ci.yml Build.gitlab-ci.yml .circleci/config.yml circle.yml .travis.yml
.drone.yml .woodpecker.yaml .forgejo/workflows/x.yml azure-pipelines.yml azure-pipelines-2.yml
azure-pipeline.yml bitbucket-pipelines.yml cloudbuild.yaml cloudbuild-prod.json buildspec.yml
buildspec_test.yml appspec.yml codefresh.yml bitrise.yml wercker.yml shippable.yml appveyor.yml
.cirrus.yml buildkite.yml .buildkite/pipeline.yml pipeline.yml pipelines/x.yaml deploy-pipeline.yml ci.yml
ci/deploy.yml ci-lint.yaml team.ci.yml .ci/x.yml .semaphore/semaphore.yml jenkins.yaml tekton/x.yaml
action.yml actions/x/action.yaml screwdriver.yaml renovate.json renovate.json5 .renovaterc.json
dependabot.yml .mergify.yml mergify.yml atlantis.yaml digger.yml .pre-commit-config.yaml
.pre-commit-hooks.yaml lefthook.yml .lefthook-local.yml .husky/x.json .golangci.yml docker-compose.yml
docker-compose.override.yaml compose.yaml compose.prod.yml podman-compose.yml docker-bake.json
docker-stack.yml helmfile.yaml helmfile.d/10.yaml helmfile-prod.yaml skaffold.yaml tilt_config.json
garden.yml devspace.yaml okteto.yml devfile.yaml werf.yaml serverless.yml main.tf.json x.tofu.json
image.pkr.json cdk.json Pulumi.yaml Pulumi.prod.yaml samconfig.yaml plugin.yaml playbook.yml site.yml
deploy-playbook.yaml playbooks/x.yml ansible/x.yml roles/db/tasks/main.yml roles/db/handlers/main.yml
molecule/default/x.yml galaxy.yml app.json heroku.yml vercel.json netlify.json firebase.json render.yaml
Taskfile.yml taskfile.dist.yaml package.json package-lock.json composer.json deno.json lerna.json nx.json
project.json turbo.json angular.json tsconfig.json tsconfig.base.json jsconfig.json tslint.json
jest.config.json babel.config.json nodemon.json .eslintrc.json .prettierrc.yaml .releaserc.json
release.config.json commitlint.config.json pnpm-workspace.yaml pnpm-lock.yaml .yarnrc.yml pubspec.yaml
mkdocs.yml mkdocs-public.yml .readthedocs.yaml readthedocs.yml antora-playbook.yml antora.yml docfx.json
book.json _config.yml _quarto.yml goreleaser.yml .goreleaser.yaml CLAUDE.md claude.local.md AGENTS.md
agent.md GEMINI.md SKILL.md copilot-instructions.md CONVENTIONS.md .claude/x.json .mcp.json mcp.json
mcp.servers.json claude_desktop_config.json opencode.json .cursor/x.json devcontainer.json
.devcontainer/x.json .vscode/tasks.json .vscode/settings.json .idea/x.json .sops.yaml .argocd-source.yaml
.x/y.yaml
"""
OBEYED = NAMES.split()

OTHERS = """
values.yaml values-prod.yaml Chart.yaml kustomization.yaml templates/deployment.yaml
templates/_helpers.yaml templates/hooks/migrate.yaml crds/owners.yaml package.yaml dashboard.json
dashboards/typedb.json README.md docs/runbook.md CHANGELOG.md roles/reader.yaml rbac/role.yaml
namespaces/f3iai.yaml statefulset.yaml pvc.yaml claims/typedb-data.yaml alerts.yaml rules/volume.yml
networkpolicy.yaml environments/production.yaml cert-manager.yaml grafana.json agents.yaml
application.yaml appproject.yaml gitrepository.yaml helmrelease.yaml jobs/backup.yaml circuit-breaker.yaml
compositor.yaml composition.yaml city.yaml packages.json tsdb.json mcpherson.json site-a.yaml
"""
DEPLOYED = OTHERS.split()


@pytest.mark.parametrize("path", OBEYED)
def test_a_name_that_a_machine_obeys_is_known_in_any_case(path: str) -> None:
    assert is_obeyed(path) and is_obeyed(path.upper()) and is_obeyed(f"apps/{path}")


@pytest.mark.parametrize("path", DEPLOYED)
def test_what_a_cluster_is_deployed_from_is_none(path: str) -> None:
    assert not is_obeyed(path)


@given(st.sampled_from(OBEYED), st.lists(st.from_regex(r"[a-z]{1,9}", fullmatch=True), max_size=3))
def test_no_folder_above_makes_it_harmless(path: str, folders: list[str]) -> None:
    assert is_obeyed("/".join([*folders, path]))


@given(st.text(min_size=1, max_size=20).filter(lambda name: "/" not in name))
def test_a_name_that_begins_with_a_dot_is_one_whatever_follows(name: str) -> None:
    assert is_obeyed(f"apps/.{name}.yaml")
