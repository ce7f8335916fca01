"""Looks at what agents do, every few minutes, and keeps episodes of what is unusual. Needs numpy."""
