"""Looks at every part of the chain, from the machine to the last trace, and says how to mend what is broken.

Each part is looked at on its own: one that fails is a finding and never keeps the others from being looked at.
"""
