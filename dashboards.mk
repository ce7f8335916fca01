# The boards. Included by the Makefile.

.PHONY: dashboards dashboards-check bench-dashboards

dashboards: .venv/.dev  ## Write grafana/dashboards anew from grafana/boards
	$(BIN)/python grafana/build.py

dashboards-check: .venv/.dev  ## Say which boards are stale
	$(BIN)/python grafana/build.py --check

bench-dashboards: .venv/.dev  ## 30 days of 50 agents × 10 models in a real Prometheus: seconds per board
	$(BIN)/python benchmarks/dashboards.py
