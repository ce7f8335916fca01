"""The guard of a platform: asked before each call of a model or tool, told after each call what it really cost.

Asking happens in the caller's thread: some arithmetic, at times a transaction in a local file, never the network. What
it cost is entered by the worker, when the call has been priced and counted. A guard that fails lets calls through and
counts them, or refuses them where the setting says so.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.trace import StatusCode

from syndarix_obs import vocabulary as v
from syndarix_obs.errors import BudgetExceeded, CallRefused, GuardUnavailable
from syndarix_obs.guard import guarded, record_failure
from syndarix_obs.guarding.accounts import Accounts, Amount, Excess, Place
from syndarix_obs.guarding.budgets import NANO, Budget, Who
from syndarix_obs.guarding.definition import definition
from syndarix_obs.guarding.leases import Call, Leases
from syndarix_obs.guarding.periods import FOREVER_NS, period_of
from syndarix_obs.guarding.repeats import Repeats
from syndarix_obs.guarding.worst_case import Need, WorstCase
from syndarix_obs.records.finished import FinishedSpan
from syndarix_obs.records.model import CostRecord, LLMRecord, Record
from syndarix_obs.spans import correlation, intercept
from syndarix_obs.spans.correlation import Correlation
from syndarix_obs.spans.span import LightSpan

if TYPE_CHECKING:
    from syndarix_obs.metrics.registry import Metrics

_log = logging.getLogger("syndarix_obs")
_MOST_REMEMBERED: Final = 4_096
_MOST_PENDING: Final = 20_000
_CLEAN_EVERY_NS: Final = 3_600 * 10**9

Matches = tuple[tuple[Budget, str], ...]


class Guard:
    """Holds the budgets of one platform.

    Args:
        home: folder of the accounts.
        worst_case: works out what a call may take.
        metrics: where refusals are counted.
        clean: masks a name as it is masked in records; a run's id by `clean_run`, a raw user id by `pseudonym`.
        timeout_s: seconds until a reservation that nobody settled is given back.
        wait_s: seconds that a caller waits for the file at most.
        refuse_when_broken: refuse calls while the guard itself fails, instead of letting them through.
        share: part of each limit that this machine may spend.
        clock: nanoseconds since the epoch.
    """

    def __init__(
        self,
        home: Path,
        worst_case: WorstCase,
        metrics: Metrics,
        *,
        clean: Callable[[str], str] = str,
        clean_run: Callable[[str], str] = str,
        pseudonym: Callable[[str], str] = str,
        timeout_s: float = 600.0,
        wait_s: float = 0.1,
        refuse_when_broken: bool = False,
        share: float = 1.0,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.budgets: tuple[Budget, ...] = ()
        self.accounts = Accounts(home, share=share, wait_s=wait_s)
        self._worst_case = worst_case
        self._metrics = metrics
        self._clean, self._clean_run, self._pseudonym = clean, clean_run, pseudonym
        self._timeout_ns = int(timeout_s * 1e9)
        self._refuse_when_broken = refuse_when_broken
        self._clock = clock
        self._repeats = Repeats()
        self._matches: dict[tuple[Any, ...], Matches] = {}
        self._leases = Leases(self.accounts, self._timeout_ns)
        self._held: dict[tuple[int, int], tuple[Call, int]] = {}
        self._pending: list[tuple[Place, Amount]] = []
        self._returned: list[tuple[str, Place, Amount]] = []
        self._refused: list[tuple[Place, int]] = []
        self._warned: set[tuple[str, str, str]] = set()
        self._cleaned_ns = 0

    # --- budgets ---

    def add(self, budgets: Iterable[Budget]) -> None:
        """Put budgets in force; one of the same name is replaced."""
        added = {each.name: self._without_raw_user(each) for each in budgets}
        kept = [each for each in self.budgets if each.name not in added]
        self._put((*kept, *added.values()))

    def remove(self, name: str) -> None:
        """Take a budget out of force; what it has counted stays."""
        self._put(tuple(each for each in self.budgets if each.name != name))

    def _put(self, budgets: tuple[Budget, ...]) -> None:
        self.budgets = budgets
        self._matches = {}
        with guarded("guard"):  # opens the file too, so that no call has to
            self.accounts.declare([(each.name, definition(each)) for each in budgets])

    def _without_raw_user(self, budget: Budget) -> Budget:
        """Users are known by their pseudonym everywhere; the raw id goes no further than this."""
        user = budget.where.get("user")
        if user is None or user.startswith("u_") or user.endswith("*"):
            return budget
        return dataclasses.replace(budget, where={**budget.where, "user": self._pseudonym(user)})

    # --- before a call; in the caller's thread ---

    def before_call(self, span: LightSpan) -> None:
        """Reserve the worst case of a model call that has begun.

        Raises:
            BudgetExceeded: the call would go over a budget; the span has been ended as failed.
            GuardUnavailable: the guard failed, and the setting is to refuse then.
        """
        if intercept.active is not None or self._is_held(span.enclosing):
            return
        try:
            self._reserve(span)
        except CallRefused as refusal:
            self._end(span, refusal)
            raise
        except Exception as error:  # noqa: BLE001 - the guard's own trouble is not the agent's, unless it asked for that
            record_failure("guard", error)
            self._unguarded(span, "failure", f"the guard failed ({type(error).__name__}: {error})")

    def _reserve(self, span: LightSpan) -> None:
        budgets = self._budgets_of(span.correlation, span.attributes.get(v.GEN_AI_REQUEST_MODEL))
        if not budgets:
            return
        run = self._run(span.correlation, f"{span.trace_id:032x}")
        need = self._need(span, budgets)
        if need.usd is None and any(budget.usd is not None for budget, _ in budgets):
            model = span.attributes.get(v.GEN_AI_REQUEST_MODEL)
            self._unguarded(span, "unpriced", f"no price is known for {model!r}: see SYNDARIX_OBS_PRICES_FILE")
        places = [
            Place(budget, key, period_of(budget.per, run, budget.timezone, span.start_ns)) for budget, key in budgets
        ]
        now = self._clock()
        reserved, warned = self._leases.reserve(places, Amount(need.usd or 0, need.tokens, 1), now)
        for excess in warned:
            self._warn(span, excess)
        if isinstance(reserved, Excess):
            raise self._exceeded(reserved)
        self._held[span.trace_id, span.span_id] = (reserved, now + self._timeout_ns)

    def _need(self, span: LightSpan, budgets: Matches) -> Need:
        if all(budget.usd is None and budget.tokens is None for budget, _ in budgets):
            return Need(0, 0)
        return self._worst_case.of(span.attributes, span.payload or {}, span.start_ns)

    def _is_held(self, span: LightSpan | None) -> bool:
        """Whether a call around this one has reserved already: `obs.llm` around a watched client, say."""
        while span is not None:
            if (span.trace_id, span.span_id) in self._held and not span.end_ns:
                return True
            span = span.enclosing
        return False

    def _unguarded(self, span: LightSpan, reason: str, why: str) -> None:
        self._metrics.count(v.LLM_UNGUARDED, (reason,))
        if self._refuse_when_broken:
            refusal = GuardUnavailable(f"the call was refused: {why}. SYNDARIX_OBS_GUARD_ON_FAILURE=allow lets it pass")
            self._end(span, refusal)
            raise refusal

    def _end(self, span: LightSpan, refusal: CallRefused) -> None:
        if span.end_ns:
            return
        span.attributes[v.BUDGET_EXCEEDED] = getattr(refusal, "budget", "")
        span.set_status(StatusCode.ERROR, str(refusal))
        span.record_exception(refusal)
        span.end()

    def _warn(self, span: LightSpan, excess: Excess) -> None:
        budget = excess.place.budget
        span.attributes[v.BUDGET_EXCEEDED] = budget.name
        self._metrics.count(v.LLM_BUDGET_EXCEEDED, (budget.name, "warned"))
        seen = (budget.name, excess.place.key, excess.place.period.name)
        if seen not in self._warned and len(self._warned) < _MOST_REMEMBERED:
            self._warned.add(seen)
            _log.warning("syndarix-obs: %s", self._exceeded(excess, count=False))

    def _exceeded(self, excess: Excess, *, count: bool = True) -> BudgetExceeded:
        budget, period = excess.place.budget, excess.place.period
        if count:
            self._metrics.count(v.LLM_BUDGET_EXCEEDED, (budget.name, "refused"))
        frees = excess.earliest_ns or (0 if period.end_ns == FOREVER_NS else period.end_ns)
        return BudgetExceeded(
            budget=budget.name, unit=excess.unit, key=excess.place.key.replace("\x1f", ", "),
            limit=_shown(excess.unit, excess.limit), spent=_shown(excess.unit, excess.spent),
            reserved=_shown(excess.unit, excess.held), needed=_shown(excess.unit, excess.needed),
            frees_at=datetime.fromtimestamp(frees / 1e9, UTC) if frees else None,
            by_reservation=bool(excess.earliest_ns),
        )  # fmt: skip

    # --- before a tool ---

    def before_tool(self, span: LightSpan) -> None:
        """Count a tool call that is about to begin.

        Raises:
            BudgetExceeded: the session has made this very call as often as a budget allows.
        """
        try:
            self._count_tool(span)
        except BudgetExceeded as refusal:
            span.begin()
            self._end(span, refusal)
            raise
        except Exception as error:  # noqa: BLE001 - as in `before_call`
            record_failure("guard", error)

    def _count_tool(self, span: LightSpan) -> None:
        found = correlation.current()
        if found.session_id is None or all(each.repeats is None for each in self.budgets):
            return
        tool = str(span.attributes[v.GEN_AI_TOOL_NAME])
        arguments = (span.payload or {}).get("arguments")
        for budget, key in self._budgets_of(found, None, repeats=True):
            limit = budget.repeats or 0
            made = self._repeats.count(found.session_id, budget.name, tool, arguments, limit)
            if made <= limit:
                continue
            place = Place(budget, key, period_of("run", found.session_id, "UTC", 0))
            excess = Excess(place, "repeats", limit, limit, 0, 1, 0)
            if budget.on_exceed == "warn":
                self._warn(span, excess)
                continue
            raise self._exceeded(excess)

    # --- who ---

    def _budgets_of(self, found: Correlation, model: Any, *, repeats: bool = False) -> Matches:
        """Budgets that are about this work, with its key in each."""
        of = (found.project, found.agent, found.user, found.user_is_pseudonym, found.task_type, model, repeats)
        matches = self._matches.get(of)
        if matches is None:
            if len(self._matches) >= _MOST_REMEMBERED:
                self._matches.clear()
            user = found.user
            if user is not None and not found.user_is_pseudonym:
                user = self._pseudonym(user)
            names = (found.project, found.agent, found.task_type, model if isinstance(model, str) else None)
            project, agent, task_type, model = (None if name is None else self._clean(name) for name in names)
            matches = self._matching(Who(project, agent, user, task_type, model), repeats=repeats)
            self._matches[of] = matches
        return matches

    def _matching(self, who: Who, *, repeats: bool) -> Matches:
        wanted = [each for each in self.budgets if (each.repeats is not None if repeats else each.limits_calls)]
        keys = [(each, each.key(who)) for each in wanted]
        return tuple((each, key) for each, key in keys if key is not None)

    def _run(self, found: Correlation, trace_id: str) -> str:
        return trace_id if found.session_id is None else self._clean_run(found.session_id)

    # --- after a call; on the worker ---

    def ended(self, span: FinishedSpan | None, records: Sequence[Record], sign: int = 1) -> None:
        """Note what the counted records of a span cost; `sign` is -1 for a call that is taken back."""
        held: list[Place] = []
        if span is not None:
            held = self._free((int(span.trace_id, 16), int(span.span_id, 16)))
            if v.BUDGET_EXCEEDED in span.attributes and span.status == v.STATUS_ERROR:
                return
        call = next((each for each in records if isinstance(each, LLMRecord)), None)
        line = next((each for each in records if isinstance(each, CostRecord)), None)
        known = call or line
        if known is None or len(self._pending) >= _MOST_PENDING:
            return
        model = (call.request_model or call.model) if call is not None else line.model if line is not None else None
        amount = Amount(
            0 if line is None or line.total_cost_usd is None else _up(line.total_cost_usd),
            0 if line is None else line.tokens_total,
            0 if call is None else sign,
        )
        run = known.session_id or known.trace_id
        who = Who(known.project, known.agent, known.user, known.task_type, model, run)
        names = {each.budget.name for each in held}  # where it was reserved it counts, also if the budget is gone
        others = [pair for pair in self._matching(who, repeats=False) if pair[0].name not in names]
        held += [Place(each, key, period_of(each.per, run, each.timezone, known.start_ns)) for each, key in others]
        self._pending += [(place, amount) for place in held]

    def _free(self, key: tuple[int, int]) -> list[Place]:
        """Take note that a call has ended; returns where it had reserved."""
        held = self._held.pop(key, None)
        if held is None:
            return []
        self._returned += self._leases.free(held[0])
        return [lease.place for lease, _ in held[0]]

    def settle(self) -> None:
        """Enter what is noted; what cannot be entered now is tried again in the next round."""
        now = self._clock()
        for key, (_, expires_ns) in list(self._held.items()):
            if expires_ns > now:
                break  # they come in the order of their time
            self._free(key)
        self._returned += self._leases.unused(now)
        self._refused += self._leases.refusals()
        spent, returned, renewals = len(self._pending), len(self._returned), self._leases.renewals(now)
        if spent or returned or renewals or self._refused:
            expires_ns = now + self._timeout_ns
            self.accounts.settle(
                self._pending[:spent], self._returned[:returned], renewals, now, expires_ns, self._refused
            )
            del self._pending[:spent], self._returned[:returned], self._refused[:]
            self._leases.renewed(renewals, now)
        for want in self._leases.refused():
            self._leases.looked_at(want, self.accounts.excess(want, now), now)
        if now - self._cleaned_ns > _CLEAN_EVERY_NS:
            self._cleaned_ns = now
            self.accounts.clean_up(now)

    def close(self) -> None:
        """Give the file back."""
        self.accounts.close()


def _up(amount: Decimal) -> int:
    """Billionths of a dollar, rounded away from zero, so that a call and its taking back cancel out."""
    whole = int(amount * NANO)
    return whole if whole == amount * NANO else whole + (1 if amount > 0 else -1)


def _shown(unit: str, amount: int) -> Decimal | int:
    return Decimal(amount) / NANO if unit == "usd" else amount


