"""The stack's servers without Docker, from the very files that Docker uses, and the checks of both starts.

`python -m syndarix_obs_stack init|check|up|status|down|render`, run from the repository's root.
"""
