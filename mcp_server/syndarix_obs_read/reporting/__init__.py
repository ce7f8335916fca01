"""Reports: what is said in one, and how it is written as HTML, Markdown or PDF.

`answers/report.py` gathers the parts; the writers here know nothing of backends.
"""
