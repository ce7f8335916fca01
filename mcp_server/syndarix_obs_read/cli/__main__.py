"""`python -m syndarix_obs_read.cli` is `syndarix-obs`."""

from __future__ import annotations

from syndarix_obs_read.cli import main

main()
