"""The agents of the support desk: triage takes every contact, support settles it, refunds pays money back."""
