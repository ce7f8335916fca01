"""The Grafana boards as code: `grafana/build.py` writes them to `grafana/dashboards/`."""
