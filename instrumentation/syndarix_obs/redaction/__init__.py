"""Masking of secrets and personal data: patterns, the cheap gate before them, and the engine that applies them."""
