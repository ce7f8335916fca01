"""Who asks over the network, and what they may: a role for each token.

`read-only`  numbers, names, structure, types of errors; no texts of messages, arguments, results and errors, and no
             search in them
`operator`   these texts, too; scores, silences, alerts by hand, sending telemetry
`privacy`    these texts, too; the page of erasures and of who read what
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from syndarix_obs_read.errors import Forbidden

Role = Literal["read-only", "operator", "privacy"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Reader:
    """The owner of a token.

    Args:
        name: as in audit records.
        role: what the token may.
    """

    name: str
    role: Role

    @property
    def may_read_payloads(self) -> bool:
        """Texts of messages, arguments and results."""
        return self.role != "read-only"

    @property
    def may_change(self) -> bool:
        """Scores, silences, alerts, telemetry."""
        return self.role == "operator"

    @property
    def may_see_audit(self) -> bool:
        """Erasures, and who read what."""
        return self.role == "privacy"


@dataclass(slots=True)
class Visit:
    """One request. `noted` says whether it stands in the audit trail already.

    Args:
        reader: whose token came with it; None for a server on this machine without tokens.
        what: the page or tool that was asked.
    """

    reader: Reader | None = None
    what: str = ""
    noted: bool = field(default=False)


_current: ContextVar[Visit | None] = ContextVar("syndarix_obs_visit", default=None)


@contextlib.contextmanager
def visit(reader: Reader | None, what: str) -> Iterator[None]:
    """Answer a request on behalf of somebody."""
    before = _current.set(Visit(reader, what))
    try:
        yield
    finally:
        _current.reset(before)


def current() -> Visit | None:
    """The request that is answered here; None outside of any."""
    return _current.get()


def need(right: Literal["may_read_payloads", "may_change", "may_see_audit"], action: str) -> None:
    """Raise Forbidden unless whoever asks may do that; without tokens everybody on this machine may."""
    found = _current.get()
    if found is not None and found.reader is not None and not getattr(found.reader, right):
        able = " or ".join(role for role in ROLES if getattr(Reader("", role), right))
        raise Forbidden(f"the role {found.reader.role} of this token may not {action}; a token of the role {able} may")
