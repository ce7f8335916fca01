"""Methods over series of numbers: forecasts, detectors, episodes. Pure: no store, no query, no clock."""
