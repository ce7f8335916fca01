"""The stack backend's parts, one kind of question per file.

Loki holds every record but plain spans, Tempo holds every span, so most questions read lines and ask Tempo for what
has none. Lists and sums are not computed by the servers: the lines that can matter are fetched, put into a store in
memory (`sql/scratch.py`, decision 36) and asked with the very statements of the embedded backend. So both backends
count, match and add up alike, money stays exact, and a record that was delivered twice counts once.
"""
