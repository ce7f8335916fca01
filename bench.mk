# Benchmarks: environments of the libraries that are compared, all figures, and the short form for CI. Included by the Makefile.

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
