"""What a budget says, and the YAML file of budgets.

    timezone: Europe/Berlin        # where days, weeks and months begin; UTC by default
    budgets:
      - name: acme in a month
        project: acme              # whose work counts; any of project, agent, user, task_type, model
        per: month                 # day, week, month, or run (one session)
        usd: 500
        on_exceed: warn            # refuse (default) or warn
      - name: each user in a day
        by: [user]                 # each value has the limit for itself
        per: day
        usd: 2
        tokens: 2000000
      - name: loops
        per: run
        calls: 200
        repeats: 5                 # the same tool with the same arguments

A value may end in a star: `model: gpt-4o*`. One budget may have several limits; the first that is reached holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from syndarix_obs.errors import SettingsError

DIMENSIONS: Final = ("project", "agent", "user", "task_type", "model")
"""What a budget may be about."""
PERIODS: Final = ("day", "week", "month", "run")
"""What a limit may be for; `run` is one session, or one trace outside of sessions."""
LIMITS: Final = ("usd", "tokens", "calls", "repeats")
"""What may be limited: dollars, tokens (input and output), model calls, equal calls of one tool in a session."""
ON_EXCEED: Final = ("refuse", "warn")
NANO: Final = 10**9
"""Amounts of money are kept as whole billionths of a dollar."""
_EXAMPLE: Final = "{name: acme in a month, project: acme, per: month, usd: 500}"


class Who(NamedTuple):
    """Whom a call is for; `run` is its session or trace. None where nothing is known."""

    project: str | None = None
    agent: str | None = None
    user: str | None = None
    task_type: str | None = None
    model: str | None = None
    run: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """One budget. `usd` is in billionths of a dollar; a limit that is not set is None."""

    name: str
    per: str = "month"
    usd: int | None = None
    tokens: int | None = None
    calls: int | None = None
    repeats: int | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    on_exceed: str = "refuse"
    timezone: str = "UTC"

    @property
    def limits_calls(self) -> bool:
        """Whether model calls are limited, not only repeats of tools."""
        return self.usd is not None or self.tokens is not None or self.calls is not None

    def key(self, who: Who) -> str | None:
        """Values of the dimensions it is split by, None for work that it is not about."""
        for name, wanted in self.where.items():
            value = getattr(who, name)
            if value is None or not _matches(name, wanted, value):
                return None
        return "\x1f".join(getattr(who, name) or "" for name in self.by)


def _matches(name: str, wanted: str, value: str) -> bool:
    if wanted == value or (wanted.endswith("*") and fnmatchcase(value, wanted)):
        return True
    # A model answers under a dated name: gpt-4o-mini, gpt-4o-mini-2024-07-18.
    return name == "model" and value.startswith(wanted + "-") and value[len(wanted) + 1 :].replace("-", "").isdigit()


@dataclass(frozen=True, slots=True)
class BudgetFile:
    """The checked budgets of a file."""

    budgets: tuple[Budget, ...]
    timezone: str = "UTC"


def load(path: Path) -> BudgetFile:
    """Read and check a file of budgets.

    Raises:
        SettingsError: the file is missing or an entry is wrong; names file, entry, field, what is allowed.
    """
    import yaml

    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the budgets file {path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"the budgets file {path} is no YAML: {error}") from None
    if not isinstance(document, Mapping) or not isinstance(document.get("budgets"), list):
        raise SettingsError(f"{path} must have a list `budgets:`, each entry like {_EXAMPLE}")
    zone = document.get("timezone", "UTC")
    unknown = sorted(set(document) - {"timezone", "budgets"})
    if unknown:
        raise SettingsError(f"{path}: unknown field {unknown[0]!r}; there are `timezone` and `budgets`")
    budgets = [_entry(path, number, entry, zone) for number, entry in enumerate(document["budgets"], start=1)]
    _refuse_doubles(path, budgets)
    return BudgetFile(tuple(budgets), str(zone))


def _entry(path: Path, number: int, entry: Any, zone: Any) -> Budget:
    try:
        if not isinstance(entry, Mapping):
            raise ValueError(f"it must be a mapping like {_EXAMPLE}")
        return checked({"timezone": zone, **entry})
    except ValueError as error:
        raise SettingsError(f"{path}, budget {number}: {error}") from None


def _refuse_doubles(path: Path, budgets: Iterable[Budget]) -> None:
    seen: set[str] = set()
    for each in budgets:
        if each.name in seen:
            raise SettingsError(f"{path}: two budgets are named {each.name!r}; a name says which account counts")
        seen.add(each.name)


def checked(entry: Mapping[str, Any]) -> Budget:
    """A budget from plain values.

    Raises:
        ValueError: a field is unknown or its value is not allowed; says which and what would be.
    """
    fields = {name: value for name, value in entry.items() if value is not None}
    known = ("name", "per", "by", "on_exceed", "timezone", *DIMENSIONS, *LIMITS)
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r}; there are {', '.join(known)}")
    name = fields.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"`name` must be a text, for example {_EXAMPLE}")
    if not set(LIMITS) & set(fields):
        raise ValueError(f"{name!r} limits nothing; set at least one of {', '.join(LIMITS)}")
    return Budget(
        name=name.strip(),
        per=_one_of(fields, "per", PERIODS, "month"),
        usd=_dollars(fields.get("usd")),
        tokens=_whole(fields, "tokens"),
        calls=_whole(fields, "calls"),
        repeats=_whole(fields, "repeats"),
        where={each: _text(fields, each) for each in DIMENSIONS if each in fields},
        by=_by(fields.get("by", ())),
        on_exceed=_one_of(fields, "on_exceed", ON_EXCEED, "refuse"),
        timezone=_zone(fields.get("timezone", "UTC")),
    )


def _one_of(fields: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str) -> str:
    value = fields.get(name, default)
    if value not in allowed:
        raise ValueError(f"{name}: {value!r} is not allowed; one of {', '.join(allowed)}")
    return str(value)


def _dollars(value: Any) -> int | None:
    if value is None:
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal(-1)
    if isinstance(value, bool) or not amount.is_finite() or not 0 < amount < 10**9:
        raise ValueError(f"usd: {value!r} is not allowed; dollars above 0, for example 500")
    return math.ceil(amount * NANO)


def _whole(fields: Mapping[str, Any], name: str) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**62:
        raise ValueError(f"{name}: {value!r} is not allowed; a whole number above 0, for example 100")
    return value


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name}: {value!r} is not allowed; a text, for example {name}: acme")
    return value


def _by(value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else (None,)
    wrong = [name for name in names if name not in DIMENSIONS]
    if wrong:
        raise ValueError(f"by: {value!r} is not allowed; a list of {', '.join(DIMENSIONS)}")
    return tuple(dict.fromkeys(names))


def _zone(value: Any) -> str:
    try:
        if value != "UTC":
            ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ValueError(f"timezone: {value!r} is no zone of this machine, for example Europe/Berlin") from None
    return str(value)
