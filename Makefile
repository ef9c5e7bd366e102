# The only entry point a person needs; `make` prints this help.
SHELL := /bin/bash
.DEFAULT_GOAL := help
NODE_MODULES := node_modules/.package-lock.json
OPERATOR := dist/main.cjs
GO := $(shell command -v go 2>/dev/null)

help: ## Print this help
	@grep -hE '^[a-z][a-z0-9-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 24

$(NODE_MODULES): package.json package-lock.json .npmrc
	npm ci
	@touch $@

install: $(NODE_MODULES) ## Install the pinned npm packages

generate: $(NODE_MODULES) ## Write crds/ and docs/ from src/
	node --import tsx scripts/generate.ts

manifests: $(NODE_MODULES) ## Print the install YAML: CRDs, RBAC, Deployment
	@node --import tsx src/manifests.ts

build: $(NODE_MODULES) ## Bundle the operator into dist/, and the command line as bin/sidestep
	node --import tsx scripts/build.ts

$(OPERATOR): $(NODE_MODULES) $(shell find src cdk8s scripts -name '*.ts' 2>/dev/null)
	node --import tsx scripts/build.ts

check: $(NODE_MODULES) ## Generated files fresh, types, lint
	node --import tsx scripts/generate.ts --check
	npx prettier --check --log-level warn .
	npx tsc --noEmit
	npx eslint .

test: $(NODE_MODULES) ## Unit tests, conformance, simulators and end-to-end tests on the embedded cluster; needs nothing but Node
	npx vitest run --project unit --project sandbox --project e2e

campaigns: $(NODE_MODULES) ## A crash, an old view and a rollback at every write of a migration (SHARE=2/4: the second of every four), and 200 changes of its spec, on the embedded cluster; 2,000 generated migrations
	SIDESTEP_SHARE=$(SHARE) npx vitest run --project campaigns

controlplane: $(NODE_MODULES) ## Build the real control plane with Go into .cache/, once
	node --import tsx test/controlplane/build.ts

controlplane-up: $(NODE_MODULES) ## Start the real control plane and keep it running until Ctrl-C
	node --import tsx test/controlplane/main.ts

sandbox-data: $(NODE_MODULES) ## Write src/sandbox/data/ from the real control plane; needs Go
	node --import tsx test/controlplane/sandbox-data.ts

faults: $(NODE_MODULES) ## Show that the conformance suite notices faults planted in the sandbox (SHARE=2/4: the second of every four)
	SIDESTEP_SHARE=$(SHARE) node --import tsx test/conformance/planted-faults.ts

mutation: $(NODE_MODULES) ## Change src/mesh in some 18,000 ways, one at a time, and show which no unit test notices (ARGS='--mutate src/mesh/quantity.ts': of one file)
	TSX_TSCONFIG_PATH=test/mutation/tsconfig.mutation.json node --import tsx node_modules/.bin/stryker run test/mutation/stryker.config.json $(ARGS)

run: $(OPERATOR) ## Run the operator against KUBECONFIG as its own ServiceAccount (AS_ADMIN=1: as the kubeconfig's user; INSTALL=1: apply CRDs and RBAC first)
	@node --import tsx scripts/run.ts

demo: $(OPERATOR) ## Migrate legacy-apps to ambient and back on an embedded cluster, checking every step (CLUSTER=controlplane: on the real one)
	@node --import tsx test/demo/main.ts $(CLUSTER)

dev: $(OPERATOR) ## Run an embedded cluster with the article's namespaces and the operator until Ctrl-C; writes .sidestep/kubeconfig
	@node --import tsx scripts/dev.ts

test-controlplane: $(OPERATOR) ## Conformance, simulators and end-to-end tests on the real control plane; what failed runs once more; needs Go (SHARE=2/4: a crash at the second of every four writes)
	@SIDESTEP_SHARE=$(SHARE) node --import tsx test/controlplane/run.ts

bench: $(NODE_MODULES) ## Measure our runtime beside client-node and controller-runtime on one kube-apiserver (ARGS=--help); Linux, needs Go
	@node --import tsx bench/peers/main.ts $(ARGS)

e2e-kind: $(OPERATOR) ## Release check on kind with real Istio ambient; needs Docker, kind, kubectl and istioctl
	node --import tsx scripts/e2e-kind.ts

# Of what is tried at every write, and of the planted faults, CI tries a quarter; another one with each commit.
ci: export SHARE ?= $(shell echo $$(($$(git rev-list --count HEAD 2>/dev/null || echo 0) % 4 + 1))/4)
# CI has 90 minutes: on a machine so slow that 65 are over, no further test begins on the real control plane; the last line counts them.
ci: export SIDESTEP_BEGIN_UNTIL := $(shell echo $$(($$(date +%s) + 65 * 60)))
ci: check test build campaigns faults ## What CI runs: check, test, build, a quarter of campaigns and faults, and the control-plane tests where Go is installed
ifneq ($(GO),)
ci: test-controlplane
endif

clean: ## Remove build output, caches and the state of local control planes
	rm -rf dist bin .cache .sidestep coverage

.PHONY: help install generate manifests build check test campaigns controlplane controlplane-up sandbox-data faults mutation run demo dev test-controlplane bench e2e-kind ci clean
