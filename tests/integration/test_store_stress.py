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

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("SYNDARIX_STRESS_SECONDS", "1"))
"""Read at import: the fixtures take such names out of the environment."""


def done(figures: Figures) -> tuple[list[str], str]:
    return figures.wrong, figures.integrity


def test_agents_that_come_go_fork_and_are_killed_lose_nothing(tmp_path: Path) -> None:
    figures = stress(tmp_path, Plan(seconds=SECONDS, processes=2, platforms=2, readers=()))
    assert ([], "ok") == done(figures)
    assert figures.recorded <= figures.stored
    assert min(figures.killed, figures.forked) > 0


@pytest.mark.slow
@pytest.mark.parametrize("readers", [("web",), Plan.readers])
def test_they_lose_nothing_while_others_read_and_readers_see_the_newest(
    tmp_path: Path, readers: tuple[str, ...]
) -> None:
    figures = stress(tmp_path, Plan(seconds=max(SECONDS, 5.0), seed=2, readers=readers))
    assert ([], "ok") == done(figures)
    assert figures.recorded <= figures.stored
    assert min(figures.killed, figures.forked, figures.pages) > 0
    assert ("mcp" in readers) == (min(figures.mcp_calls, figures.commands, figures.lines_followed) > 0)
