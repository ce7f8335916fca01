"""Days by class and project in Loki, to the line: what is too old is deleted by the delete API.

Loki's own retention (`retention_stream`) knows labels and chunks only: not projects, and a chunk stays until its newest
line is too old. A delete request is exact to the line and the second, and rewrites chunks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from syndarix_obs import vocabulary as v
from syndarix_obs.store.classes import Class, Rule
from syndarix_obs_read.backends.stack.queries.quoting import quoted
from syndarix_obs_read.privacy.http import ask
from syndarix_obs_read.settings import ReadSettings

_DAY_S: Final = 86_400
_OWN: Final[dict[str, Class]] = {v.KIND_DECISION: "decisions", v.KIND_APP: "logs", v.KIND_COST: "ledger"}
_GROUPS: Final[dict[str, Class]] = {**_OWN, "|".join(kind for kind in v.LOG_KINDS if kind not in _OWN): "records"}
"""Kinds of lines, as a regular expression, and their class. A line holds record and payload: the stricter counts."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """Lines that are too old.

    Args:
        name: of the class.
        project: whose lines; None for those of all without days of their own.
        days: that they are kept.
        query: finds them, whenever they are from.
        before_s: seconds since the epoch before which they are too old.
    """

    name: Class
    project: str | None
    days: int
    query: str
    before_s: int


def deletions(found: Sequence[Rule], now_s: int) -> Iterator[Deletion]:
    """What the rules mean for Loki, lines of one project after those of all."""
    days = {(rule.name, rule.project): rule.days for rule in found}
    for kinds, name in _GROUPS.items():
        classes: tuple[Class, ...] = (name,) if name == "ledger" else (name, "payloads")
        own = sorted({rule.project for rule in found if rule.project is not None and rule.name in classes})
        for project in (None, *own):
            limits = [days.get((each, project), days.get((each, None))) for each in classes]
            kept = min((each for each in limits if each is not None), default=None)
            if kept is not None:
                query = f"{{kind=~{quoted(kinds)}}}" + _of(project, own)
                yield Deletion(name, project, kept, query, now_s - kept * _DAY_S)


def count(settings: ReadSettings, each: Deletion) -> int:
    """How many lines a deletion is about. Raises BackendUnavailable, Refused."""
    url = f"{settings.loki_url.rstrip('/')}/loki/api/v1/query"
    reach = max(1, each.before_s - _first(settings))
    params = {"query": f"sum(count_over_time({each.query} [{reach}s]))", "time": str(each.before_s)}
    result = ask(settings, "GET", url, params=params).json()["data"]["result"]
    return int(result[0]["value"][1]) if result else 0


def delete(settings: ReadSettings, each: Deletion) -> None:
    """Ask Loki to delete the lines. Raises BackendUnavailable, Refused."""
    url = f"{settings.loki_url.rstrip('/')}/loki/api/v1/delete"
    params = {"query": each.query, "start": str(_first(settings)), "end": str(each.before_s)}
    ask(settings, "POST", url, params=params)


def flush(settings: ReadSettings) -> None:
    """Have Loki write what it holds in memory, which a deletion would miss. Raises BackendUnavailable, Refused."""
    ask(settings, "POST", f"{settings.loki_url.rstrip('/')}/flush")


def _first(settings: ReadSettings) -> int:
    return int(time.time()) - settings.retention_days * _DAY_S


def _of(project: str | None, own: Sequence[str]) -> str:
    if project is not None:
        return f" | project={quoted(project)}"
    return "".join(f" | project!={quoted(each)}" for each in own)
