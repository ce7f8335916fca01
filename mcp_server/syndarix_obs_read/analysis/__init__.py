"""Methods over plain values: forecasts, detectors, what changed, who broke it. Pure: no store, no query, no clock."""
