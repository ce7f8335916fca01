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
.PHONY: help demo test check lint docs docs-site clean axe

help:  ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.demo  ## Run a support desk of agents and explain the session that failed (OPEN=1: the explorer, too)
	@rm -rf $(DEMO_HOME)
	@SYNDARIX_OBS_BACKEND=embedded $(BIN)/syndarix-obs demo --sessions $(SESSIONS) --seed $(SEED) --home $(DEMO_HOME) $(if $(OPEN),--open)

# Two runs: coverage makes the long tests twice as long and adds nothing that the short ones do not reach.
# pytest ends with 5 when TEST_ARGS chose none of a run's tests.
test: .venv/.dev  ## Run all tests, the short ones with coverage (fails under 90%)
	@$(BIN)/python -m pytest -n $(WORKERS) -m "not slow" --cov --cov-report=term:skip-covered $(TEST_ARGS); short=$$?; \
		$(BIN)/python -m pytest -n $(WORKERS) -m slow $(TEST_ARGS); long=$$?; \
		[ $$short -eq 0 -o $$short -eq 5 ] && [ $$long -eq 0 -o $$long -eq 5 ]

check: .venv/.dev  ## The inner loop: contract tests and unit tests that start no server and no second process
	$(BIN)/python -m pytest -q -n $(WORKERS) -m "not real_servers and not slow" tests/unit/spans tests/unit/records tests/unit/pipeline \
		tests/unit/pricing tests/unit/redaction tests/unit/read tests/contract/test_import_rules.py tests/contract/test_catalogue.py $(TEST_ARGS)

lint: .venv/.dev  ## Lint and strict type check
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

docs: .venv/.dev  ## Write the generated pages of docs/ anew, and check that what people read first is simple English
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/readability.py

docs-site: .venv/.dev  ## Build the documentation's site into site/, with strict links
	$(BIN)/python docs/site.py

axe:  ## Fetch axe-core, with which the tests in a browser look for barriers (npm)
	npm install --prefix tests/browser --no-package-lock --no-fund --no-audit --ignore-scripts

clean:  ## Remove everything that the other targets made
	rm -rf .venv .venv-clients .venv-frameworks .venv-python .venv-bounds .venv-release .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build site .coverage .coverage.* tests/browser/node_modules

# What the demo needs; `make demo` waits for no test tool.
.venv/.demo: .venv/.base
	@echo "Installing what the demo needs into .venv …"
	@$(INSTALL) '.[server,instrument]'
	@touch $@

.venv/.dev: .venv/.base
	@echo "Installing what the tests need into .venv …"
	@$(INSTALL) '.[server,instrument,dashboards,dev,docs]'
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

# --- The stack, in Docker and without ---

STACK = $(BIN)/python -m syndarix_obs_stack

.PHONY: secrets stack-check native-up native-status native-down rules-test compose-check

secrets: .venv/.demo  ## Make .env and the secrets that docker compose needs
	@$(STACK) init

stack-check: .venv/.demo  ## Say what would keep the stack from starting, and how to mend it
	@$(STACK) check

native-up: .venv/.demo  ## Start every server that is on the PATH, from the files that Docker uses
	@$(STACK) up

native-status: .venv/.demo  ## Say which servers run where
	@$(STACK) status

native-down: .venv/.demo  ## Stop what native-up started
	@$(STACK) down

