"""Finished days as Parquet files in a folder or in object storage: smaller, sealed, still answerable, still erasable.

`place` is where the files lie, `tables` what they hold, `parts` writes and reads one, `seals` says what is valid and
proves it, `move` takes days out of the store, `restore` puts them into an SQLite file again for questions and erasures.
"""
