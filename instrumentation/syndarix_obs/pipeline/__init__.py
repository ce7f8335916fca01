"""Steps from a finished span to records; `runtime.py` shows their order."""
