"""What this process may spend without asking: slices that it has leased from the accounts.

A call that fits into a slice touches no file. One that does not leases what it needs and some more, in one transaction,
and never more than a sixteenth of what is left, so that one process does not hoard what another one needs. A limit that
is reached is remembered, and looked at again by the worker: refused calls touch no file either. The worker gives back
what ended calls had reserved, and what of a slice was not used since its last round. A lease has an end: if the process
is killed, its slices are free again when that is over.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Sequence
from typing import Final

from syndarix_obs.guarding.accounts import Accounts, Amount, Excess, Place, Want

_FIRST_EXTRA: Final = 128
"""How many further calls of the same size the first slice is for."""
_REFUSED_FOR_NS: Final = 1_000_000_000
"""How long a refusal holds for calls that are no smaller, at most: the worker looks again in each of its rounds."""
_LOCK_S: Final = 1.0

Call = tuple[tuple["Lease", Amount], ...]
"""What one call has reserved, by lease."""


class Lease:
    """This process's part of one account. `slack` is what is leased and not reserved by a call."""

    __slots__ = ("extra", "made", "place", "refusal", "slack", "used", "valid_ns")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.slack = self.used = Amount()
        self.extra = _FIRST_EXTRA
        self.made = 0
        self.valid_ns = 0
        self.refusal: tuple[Excess, Amount, int] | None = None


class Leases:
    """All leases of a process.

    Args:
        accounts: where they come from.
        timeout_ns: how long a lease, and what a call reserved, holds.
    """

    def __init__(self, accounts: Accounts, timeout_ns: int) -> None:
        self._accounts = accounts
        self._timeout_ns = timeout_ns
        self._lock = threading.Lock()
        self._start()

    def _start(self) -> None:
        self._pid = os.getpid()
        self._hold = secrets.token_hex(8)
        self._leases: dict[tuple[str, str, str], Lease] = {}
        self._refusals: dict[tuple[str, str, str], tuple[Place, int]] = {}
        self._lock = threading.Lock()

    def reserve(self, places: Sequence[Place], amount: Amount, now_ns: int) -> tuple[Excess | Call, list[Excess]]:
        """Reserve an amount in every account, or in none.

        Returns:
            What was reserved, for `free`, or the limit that forbids it; and the limits that are exceeded and only warn.

        Raises:
            TimeoutError, OSError, sqlite3.Error, StoreError: the accounts cannot be used.
        """
        if os.getpid() != self._pid:
            self._start()  # a forked child has nothing of its parent's
        if not self._lock.acquire(timeout=_LOCK_S):
            raise TimeoutError("other threads held the leases")
        try:
            wants = [(self._lease(place), _limited(place, amount)) for place in places]
            short = [(lease, needed) for lease, needed in wants if not _fits(lease, needed, now_ns)]
            warned: list[Excess] = []
            if short:
                refused = next((each for each in (_still_refused(*pair, now_ns) for pair in short) if each), None)
                if refused is None:
                    refused, warned = self._lease_more(short, now_ns)
                if refused is not None:
                    self._count(refused.place)
                    return refused, warned
            for lease, needed in wants:
                lease.slack, lease.used = _minus(lease.slack, needed), _plus(lease.used, needed)
                lease.made += 1
            return tuple(wants), warned
        finally:
            self._lock.release()

    def _count(self, place: Place) -> None:
        name = _name(place)
        self._refusals[name] = (place, self._refusals.get(name, (place, 0))[1] + 1)

    def refusals(self) -> list[tuple[Place, int]]:
        """How often each account refused since the last time."""
        with self._lock:
            found, self._refusals = self._refusals, {}
        return list(found.values())

    def _lease(self, place: Place) -> Lease:
        name = _name(place)
        found = self._leases.get(name)
        if found is None:
            found = self._leases[name] = Lease(place)
        return found

    def _lease_more(self, short: Sequence[tuple[Lease, Amount]], now_ns: int) -> tuple[Excess | None, list[Excess]]:
        for lease, _ in short:
            if lease.valid_ns <= now_ns:  # run out: nothing of it counts any more
                lease.slack = Amount()
        wants = [
            Want(lease.place, _missing(needed, lease.slack), Amount(*(each * lease.extra for each in needed)))
            for lease, needed in short
        ]
        refused, warned, granted = self._accounts.lease(self._hold, wants, now_ns, now_ns + self._timeout_ns)
        if refused is not None:
            for lease, needed in short:
                if lease.place == refused.place:
                    lease.refusal = (refused, needed, now_ns + _REFUSED_FOR_NS)
            return refused, warned
        for (lease, _), amount in zip(short, granted, strict=True):
            lease.slack = _plus(lease.slack, amount)
            lease.extra *= 2
            lease.valid_ns = now_ns + self._timeout_ns
        return None, warned

    def free(self, call: Call) -> list[tuple[str, Place, Amount]]:
        """A call has ended: what it had reserved, to be given back with `Accounts.settle`."""
        with self._lock:
            for lease, amount in call:
                lease.used = _minus(lease.used, amount)
        return [(self._hold, lease.place, amount) for lease, amount in call]

    def unused(self, now_ns: int) -> list[tuple[str, Place, Amount]]:
        """What nobody used since the last time, to be given back; a slice of which something was used stays a while."""
        found: list[tuple[str, Place, Amount]] = []
        with self._lock:
            for name, lease in list(self._leases.items()):
                back = Amount() if lease.made else lease.slack
                lease.slack = _minus(lease.slack, back)
                lease.extra, lease.made = max(_FIRST_EXTRA, lease.made), 0
                if any(back) and lease.valid_ns > now_ns:
                    found.append((self._hold, lease.place, back))
                if lease.refusal is not None and lease.refusal[2] <= now_ns:
                    lease.refusal = None
                if not any(lease.slack) and not any(lease.used) and lease.refusal is None:
                    del self._leases[name]
        return found

    def refused(self) -> list[Want]:
        """What has been refused, to be looked at again."""
        with self._lock:
            found = [(lease, lease.refusal) for lease in self._leases.values() if lease.refusal is not None]
        return [Want(lease.place, refusal[1], Amount()) for lease, refusal in found]

    def looked_at(self, want: Want, excess: Excess | None, now_ns: int) -> None:
        """It is still refused, or None: there is room again."""
        with self._lock:
            lease = self._lease(want.place)
            if lease.refusal is not None and lease.refusal[1] == want.needed:
                lease.refusal = None if excess is None else (excess, want.needed, now_ns + _REFUSED_FOR_NS)

    def renewals(self, now_ns: int) -> list[tuple[str, Place]]:
        """Leases in use that are past half of their time, to be renewed with `Accounts.settle`."""
        with self._lock:
            due = [
                lease for lease in self._leases.values()
                if any(lease.used) and lease.valid_ns - now_ns < self._timeout_ns // 2
            ]  # fmt: skip
        return [(self._hold, lease.place) for lease in due]

    def renewed(self, renewals: Sequence[tuple[str, Place]], now_ns: int) -> None:
        """They have been renewed."""
        with self._lock:
            for _, place in renewals:
                self._lease(place).valid_ns = now_ns + self._timeout_ns


