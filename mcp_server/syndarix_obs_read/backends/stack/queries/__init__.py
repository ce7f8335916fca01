"""Pure builders of PromQL, LogQL and TraceQL: names come from the vocabulary, values are always quoted data."""
