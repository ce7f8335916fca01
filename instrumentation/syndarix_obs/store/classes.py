"""How long what is kept, by class and by project: content may go after a week while the books stay for a year.

Classes: `payloads` (texts of any record; the record stays), `decisions`, `logs`, `ledger`, and `records`, which is
everything else and the sessions. A name `PROJECT.CLASS` sets the days of one project. The strictest class goes first.
"""

from __future__ import annotations

import json
import math
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from syndarix_obs import vocabulary as v
from syndarix_obs.errors import SettingsError
from syndarix_obs.store import hours
from syndarix_obs.store.contents import delete_payloads
from syndarix_obs.store.database import transaction
from syndarix_obs.store.retention import delete_records, delete_sessions
from syndarix_obs.store.schema import SEARCH_TEXT
from syndarix_obs.store.search import indexed_to

Class = Literal["payloads", "decisions", "logs", "records", "ledger"]
CLASSES: Final[tuple[Class, ...]] = get_args(Class)
_STEP: Final = 200
_NOTED: Final = "retention"
_DAY_NS: Final = 86_400 * 10**9
_OTHERS: Final = tuple(kind for kind in v.KINDS if kind not in (v.KIND_DECISION, v.KIND_APP, v.KIND_COST))
_KINDS: Final[Mapping[Class, tuple[str, ...]]] = {
    "decisions": (v.KIND_DECISION,), "logs": (v.KIND_APP,), "records": _OTHERS, "payloads": v.KINDS, "ledger": (),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of a class that are older than some days; of one project, or of all without a rule of their own."""

    name: Class
    days: int
    project: str | None
    but: tuple[str, ...] = ()

    def where(self, now_ns: int) -> tuple[str, list[Any]]:
        """SQL of the condition over `r`, and its parameters."""
        before = now_ns - self.days * _DAY_NS
        if self.project is not None:
            return "r.ts_ns < ? AND r.project = ?", [before, self.project]
        marks = ", ".join("?" * len(self.but))
        others = f" AND (r.project IS NULL OR r.project NOT IN ({marks}))" if self.but else ""
        return f"r.ts_ns < ?{others}", [before, *self.but]


def rules(days: Mapping[str, int], default_days: int | None = None) -> list[Rule]:
    """The rules of a setting such as `{"payloads": 7, "ledger": 400, "acme.payloads": 3}`, strictest first.

    Args:
        days: by class, or by project and class.
        default_days: of records, decisions and logs that are not named; None keeps them.

    Raises:
        SettingsError: a class does not exist, or a number is none of days.
    """
    found: list[Rule] = []
    for name in CLASSES:
        own = {key.rpartition(".")[0]: value for key, value in days.items() if key.rpartition(".")[2] == name}
        general = own.pop("", None if name in ("payloads", "ledger") else default_days)
        found += [Rule(name, value, project) for project, value in own.items()]
        if general is not None:
            found.append(Rule(name, general, None, tuple(own)))
    known = sum(key.rpartition(".")[2] in CLASSES for key in days)
    if known != len(days) or any(rule.days < 1 for rule in found):
        raise SettingsError(
            f"cannot read the retention {json.dumps(dict(days))}: names are {', '.join(CLASSES)}, or PROJECT. before "
            'one of them, values are days from 1 on. Example: {"payloads": 7, "ledger": 400, "acme.payloads": 3}'
        )
    return sorted(found, key=lambda rule: rule.days)


def preview(connection: sqlite3.Connection, found: list[Rule], now_ns: int) -> Iterator[tuple[Rule, int]]:
    """What `apply` would remove, rule by rule; changes nothing."""
    for rule in found:
        where, values = rule.where(now_ns)
        source = _source(rule)
        yield rule, int(connection.execute(f"SELECT count(*) FROM {source} AND {where}", values).fetchone()[0])


def apply(
    connection: sqlite3.Connection, found: list[Rule], now_ns: int, *, seconds: float | None = None
) -> dict[Class, int]:
    """Remove what is too old, in small transactions; returns how many rows of each class went.

    Args:
        connection: from `database.open_for_write`.
        found: from `rules`.
        now_ns: the present, nanoseconds since the epoch.
        seconds: stop about then, with a part of it done; None does all of it.

    Raises:
        sqlite3.OperationalError: other writers kept the store locked (`database.is_busy`); call again.
    """
    until = math.inf if seconds is None else time.monotonic() + seconds
    removed: dict[Class, int] = dict.fromkeys(CLASSES, 0)
    for rule in found:
        while step := _remove(connection, rule, now_ns, 30.0 if seconds is None else 0.0):
            removed[rule.name] += step
            if time.monotonic() >= until:
                return removed
        if rule.name == "records":
            where, values = rule.where(now_ns)
            delete_sessions(connection, where.replace("r.ts_ns", "started_ns").replace("r.", ""), values)
    return removed


def note(connection: sqlite3.Connection, found: list[Rule], now_ns: int) -> None:
    """Note in the store which rules it was last kept to, and when: readers have not the agent's settings."""
    days = {f"{rule.project}.{rule.name}" if rule.project else rule.name: rule.days for rule in found}
    value = json.dumps({"days": days, "at_ns": now_ns})
    connection.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (_NOTED, value)
    )


