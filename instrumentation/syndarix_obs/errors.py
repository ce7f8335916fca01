"""The few errors a caller can act on.

    SyndarixObsError
    ├── SettingsError      a setting is unknown or its value is not allowed
    ├── MetricError        a metric of the caller's breaks a rule of naming
    └── StoreError         the embedded store cannot be used
        ├── StoreCorrupt   the file is damaged or not ours; it is left untouched
        └── StoreTooNew    a newer version of this package wrote the file; it is left untouched

They are raised at construction and by readers only; nothing raises into a running agent.
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
