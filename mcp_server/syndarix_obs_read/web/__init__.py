"""The local web explorer: every answer as a page, rendered on the server from typed functions.

Whatever was recorded came out of models, tools and users, and is hostile until proven otherwise: text only becomes HTML
through `html.el`, which escapes it, and the policy of `headers.py` lets a page run and load nothing but our own files.
"""
