"""Prometheus metrics: declaration, the step that moves them, and the two ways out (scrape and push)."""
