"""The few errors a caller can act on.

    SyndarixObsError
    ├── SettingsError      a setting is unknown or its value is not allowed
    ├── MetricError        a metric of the caller's breaks a rule of naming
    ├── ReplayError        a recorded session cannot be played again, or did not go as recorded
    │   ├── Divergence     the first step that was not as recorded, with the place of the difference
    │   ├── NotReplayable  a step cannot be given again; the message says which and why
    │   └── LiveForbidden  something would have left the process that nobody allowed
    └── StoreError         the embedded store cannot be used
        ├── StoreCorrupt   the file is damaged or not ours; it is left untouched
        └── StoreTooNew    a newer version of this package wrote the file; it is left untouched

They are raised at construction, by readers and in replays only; nothing raises into an agent that works.
"""

from __future__ import annotations


class SyndarixObsError(Exception):
    """Root of the package's errors."""


class SettingsError(SyndarixObsError):
    """A setting is unknown or its value is not allowed; the message names variable, value, choices and an example."""


class MetricError(SyndarixObsError):
    """A metric that the caller declares breaks a rule; the message says which, and what would be right."""


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
