"""Transcripts that coding agents keep on disk, read as sessions with model calls, tools and refusals.

`claude.py`, `codex.py` and `gemini.py` each know one form, and turn rows into items (`items.py`). `reading.py` reads
files from where it stopped; `memory.py` knows what was taken before; `importer.py` puts all of it together.
"""
