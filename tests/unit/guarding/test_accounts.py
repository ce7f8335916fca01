"""Accounts and leases: nobody gets what is not there, and what a process held is free again when its time is over."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from syndarix_obs.errors import StoreError
from syndarix_obs.guarding.accounts import FILE, Account, Accounts, Amount, Excess, Place, Want, read
from syndarix_obs.guarding.budgets import NANO, Budget
from syndarix_obs.guarding.leases import Leases
from syndarix_obs.guarding.periods import Period

DIME = Amount(usd=NANO // 10, tokens=100, calls=1)
NOVEMBER = Period("2026-11", 0, 2**62)
CAP = Place(Budget("cap", usd=5 * NANO), "", NOVEMBER)
FORK = multiprocessing.get_context("fork")
HOUR = 3_600 * 10**9


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path, wait_s=10)


def only(home: Path) -> Account:
    (account,) = read(home)[1]
    return account


def test_a_process_gets_what_it_needs_and_a_part_of_the_rest(accounts: Accounts, tmp_path: Path) -> None:
    refused, warned, granted = accounts.lease("h", [Want(CAP, Amount(NANO), Amount(NANO))], 1, 100)
    assert (None, [], [Amount(NANO + 4 * NANO // 16)]) == (refused, warned, granted)
    assert (Amount(), granted[0]) == (only(tmp_path).spent, only(tmp_path).held)


def test_a_lease_in_several_accounts_is_had_in_all_or_in_none(accounts: Accounts, tmp_path: Path) -> None:
    few = Place(Budget("few", calls=1), "", NOVEMBER)
    both = [Want(CAP, Amount(NANO), Amount()), Want(few, Amount(calls=2), Amount())]
    refused, _, _ = accounts.lease("h", both, 1, 100)
    assert refused is not None
    assert ("calls", 1, 0, 0, 2) == (refused.unit, refused.limit, refused.spent, refused.held, refused.needed)
    assert [] == [each for each in read(tmp_path)[1] if any(each.held)]


def test_a_refusal_says_when_a_reservation_that_is_in_the_way_runs_out(accounts: Accounts) -> None:
    accounts.lease("h", [Want(CAP, Amount(5 * NANO), Amount())], 1, 70)
    refused, _, _ = accounts.lease("other", [Want(CAP, DIME, Amount())], 2, 100)
    assert refused is not None
    assert (5 * NANO, 70) == (refused.held, refused.earliest_ns)
    accounts.settle([(CAP, Amount(5 * NANO))], [("h", CAP, Amount(5 * NANO))], [], 3, 100)
    refused, _, _ = accounts.lease("other", [Want(CAP, DIME, Amount())], 4, 100)
    assert refused is not None
    assert (5 * NANO, 0, 0) == (refused.spent, refused.held, refused.earliest_ns)


def test_a_budget_that_only_warns_lets_everything_through(accounts: Accounts) -> None:
    warns = Place(Budget("w", usd=1, on_exceed="warn"), "", NOVEMBER)
    refused, warned, granted = accounts.lease("h", [Want(warns, DIME, DIME)], 1, 100)
    assert (None, ["usd"], [DIME.usd]) == (refused, [each.unit for each in warned], [each.usd for each in granted])


def test_what_ran_out_of_time_is_free_and_cannot_be_given_back_twice(accounts: Accounts, tmp_path: Path) -> None:
    accounts.lease("h", [Want(CAP, Amount(NANO), Amount())], 1, 10)
    accounts.clean_up(11)
    assert Amount() == only(tmp_path).held
    accounts.settle([], [("h", CAP, Amount(NANO))], [], 12, 100)
    assert Amount() == only(tmp_path).held


def test_a_lease_that_is_renewed_holds_longer(accounts: Accounts, tmp_path: Path) -> None:
    accounts.lease("h", [Want(CAP, Amount(NANO), Amount())], 1, 10)
    accounts.settle([], [], [("h", CAP)], 5, 50)
    accounts.clean_up(11)
    assert NANO == only(tmp_path).held.usd


def test_a_machine_with_a_share_may_spend_that_part(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path, share=0.25)
    refused, _, _ = accounts.lease("h", [Want(CAP, Amount(2 * NANO), Amount())], 1, 100)
    assert refused is not None
    assert 5 * NANO // 4 == refused.limit


def test_old_accounts_are_forgotten_and_held_ones_are_not(accounts: Accounts, tmp_path: Path) -> None:
    old = Place(CAP.budget, "", Period("2020-01", 0, 10))
    accounts.settle([(old, DIME), (CAP, DIME)], [], [], 1, 10)
    accounts.clean_up(100 * 24 * HOUR)
    assert [] == read(tmp_path)[1]
    accounts.settle([(CAP, DIME)], [], [], 100 * 24 * HOUR, 1)
    accounts.clean_up(101 * 24 * HOUR)
    assert ["2026-11"] == [each.period for each in read(tmp_path)[1]]


def test_nothing_is_read_where_there_is_no_file_and_a_broken_one_is_named(tmp_path: Path) -> None:
    assert ({}, []) == read(tmp_path)
    (tmp_path / FILE).write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(StoreError, match="cannot be read"):
        read(tmp_path)


def test_calls_that_fit_into_a_slice_touch_no_file_and_what_is_left_of_it_goes_back(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    leases = Leases(accounts, HOUR)
    wide = Place(Budget("wide", usd=1_000 * NANO), "", NOVEMBER)
    calls = [leases.reserve([wide], DIME, 1)[0] for _ in range(50)]
    assert not any(isinstance(each, Excess) for each in calls)
    assert 129 * DIME.usd == only(tmp_path).held.usd
    returned = [each for call in calls for each in leases.free(call)]  # type: ignore[arg-type]
    accounts.settle([], [*returned, *leases.unused(2)], [], 2, HOUR)
    assert 79 * DIME.usd == only(tmp_path).held.usd  # of what was used the rest stays for one round
    accounts.settle([], leases.unused(3), [], 3, HOUR)
    assert 0 == only(tmp_path).held.usd


def test_a_refusal_is_remembered_until_the_worker_finds_room(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    leases = Leases(accounts, HOUR)
    accounts.settle([(CAP, Amount(5 * NANO))], [], [], 1, 1)
    assert isinstance(leases.reserve([CAP], DIME, 1)[0], Excess)
    accounts.settle([(CAP, Amount(-5 * NANO))], [], [], 2, 2)
    assert isinstance(leases.reserve([CAP], DIME, 2)[0], Excess)
    for want in leases.refused():
        leases.looked_at(want, accounts.excess(want, 3), 3)
    assert not isinstance(leases.reserve([CAP], DIME, 3)[0], Excess)


def test_a_slice_that_ran_out_is_worth_nothing(tmp_path: Path) -> None:
    leases = Leases(Accounts(tmp_path), 10)
    leases.reserve([CAP], DIME, 1)
    Accounts(tmp_path).lease("other", [Want(CAP, Amount(5 * NANO), Amount())], 20, HOUR)
    assert isinstance(leases.reserve([CAP], DIME, 21)[0], Excess)


def spend(home: Path, calls: int, made: Any) -> None:
    """A process that makes calls as fast as it can."""
    accounts = Accounts(home, wait_s=20)
    leases = Leases(accounts, HOUR)
    for at in range(calls):
        found = leases.reserve([CAP], DIME, at + 1)[0]
        if isinstance(found, Excess):
            accounts.settle([], leases.unused(at + 1), [], at + 1, HOUR)
            continue
        with made.get_lock():
            made.value += 1
        accounts.settle([(CAP, DIME)], leases.free(found), [], at + 1, HOUR)
    accounts.settle([], leases.unused(calls), [], calls, HOUR)
    accounts.settle([], leases.unused(calls), [], calls, HOUR)


def test_a_thousand_calls_of_eight_processes_spend_no_cent_more_than_there_is(tmp_path: Path) -> None:
    made = FORK.Value("i", 0)
    running = [FORK.Process(target=spend, args=(tmp_path, 125, made)) for _ in range(8)]
    for each in running:
        each.start()
    for each in running:
        each.join(60)
    assert [0] * 8 == [each.exitcode for each in running]
    assert 40 <= made.value <= 50  # what one process held for a moment, another one could not have
    assert (made.value * DIME.usd, 0) == (only(tmp_path).spent.usd, only(tmp_path).held.usd)


def hold_and_say_so(home: Path, told: Any) -> None:
    leases = Leases(Accounts(home), HOUR)
    leases.reserve([CAP], Amount(usd=3 * NANO), time.time_ns())
    told.send("held")
    signal.pause()


def test_what_a_killed_process_held_is_free_when_its_time_is_over(tmp_path: Path) -> None:
    told, tell = FORK.Pipe(False)
    process = FORK.Process(target=hold_and_say_so, args=(tmp_path, tell))
    process.start()
    assert "held" == told.recv()
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join(10)
    accounts, now = Accounts(tmp_path), time.time_ns()
    needs = [Want(CAP, Amount(usd=4 * NANO), Amount())]
    refused, _, _ = accounts.lease("next", needs, now, now + 1)
    assert refused is not None
    assert now < refused.earliest_ns <= now + HOUR
    refused, _, _ = accounts.lease("next", needs, now + HOUR, now + 2 * HOUR)
    assert None is refused
    assert 4 * NANO == only(tmp_path).held.usd


def test_a_forked_child_has_nothing_of_its_parents_slices(tmp_path: Path) -> None:
    leases = Leases(Accounts(tmp_path), HOUR)
    leases.reserve([Place(Budget("wide", usd=1_000 * NANO), "", NOVEMBER)], DIME, 1)
    told, tell = FORK.Pipe(False)

    def child() -> None:
        found = leases.reserve([CAP], Amount(usd=4 * NANO), 1)[0]
        tell.send((isinstance(found, Excess), len(leases.renewals(HOUR))))

    process = FORK.Process(target=child)
    process.start()
    assert (False, 1) == told.recv()
    process.join(10)
    assert 2 == len(read(tmp_path)[1])
