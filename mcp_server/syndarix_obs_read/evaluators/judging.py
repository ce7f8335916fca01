"""Runs a judge: first over its control set, whose agreement is kept as a score, then over a sample of sessions."""

from __future__ import annotations

from pathlib import Path

import httpx

from syndarix_obs_read.answers.quality import KAPPA
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.protocols import Backend
from syndarix_obs_read.evaluators.judge import Judge, read_setup
from syndarix_obs_read.evaluators.run import Evaluated, evaluate
from syndarix_obs_read.scoring import writer
from syndarix_obs_read.settings import ReadSettings
from syndarix_obs_read.timerange import TimeRange


async def run_judge(
    settings: ReadSettings,
    backend: Backend,
    where: Filter,
    period: TimeRange,
    path: Path,
    transport: httpx.BaseTransport | None = None,
) -> Evaluated:
    """Judge a sample of the sessions of a period.

    Raises:
        FilterError: the file or its control set cannot be read.
        BackendError: the judge's server does not answer.
    """
    setup = read_setup(path)
    with writer(settings) as obs:
        judge = Judge(setup, obs, transport)
        try:
            agreed, controls = judge.agreement()
            if agreed is not None:
                obs.score(
                    setup.name + KAPPA, agreed, source="judge", judge_version=f"{setup.name}/{setup.version}",
                    explanation=f"on {controls} labelled answers",
                )  # fmt: skip
            return await evaluate(
                settings, backend, where, period, {setup.name: judge}, sample=setup.sample, version=setup.version,
                source="judge",
            )  # fmt: skip
        finally:
            judge.close()
