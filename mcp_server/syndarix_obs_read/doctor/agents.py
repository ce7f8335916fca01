"""The scrape endpoint of the agent on this machine, and what it counts about its own failures."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from syndarix_obs import vocabulary as v
from syndarix_obs_read.backends.rows import Check
from syndarix_obs_read.settings import ReadSettings

_TIMEOUT_S: Final = 3.0
_HOST, _PORT = "SYNDARIX_OBS_METRICS_HOST", "SYNDARIX_OBS_METRICS_PORT"
_COUNTERS: Final = (
    (v.RECORDS_DROPPED, "records lost", "docs/runbook.md says for each reason which limit to raise"),
    (v.EXPORT_FAILURES, "exports", "the destination was down or refused; what waits in the spool is sent again"),
    (v.INTERNAL_ERRORS, "internal errors", "the agent's log names the cause once for each site; please report it"),
)


async def checks(settings: ReadSettings) -> list[Check]:
    """TimeBounds the scrape endpoint of an agent on this machine, and read its failure counters.

    It is where SYNDARIX_OBS_METRICS_PORT says, or with the stack the first default port that answers.
    """
    given = os.environ.get(_PORT, "")
    if given == "0" or (not given and settings.backend == "embedded"):
        return [Check(name="metrics", state="ok", finding=f"no scrape endpoint: {_PORT} is {given or 'not set'}")]
    host = os.environ.get(_HOST) or "127.0.0.1"
    host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared with
    ports = (given,) if given else tuple(map(str, v.SCRAPE_PORTS))
    first = await _checks_of(f"http://{host}:{ports[0]}/metrics")
    for port in ports[1:]:
        if len(first) > 1:
            break
        further = await _checks_of(f"http://{host}:{port}/metrics")
        first = further if len(further) > 1 else first
    return first


async def _checks_of(url: str) -> list[Check]:
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
            answer = await client.get(url)
        answer.raise_for_status()
        counts = _failures(answer.text)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return [
            Check(
                name="metrics", state="warning", finding=f"{url} does not answer: {error or type(error).__name__}",
                mend=f"start an agent with SYNDARIX_OBS_BACKEND=stack, or this {_PORT}; another process may hold it",
            )
        ]  # fmt: skip
    return [Check(name="metrics", state="ok", finding=f"{url} answers"), *_counted(counts)]


def _failures(text: str) -> dict[str, Counter[str]]:
    wanted = {spec.name: Counter[str]() for spec, _, _ in _COUNTERS}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in wanted and sample.value:
                wanted[sample.name][",".join(sample.labels.values())] += int(sample.value)
    return wanted


def _counted(counts: dict[str, Counter[str]]) -> Iterator[Check]:
    for spec, name, mend in _COUNTERS:
        found = counts[spec.name]
        named = ", ".join(f"{count:,} {label}" for label, count in found.most_common())
        yield Check(
            name=name, state="warning" if found else "ok",
            finding=f"since the agent's start: {named}" if found else "none since the agent's start",
            mend=mend if found else None,
        )  # fmt: skip