rules-test:  ## promtool and amtool over every rule, rule test and route
	promtool check rules prometheus/rules/*.yml
	cd prometheus/tests && promtool test rules *.yml
	amtool check-config alertmanager/alertmanager.yml

compose-check:  ## docker-compose.yml with the example settings
	SECRETS_DIR=./secrets docker compose --env-file .env.example config --quiet

# --- The boards ---

.PHONY: pictures dashboards dashboards-check bench-dashboards bench-boards

pictures: .venv/.dev  ## Take the pictures of the explorer and, half an hour later, of the boards (needs the servers, Grafana, Chromium)
	$(BIN)/python docs/pictures/explorer.py
	$(BIN)/python docs/pictures/take.py --office 25

dashboards: .venv/.dev  ## Write grafana/dashboards anew from grafana/boards
	$(BIN)/python grafana/build.py

dashboards-check: .venv/.dev  ## Say which boards are stale
	$(BIN)/python grafana/build.py --check

bench-dashboards: .venv/.dev  ## 30 days of 50 agents × 10 models in a real Prometheus: seconds per board
	$(BIN)/python benchmarks/dashboards.py

bench-boards: .venv/.dev  ## Seconds of each board in a real browser and Grafana, with 20,000 traces in the servers
	$(BIN)/python benchmarks/boards_in_grafana.py --json benchmarks/results/boards.json

# --- The clients that we watch: oldest, middle and newest versions that the extra `instrument` allows ---

CLIENT_ENVS := .venv-clients

.PHONY: test-clients $(addprefix test-clients-,oldest middle newest)

test-clients: $(addprefix test-clients-,oldest middle newest)  ## Run the integrations' tests beside openai 2 and 3, anthropic 1 and 2

CLIENTS_oldest := 'openai==2.0.0' 'anthropic==1.0.0'
CLIENTS_middle := 'openai>=2,<3' 'anthropic>=1,<2'
CLIENTS_newest := 'openai>=3' 'anthropic>=2'

$(addprefix test-clients-,oldest middle newest): test-clients-%: $(CLIENT_ENVS)/%/.done
	@echo "With $$($(CLIENT_ENVS)/$*/bin/python -m pip freeze | grep -E '^(openai|anthropic)==' | tr '\n' ' ')"
	@$(CLIENT_ENVS)/$*/bin/python -m pytest -p no:cacheprovider -q tests/unit/integrations

$(CLIENT_ENVS)/%/.done: pyproject.toml
	@echo "Creating $(@D) …"
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check install --quiet \
		--editable '.[instrument]' $(CLIENTS_$*) httpx httpx2 pytest pytest-asyncio
	@touch $@

# --- Versions of Python, and both ends of the bounds ---

.PHONY: test-python test-bounds

test-python: .venv/.base  ## Run the inner loop's tests on every Python 3.11 to 3.14 that is here (VERSIONS="3.12 3.13": on these)
	@$(BIN)/python tests/versions/pythons.py $(VERSIONS)

test-bounds: .venv/.base  ## Run them with the lowest and the newest versions that pyproject.toml allows (BOUNDS=lowest: with those)
	@$(BIN)/python tests/versions/bounds.py $(BOUNDS)

# --- A release: docs/releasing.md ---

RELEASE_TOOLS := .venv-release/tools
SHIPPED := .venv-release/shipped

.PHONY: dist audit

