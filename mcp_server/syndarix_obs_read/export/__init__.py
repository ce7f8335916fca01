"""Getting what was recorded out: a person's data, the books for auditors, a set to share.

`rows` reads the store page by page, `privacy` says what may leave, `formats` writes parts, `run` puts them together: it
can be killed and run again, and leaves a manifest with the hash of every file.
"""