def _name(place: Place) -> tuple[str, str, str]:
    return place.budget.name, place.key, place.period.name


def _limited(place: Place, amount: Amount) -> Amount:
    """Only what the budget limits is reserved."""
    budget = place.budget
    return Amount(
        amount.usd if budget.usd is not None else 0,
        amount.tokens if budget.tokens is not None else 0,
        amount.calls if budget.calls is not None else 0,
    )


def _fits(lease: Lease, needed: Amount, now_ns: int) -> bool:
    slack = lease.slack
    return (
        lease.valid_ns > now_ns
        and slack.usd >= needed.usd
        and slack.tokens >= needed.tokens
        and slack.calls >= needed.calls
    )


def _still_refused(lease: Lease, needed: Amount, now_ns: int) -> Excess | None:
    if lease.refusal is None:
        return None
    excess, amount, until_ns = lease.refusal
    smaller = any(mine < theirs for mine, theirs in zip(needed, amount, strict=True))
    return None if now_ns >= until_ns or smaller else excess


def _missing(needed: Amount, slack: Amount) -> Amount:
    return Amount(*(max(0, mine - there) for mine, there in zip(needed, slack, strict=True)))


def _plus(one: Amount, other: Amount) -> Amount:
    return Amount(one.usd + other.usd, one.tokens + other.tokens, one.calls + other.calls)


def _minus(one: Amount, other: Amount) -> Amount:
    return Amount(one.usd - other.usd, one.tokens - other.tokens, one.calls - other.calls)
