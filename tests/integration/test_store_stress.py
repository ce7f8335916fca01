"""Several processes with several platforms each, forks, kills and every reader on one file: nothing is lost or broken.

The long form is `python benchmarks/store_stress.py`; SYNDARIX_STRESS_SECONDS makes this one as long.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from store_stress import Figures, Plan, stress

SECONDS = float(os.environ.get("SYNDARIX_STRESS_SECONDS", "2"))
"""Read at import: the fixtures take such names out of the environment."""


def done(figures: Figures) -> tuple[list[str], str]:
    return figures.wrong, figures.integrity


def test_agents_that_come_go_fork_and_are_killed_lose_nothing_while_others_read(tmp_path: Path) -> None:
    figures = stress(tmp_path, Plan(seconds=SECONDS, processes=2, platforms=2, readers=("web", "follow")))
    assert ([], "ok") == done(figures)
    assert figures.recorded <= figures.stored
    assert min(figures.killed, figures.forked, figures.pages, figures.lines_followed) > 0


@pytest.mark.slow
def test_the_same_with_an_mcp_server_and_commands_for_longer(tmp_path: Path) -> None:
    figures = stress(tmp_path, Plan(seconds=max(SECONDS, 10.0), seed=2))
    assert ([], "ok") == done(figures)
    assert figures.recorded <= figures.stored
    assert min(figures.killed, figures.forked, figures.mcp_calls, figures.commands) > 0
