"""Everything that can go wrong when somebody asks, and what to do next.

ReadError                   root; the message is for people and says what to do next
├── UsageError              the question cannot be understood
│   ├── SettingsError       a setting is unknown or its value is not allowed
│   ├── TimeRangeError      a time or range cannot be read
│   ├── FilterError         a filter, order or grouping does not exist or cannot be combined
│   ├── QueryError          a raw query that the server cannot read, or beyond the limits for such queries
│   ├── Forbidden           the role of the token that came with it may not do that
│   └── NeedsStack          only the servers of the stack can answer it, and the backend is another
├── NotFound                what was asked for by id does not exist; carries the nearest ids
├── Ambiguous               the beginning of an id fits several; carries them
└── BackendError            the question is fine, the answer cannot be had
    ├── BackendUnavailable  there is no store yet, or the server cannot be reached
    ├── BackendTimeout      it took too long
    └── BackendAnswer       the server answered something that makes no sense
        ├── Refused         it refused the question; carries its status and words
        └── TooLarge        the answer is larger than allowed
"""

from __future__ import annotations

from syndarix_obs_read.catalogue import Face
from syndarix_obs_read.next_steps import Steps, worded


class ReadError(Exception):
    """Root of the read side's errors.

    Args:
        message: what happened.
        next: what to do about it, where that differs from face to face; `for_face` words it.
    """

    def __init__(self, message: str, *, next: Steps = ()) -> None:
        super().__init__(message)
        self.message = message
        self.next = tuple(next)

    def for_face(self, face: Face) -> str:
        """The message with the next step, as one face says it."""
        return f"{self.message}: {worded(self.next, face)}" if self.next else self.message

    def __str__(self) -> str:
        return self.for_face("cli")


class UsageError(ReadError):
    """The question cannot be understood; asking differently helps."""


class SettingsError(UsageError):
    """A setting is unknown or its value is not allowed; the message names variable, value, choices, an example."""


class TimeRangeError(UsageError):
    """A time or range cannot be read; the message shows what can."""


class FilterError(UsageError):
    """A filter, order or grouping does not exist or cannot be combined with another."""


class QueryError(UsageError):
    """A raw query that the server cannot read, or beyond the limits for such queries."""


class Forbidden(UsageError):
    """The role of the token that came with the question may not do that; the message says which role may."""


class NeedsStack(UsageError):
    """Only the servers of the stack can answer it, and the backend is another."""


class NotFound(ReadError):
    """Nothing has this id. `nearest` are ids that look like it, best first."""

    def __init__(self, message: str, nearest: tuple[str, ...] = (), *, next: Steps = ()) -> None:
        super().__init__(message, next=next)
        self.nearest = nearest


class Ambiguous(ReadError):
    """Several ids begin like this. `candidates` are some of them."""

    def __init__(self, message: str, candidates: tuple[str, ...]) -> None:
        super().__init__(message)
        self.candidates = candidates


class BackendError(ReadError):
    """The question is fine, but the answer cannot be had; the message names the backend and the cause."""


class BackendUnavailable(BackendError):
    """There is no store yet, or the server cannot be reached."""


class BackendTimeout(BackendError):
    """The answer took too long; a narrower question helps."""


class BackendAnswer(BackendError):
    """The server answered something that makes no sense to us."""


class Refused(BackendAnswer):
    """The server refused the question. `status` is the HTTP status, `said` the beginning of its answer."""

    def __init__(self, message: str, status: int, said: str) -> None:
        super().__init__(message)
        self.status = status
        self.said = said


class TooLarge(BackendAnswer):
    """The answer is larger than allowed; asking for less at once helps."""
