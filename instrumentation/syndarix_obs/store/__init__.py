"""The embedded store: one SQLite file that many agent processes write while others read."""
