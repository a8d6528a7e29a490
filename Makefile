PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

help: ## list the targets
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: $(READY) ## create .venv with all packages, hashes checked

run: $(READY) ## play the incident on this machine: two alerts become two Jobs; FULL=1 prints prompts and manifests
	@$(BIN)/sre-dispatch demo $(if $(FULL),--full)

agent: $(READY) ## run the incident's agent on this machine with real Claude Code; without an API key a script replaces the model
	@tests/real/tools/build claude >/dev/null
	@test -d .dispatched || $(BIN)/sre-dispatch demo >/dev/null
	@$(BIN)/python -m tests.story.agent

incident: $(READY) ## play the incident from metric to remedy with real components; KILL=opa|worldmodel|apiserver stops one; ON=cluster uses KUBECONFIG
	@tests/real/tools/build >/dev/null
	@$(if $(filter-out cluster,$(ON))$(and $(ON),$(KILL)),$(error ON= must be cluster or empty, and KILL= works only without ON=))
	@$(if $(ON),REQUIRE_REAL=1 E2E_KUBECONFIG=$${KUBECONFIG:?is not set: it must name a cluster} $(BIN)/pytest -qs tests/cluster/test_incident.py -k metric_to_remedy,\
		$(BIN)/python -m tests.story.incident $(if $(KILL),--kill $(KILL)))

SIDE_BY_SIDE := -n auto --dist worksteal

test: $(READY) ## run all tests that need only Python, in parallel (three minutes)
	@$(BIN)/pytest $(SIDE_BY_SIDE) --ignore=tests/real --ignore=tests/faults --ignore=tests/cluster -rs
	@echo "More tests: make real (real components, built once), make e2e (your cluster), make thorough (every combination)."

check: $(READY) ## check format, lint, types and import contracts, and the policy if OPA and Regal are found
	@$(BIN)/ruff format --check -q . && $(BIN)/ruff check -q . && $(BIN)/mypy && $(BIN)/lint-imports --no-logo && policies/check

real: $(READY) ## run the tests that need real components; missing components are built first (35 minutes, once)
	@tests/real/tools/build >/dev/null
	@REQUIRE_REAL=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder tests/real tests/faults

fuzz: $(READY) ## send flawed documents to all that reads them, EXAMPLES=100000 for each property (hours); failures are kept in .hypothesis
	@FUZZ_EXAMPLES=$(or $(EXAMPLES),100000) $(BIN)/pytest $(SIDE_BY_SIDE) $(or $(TARGET),tests/fuzz)

thorough: ## run make test and make real with every combination and many examples (hours)
	@THOROUGH=1 $(MAKE) --no-print-directory test real

e2e: $(READY) ## run the cluster tests on the cluster of KUBECONFIG; it needs the images, and the tests change it
	@E2E_KUBECONFIG=$${KUBECONFIG:?is not set: it must name a cluster} $(BIN)/pytest tests/cluster -v

bench: $(READY) ## measure speed and memory, each beside its yardstick (12 minutes); JSON=1, SVG=file, BESIDE=folder of another checkout
	@tests/real/tools/build >/dev/null
	@$(BIN)/python -m tests.bench.bench $(if $(JSON),--json) $(addprefix --svg ,$(SVG)) $(addprefix --beside ,$(BESIDE))

soak: $(READY) ## send a million alerts with faults, and count what is lost or done twice (an hour; the next run goes on); ALERTS=number
	@tests/real/tools/build >/dev/null
	@$(BIN)/python -m tests.bench.soak $(addprefix --alerts ,$(ALERTS))

eval: $(READY) ## measure whether the evidence of made incidents reaches the agent; EVAL_USD=10 N=3 scores a real model, SUITE=folder, JSON=file
	@tests/real/tools/build >/dev/null
	@$(BIN)/python -m tests.eval $(if $(EVAL_USD),skill --dollars $(EVAL_USD) --repeats $(or $(N),1),reach) \
		$(addprefix --suite ,$(SUITE)) $(addprefix --json ,$(JSON))

golden: $(READY) ## rewrite golden files and policies/schemas; review the diff
	@$(BIN)/pytest -q tests/test_golden.py tests/commands/demo/test_demo.py --renew

bundle: $(READY) ## write build/bundle, the policy for OPA; OVERLAY=folder adds your data
	@rm -rf build/bundle && $(BIN)/sre-dispatch bundle build/bundle $(if $(OVERLAY),--overlay $(OVERLAY))

TO ?= knative/overlays/production

secrets: ## create missing Secrets in kubectl's current cluster
	@knative/secrets

deploy: ## install or upgrade TO=knative/overlays/production, then check it from inside the cluster
	@kubectl apply --server-side -k $(TO)
	@kubectl -n f3iai rollout status deployment/sre-dispatch-opa deployment/sre-dispatch-worldmodel --timeout=300s
	@kubectl -n f3iai wait ksvc/sre-dispatch --for=condition=Ready --timeout=300s
	@knative/check

RULES ?= knative/monitoring
VALUES := monitoring-values alertmanager-config-patch

monitoring: ## install or upgrade CHART=kube-prometheus-stack with both values files (MORE= adds one), then apply RULES=knative/monitoring
	@helm upgrade --install kube-prom-stack $(or $(CHART),$(error CHART= is missing: a chart or its path)) --version 83.4.1 -n monitoring \
		$(VALUES:%=-f knative/monitoring/%.yaml) $(addprefix -f ,$(MORE))
	@kubectl apply --server-side -k $(RULES)

PYTHON_IMAGE ?= docker.io/library/python:3.13-slim
BUILD ?= $(if $(shell command -v buildah),buildah bud --isolation chroot,docker build)
TAG ?= 0.1.0

image: bundle build/wheels build/claude.tgz ## build the four images; PYTHON_IMAGE= and OPA_IMAGE= are the bases, TAG= the tag, BUILD= the builder
	@for target in function worldmodel; do \
		$(BUILD) -f knative/Dockerfile --target $$target --build-arg PYTHON=$(PYTHON_IMAGE) -t sre-dispatch-$$target:$(TAG) . || exit; done
	@$(BUILD) -f knative/Dockerfile --target opa --build-arg PYTHON=$(PYTHON_IMAGE) $(if $(OPA_IMAGE),--build-arg OPA=$(OPA_IMAGE)) -t sre-dispatch-opa:$(TAG) .
	@$(BUILD) -f knative/agent.Dockerfile --build-arg PYTHON=$(PYTHON_IMAGE) -t sre-agent:$(TAG) .

build/wheels: $(READY) requirements.lock
	@rm -rf $@ && $(BIN)/pip download -q --disable-pip-version-check --require-hashes --only-binary=:all: \
		--python-version $(lastword $(subst :, ,$(PYTHON_IMAGE:-slim=))) -r requirements.lock -d $@

build/claude.tgz: knative/claude-code.version
	@mkdir -p build && cd build && npm pack --silent @anthropic-ai/claude-code-linux-x64@$(firstword $(file < $<)) >/dev/null
	@mv build/anthropic-ai-claude-code-linux-x64-*.tgz $@

lock: $(READY) ## rewrite requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --extra embedded --extra worldmodel --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is required: run make PYTHON=python3.11")'
	@echo "setting up .venv (a minute, once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: help setup run agent incident test real fuzz thorough e2e check bench eval soak golden bundle image secrets deploy monitoring lock
