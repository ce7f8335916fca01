"""Records that others made: OTLP over HTTP from any program, events of coding agents. All go through the pipeline."""