dist: $(RELEASE_TOOLS)/.done  ## Build wheel and sdist into dist/, check both, install the wheel, and list what it brings along (SBOM)
	@rm -rf dist
	@$(RELEASE_TOOLS)/bin/python -m build --no-isolation --outdir dist . >/dev/null
	@$(RELEASE_TOOLS)/bin/python -m twine check --strict dist/*
	@$(PYTHON) -m venv --clear $(SHIPPED)
	@$(SHIPPED)/bin/python -m pip --disable-pip-version-check install --quiet -c constraints.txt "$$(echo dist/*.whl)[server,instrument]"
	@$(RELEASE_TOOLS)/bin/python release/sbom.py $(SHIPPED)/bin/python dist/sbom.cdx.json

audit: $(RELEASE_TOOLS)/.done  ## Ask for known weaknesses of every pinned package; says so where the service cannot be reached
	@$(RELEASE_TOOLS)/bin/python release/audit.py

$(RELEASE_TOOLS)/.done: constraints.txt
	@echo "Creating $(@D) …"
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check install --quiet hatchling editables build twine cyclonedx-bom pip-audit
	@touch $@

# --- Benchmarks: the libraries that are compared, all figures, and the short form for CI ---

BENCH_ENVS := benchmarks/.envs
BENCH_BASE := openai opentelemetry-sdk opentelemetry-exporter-otlp

.PHONY: bench bench-envs bench-check bench-read

bench: .venv/.dev  ## Measure every promised figure and write docs/performance.md (takes an hour or so)
	$(BIN)/python benchmarks/run.py

bench-read: .venv/.dev  ## Measure the answers of both backends; needs loki and tempo on the PATH (five minutes)
	$(BIN)/python benchmarks/run.py --only read_stack

bench-check: .venv/.dev  ## Fail when our overhead is more than 25% above the recorded ratio (about a minute)
	$(BIN)/python benchmarks/overhead.py --check benchmarks/recorded.json

bench-envs: $(addprefix $(BENCH_ENVS)/,$(addsuffix /.done,bare ours official traceloop openinference openlit logfire langfuse))  ## Install the libraries that are compared, each in an environment of its own

REQUIRES_bare :=
REQUIRES_ours := .
REQUIRES_official := opentelemetry-instrumentation-genai-openai
REQUIRES_traceloop := opentelemetry-instrumentation-openai
REQUIRES_openinference := openinference-instrumentation-openai
# It refuses openai 3, which the others run on; without the exact version pip looks for a compatible one for hours.
REQUIRES_openlit := 'openlit==1.45.0' 'openai>=2,<3'
REQUIRES_logfire := logfire
REQUIRES_langfuse := langfuse

$(BENCH_ENVS)/%/.done:
	@echo "Creating $(@D) …"
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check install --quiet --upgrade pip
	@$(@D)/bin/python -m pip --disable-pip-version-check install --quiet $(BENCH_BASE) $(REQUIRES_$*)
	@touch $@

# --- Agent frameworks and providers' clients, each beside this project in an environment of its own ---

FRAMEWORK_ENVS := .venv-frameworks
FRAMEWORKS := openai-agents langchain langchain-openinference pydantic-ai crewai llama-index litellm clients google-adk strands \
	smolagents autogen agent-framework dspy haystack instructor claude-agent mcp vendors

.PHONY: test-frameworks test-frameworks-node $(addprefix test-frameworks-,$(FRAMEWORKS))

test-frameworks: $(addprefix test-frameworks-,$(FRAMEWORKS)) test-frameworks-node  ## Run each agent framework against a local provider, and compare with what was served

FRAMEWORK_openai-agents := openai-agents
FRAMEWORK_langchain := langchain langchain-openai langchain-anthropic langgraph
FRAMEWORK_langchain-openinference := langchain langchain-openai langchain-anthropic langgraph openinference-instrumentation-langchain
FRAMEWORK_pydantic-ai := 'pydantic-ai-slim[openai,anthropic]'
FRAMEWORK_crewai := crewai
FRAMEWORK_llama-index := llama-index-core llama-index-llms-openai
FRAMEWORK_litellm := litellm
FRAMEWORK_clients := google-genai boto3 opentelemetry-instrumentation-genai-bedrock
FRAMEWORK_google-adk := google-adk
FRAMEWORK_vendors := mistralai cohere ollama groq openinference-instrumentation-mistralai openinference-instrumentation-groq \
	openinference-instrumentation-cohere opentelemetry-instrumentation-ollama
FRAMEWORK_strands := 'strands-agents[openai]'
FRAMEWORK_smolagents := 'smolagents[openai]' openinference-instrumentation-smolagents
FRAMEWORK_autogen := autogen-agentchat 'autogen-ext[openai]'
FRAMEWORK_agent-framework := agent-framework-core agent-framework-openai
FRAMEWORK_dspy := dspy openinference-instrumentation-dspy
FRAMEWORK_haystack := haystack-ai openinference-instrumentation-haystack
FRAMEWORK_instructor := instructor
FRAMEWORK_claude-agent := claude-agent-sdk
FRAMEWORK_mcp := mcp openinference-instrumentation-mcp

$(addprefix test-frameworks-,$(FRAMEWORKS)): test-frameworks-%: $(FRAMEWORK_ENVS)/%/.done
	@$(FRAMEWORK_ENVS)/$*/bin/python tests/frameworks/run.py $*

test-frameworks-node: .venv/.dev  ## Run Vercel's AI SDK in Node the same way
	@cd tests/frameworks/node && npm install --no-audit --no-fund --silent
	@$(BIN)/python tests/frameworks/run_node.py

$(FRAMEWORK_ENVS)/%/.done:
	@echo "Creating $(@D) …"
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check install --quiet --editable . httpx $(FRAMEWORK_$*)
	@touch $@