def noted(connection: sqlite3.Connection) -> tuple[list[Rule], int] | None:
    """The rules that the store was last kept to, and when, nanoseconds since the epoch; None if never."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (_NOTED,)).fetchone()
    if row is None:
        return None
    found = json.loads(row[0])
    return rules(found["days"]), int(found["at_ns"])


def too_old(connection: sqlite3.Connection, rule: Rule, now_ns: int) -> bool:
    """Whether something is there that the rule should have removed."""
    where, values = rule.where(now_ns)
    return connection.execute(f"SELECT 1 FROM {_source(rule)} AND {where} LIMIT 1", values).fetchone() is not None


def _source(rule: Rule) -> str:
    if rule.name == "ledger":
        return "ledger r WHERE 1"
    if rule.name == "payloads":
        return "payloads p JOIN records r ON r.id = p.id WHERE 1"
    kinds = ", ".join(f"'{kind}'" for kind in _KINDS[rule.name])
    return f"records r WHERE r.kind IN ({kinds})"


def _remove(connection: sqlite3.Connection, rule: Rule, now_ns: int, wait_s: float) -> int:
    where, values = rule.where(now_ns)
    chosen = f"SELECT r.id FROM {_source(rule)} AND {where} LIMIT {_STEP}"
    with transaction(connection, wait_s):
        ids = [int(row[0]) for row in connection.execute(chosen, values)]
        if not ids:
            return 0
        if rule.name == "ledger":
            hours.delete_rows(connection, ids)
        elif rule.name == "payloads":
            _drop_payloads(connection, ids)
        else:
            delete_records(connection, ids)
    return len(ids)


def _drop_payloads(connection: sqlite3.Connection, ids: list[int]) -> None:
    """The texts go, also from the index and the previews; the records stay."""
    marks, mark = json.dumps(ids), indexed_to(connection)
    some = "id IN (SELECT value FROM json_each(?))"
    rows = f"r.id, {SEARCH_TEXT} FROM records r LEFT JOIN payloads p ON p.id = r.id WHERE r.id <= ? AND r.{some}"
    connection.execute(f"INSERT INTO search (search, rowid, text) SELECT 'delete', {rows}", (mark, marks))
    delete_payloads(connection, ids)
    previews = ", ".join(f"'$.attributes.\"{name}\"'" for name in (v.PREVIEW_INPUT, v.PREVIEW_OUTPUT))
    connection.execute(
        f"UPDATE records SET extra = json_remove(extra, {previews}) WHERE extra IS NOT NULL AND {some}", (marks,)
    )
    connection.execute(f"INSERT INTO search (rowid, text) SELECT {rows}", (mark, marks))


def loki_streams(found: list[Rule]) -> list[dict[str, Any]]:
    """The same as `limits_config.retention_stream` of Loki: selector, priority, period.

    A line in Loki holds record and payload, so it goes with the stricter of the two. Projects are no labels: their own
    rules hold in SQLite only.
    """
    days = {rule.name: rule.days for rule in found if rule.project is None}
    texts = min(days.get("payloads", 10**6), days.get("records", 10**6))
    groups = {
        f"{v.KIND_DECISION}": min(days.get("decisions", 10**6), days.get("payloads", 10**6)),
        f"{v.KIND_APP}": min(days.get("logs", 10**6), days.get("payloads", 10**6)),
        f"{v.KIND_COST}": days.get("ledger", 10**6),
        "|".join(kind for kind in _OTHERS if kind in v.LOG_KINDS): texts,
    }
    return [
        {"selector": f'{{kind=~"{kinds}"}}', "priority": place, "period": f"{count * 24}h"}
        for place, (kinds, count) in enumerate(groups.items(), 1)
        if count < 10**6
    ]
