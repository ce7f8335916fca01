# The same targets for people and for CI. Each does its own set-up; nothing is assumed but python3, make and git.

SESSIONS ?= 50
SEED ?= 7
WORKERS ?= 2
DEMO_HOME ?= .demo
TEST_ARGS ?=

# The first Python on the PATH that is new enough; `make PYTHON=/path/to/python3.12 …` names another.
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
# The build back end comes pinned from the constraints too, hence no isolated build.
INSTALL := $(PIP) --no-build-isolation --editable

.DEFAULT_GOAL := help
.PHONY: help demo test check lint docs clean

help:  ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.demo  ## Run a multi-agent workload and show what was recorded
	@rm -rf $(DEMO_HOME)
	@SYNDARIX_OBS_BACKEND=embedded $(BIN)/syndarix-obs demo --sessions $(SESSIONS) --seed $(SEED) --home $(DEMO_HOME)

test: .venv/.dev  ## Run all tests with coverage (fails under 90%)
	$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report=term:skip-covered $(TEST_ARGS)

check: .venv/.dev  ## The inner loop: contract tests and unit tests that start no server and no second process
	$(BIN)/python -m pytest -q -n $(WORKERS) -m "not real_servers and not slow" tests/unit/spans tests/unit/records tests/unit/pipeline \
		tests/unit/pricing tests/unit/redaction tests/unit/read tests/contract/test_import_rules.py tests/contract/test_catalogue.py $(TEST_ARGS)

lint: .venv/.dev  ## Lint and strict type check
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

docs: .venv/.dev  ## Write the generated pages of docs/ anew
	$(BIN)/python docs/generate.py

clean:  ## Remove everything that the other targets made
	rm -rf .venv .venv-clients .venv-frameworks .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build .coverage .coverage.*

# What the demo needs; `make demo` waits for no test tool.
.venv/.demo: .venv/.base
	@echo "Installing what the demo needs into .venv …"
	@$(INSTALL) '.[server,instrument]'
	@touch $@

.venv/.dev: .venv/.base
	@echo "Installing what the tests need into .venv …"
	@$(INSTALL) '.[server,instrument,dashboards,dev]'
	@touch $@ .venv/.demo

.venv/.base: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none is on the PATH."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot create environments: the venv module is missing."; \
		echo "On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Creating .venv with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv .venv
	@$(PIP) hatchling editables
	@touch $@

-include stack.mk
-include bench.mk
-include clients.mk
-include dashboards.mk
-include frameworks.mk
