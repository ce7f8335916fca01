"""The few errors a caller can act on.

    SyndarixObsError
    ├── SettingsError      a setting is unknown or its value is not allowed
    ├── CallRefused        a model or tool was not called
    │   ├── BudgetExceeded     the call would have gone over a budget
    │   └── GuardUnavailable   nobody could tell, and the setting is to refuse then
    ├── MetricError        a metric of the caller's breaks a rule of naming
    ├── ReplayError        a recorded session cannot be played again, or did not go as recorded
    │   ├── Divergence     the first step that was not as recorded, with the place of the difference
    │   ├── NotReplayable  a step cannot be given again; the message says which and why
    │   └── LiveForbidden  something would have left the process that nobody allowed
    └── StoreError         the embedded store cannot be used
        ├── StoreCorrupt   the file is damaged or not ours; it is left untouched
        └── StoreTooNew    a newer version of this package wrote the file; it is left untouched

They are raised at construction, by readers and in replays; nothing raises into an agent that works, but the budgets
that it was given.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal


class SyndarixObsError(Exception):
    """Root of the package's errors."""


class SettingsError(SyndarixObsError):
    """A setting is unknown or its value is not allowed; the message names variable, value, choices and an example."""


class MetricError(SyndarixObsError):
    """A metric that the caller declares breaks a rule; the message says which, and what would be right."""


class CallRefused(SyndarixObsError):
    """A model or tool was not called; nothing was spent."""


class GuardUnavailable(CallRefused):
    """What is left of a budget could not be told, and SYNDARIX_OBS_GUARD_ON_FAILURE is `refuse`."""


class BudgetExceeded(CallRefused):
    """A call would have gone over a budget.

    Attributes:
        budget: name of the budget.
        unit: which of its limits: `usd`, `tokens`, `calls` or `repeats`.
        key: whose limit it is, where the budget is split (`by`): the project, user, …; empty otherwise.
        limit, spent, reserved, needed: amounts in the unit; dollars as decimals. `reserved` is held for calls that are
            under way, `needed` is the most that this one could have taken.
        frees_at: when there is room again (UTC): the end of the period, or, if reservations are in the way, when the
            first of them runs out at the latest; None for a run.
        by_reservation: True when the call fits as soon as calls that are under way turn out cheaper.
    """

    def __init__(
        self,
        *,
        budget: str,
        unit: str,
        key: str,
        limit: Decimal | int,
        spent: Decimal | int,
        reserved: Decimal | int,
        needed: Decimal | int,
        frees_at: datetime | None,
        by_reservation: bool = False,
    ) -> None:
        self.budget, self.unit, self.key = budget, unit, key
        self.limit, self.spent, self.reserved, self.needed = limit, spent, reserved, needed
        self.frees_at, self.by_reservation = frees_at, by_reservation
        super().__init__(self._sentence())

    def __reduce__(self) -> tuple[object, ...]:
        """It has named arguments only, and may cross a process pool."""
        return _exceeded_from, (dict(vars(self)),)

    def _sentence(self) -> str:
        whose = f" of {self.key}" if self.key else ""
        if self.unit == "repeats":
            return (
                f"the budget {self.budget!r}{whose} allows {self.limit} equal calls of a tool in a session, and this "
                "is one more: the agent is going round in a loop"
            )
        until = ""
        if self.frees_at is not None:
            when = f"{self.frees_at:%Y-%m-%d %H:%M} UTC"
            until = f"; until {when}"
            if self.by_reservation:
                until = f"; calls under way are in the way, until {when} at most"
        amounts = [self._amount(each) for each in (self.needed, self.limit, self.spent, self.reserved)]
        return (
            f"the budget {self.budget!r}{whose} has no room for a call of up to {amounts[0]}: of {amounts[1]} there "
            f"are {amounts[2]} spent and {amounts[3]} reserved{until}"
        )

    def _amount(self, amount: Decimal | int) -> str:
        if self.unit == "usd":
            return f"${amount:,.4f}".rstrip("0").rstrip(".")
        return f"{amount:,} {self.unit}"


def _exceeded_from(fields: dict[str, object]) -> BudgetExceeded:
    return BudgetExceeded(**fields)  # type: ignore[arg-type]  # what the same class had


class StoreError(SyndarixObsError):
    """The embedded store cannot be used; the message says what to do next."""


class StoreCorrupt(StoreError):
    """The file is damaged or is not a store of ours; it is left untouched."""


class StoreTooNew(StoreError):
    """The file was written by a newer version of this package; it is left untouched."""


class ReplayError(SyndarixObsError):
    """A recorded session cannot be played again, or did not go as it was recorded."""


class NotReplayable(ReplayError):
    """A step cannot be given again; the message says which and why."""


class LiveForbidden(ReplayError):
    """A tool or a connection that nobody allowed; it was not called."""


class Divergence(ReplayError):
    """The first step that was not as it was recorded.

    Attributes:
        step: number of the step in the session, from 1.
        path: place of the first difference in it, as a JSON path such as `$.input[3].content`.
        recorded: what the recording has there, None where it has nothing.
        live: what came instead.
        cause: what it probably is: `clock`, `random id`, `environment`, `order`, `concurrency`, `masked`, `truncated`,
            `missing call`, `extra call` or `content`.
    """

    def __init__(self, message: str, *, step: int, path: str, recorded: object, live: object, cause: str) -> None:
        super().__init__(message)
        self.step = step
        self.path = path
        self.recorded = recorded
        self.live = live
        self.cause = cause
