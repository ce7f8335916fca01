"""Calls that the type check has to refuse. Never run: should one pass, `mypy` calls its `ignore` unused and fails."""

from __future__ import annotations

import syndarix_obs

syndarix_obs.llm(provder="openai", model="gpt-4o")  # type: ignore[call-arg]
syndarix_obs.decision("routing", options=["a"], slected="a")  # type: ignore[call-arg]
syndarix_obs.tool()  # type: ignore[call-arg]
