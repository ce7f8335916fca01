"""Runs the demo: cases by seed, the desk, the fake provider, one store."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from syndarix_obs import ObservabilityPlatform, Settings
from syndarix_obs_demo.cases import Case, Incident, plan
from syndarix_obs_demo.clients import connect
from syndarix_obs_demo.clock import DemoClock
from syndarix_obs_demo.contact import Contact, handle
from syndarix_obs_demo.desk import Desk
from syndarix_obs_demo.provider.model import Model
from syndarix_obs_demo.provider.server import FakeProvider
from syndarix_obs_demo.scenario import LEAST_SESSIONS, USUAL_SEED, Scenario, ordinary_count, seconds_ago
from syndarix_obs_demo.watching import LowestLimits, Warnings, captured_logs, masked
from syndarix_obs_read.errors import UsageError

DAYS = 6
"""Over how many past days the sessions of an embedded store are spread."""
_LAST_STARTS_BEFORE_S = 180
_BUCKET_NS = 300 * 10**9
"""A watch looks at whole five minutes: the last session of an embedded store lies in five minutes that are over."""
_STACK_SPREAD_S = 900
"""Over how many past seconds the sessions lie that go to the stack. Tempo deletes, when it restarts, what it has not
moved to a finished block and is older than its `complete_block_timeout` of 20 minutes."""
_LONGEST_CASE_S = 18
_FLUSH_S = 30.0


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What a run did.

    Attributes:
        sessions: contacts handled.
        seconds: real time that the run took.
        requests: HTTP requests that the fake provider served.
        instrumented: what `auto_instrument` switched on.
        incidents: what went wrong, and in how many sessions.
        outcomes: how the contacts ended.
        store: the SQLite file; None when records go elsewhere.
        trace_id: the trace to look at, as hex: the one that failed last, of a regression the one with the most in it.
        session_id: the session of that trace.
        masked: how many values of each kind were masked before anything was stored.
        lowest_limits: for each provider, the smallest share of a rate limit that was left, 0 to 1.
        warnings: what the library itself had to say.
        saved: False when not everything could be brought to safety.
        seed: of the cases.
    """

    sessions: int
    seconds: float
    requests: int
    instrumented: tuple[str, ...]
    incidents: Mapping[str, int]
    outcomes: Mapping[str, int]
    store: Path | None
    trace_id: str
    session_id: str
    masked: Mapping[str, int]
    lowest_limits: Mapping[str, float]
    warnings: tuple[str, ...]
    saved: bool
    seed: int = USUAL_SEED


def run(
    home: Path,
    sessions: int,
    seed: int,
    on_progress: Callable[[int, int], None] | None = None,
    scenario: Scenario = Scenario.ORDINARY,
) -> DemoReport:
    """Run `sessions` contacts of the support desk and keep them in `home`.

    Everything but ids and times follows from `seed`. Settings other than home, service and environment come
    from the environment, so that the same demo can feed the stack.

    Args:
        home: data folder.
        sessions: how many contacts, at least 1.
        seed: of the cases.
        on_progress: called with (done, sessions) after every contact.
        scenario: the story that is told.

    Raises:
        UsageError: `sessions` is less than 1.
        DemoPackagesMissing: `openai` or `anthropic` is not installed.
        SettingsError: a setting of the environment is wrong.
    """
    if sessions < 1:
        raise UsageError(f"sessions={sessions} is not allowed: at least 1, for example 50")
    if scenario is Scenario.REGRESSION and sessions < LEAST_SESSIONS:
        raise UsageError(f"a regression needs at least {LEAST_SESSIONS} sessions to be seen, not {sessions}")
    began = time.perf_counter()
    settings = Settings(home=home, service_name="support-desk", environment="demo", set_global=False)
    cases, clock = plan(sessions, seed, runaway=scenario is Scenario.ORDINARY), DemoClock()
    model = Model(clock.skip)
    limits, warnings = LowestLimits(), Warnings()
    with warnings.collected(), _desk(settings, clock, model) as (desk, instrumented):
        when = _times(cases, settings.backend, scenario)
        contacts = _all(desk, cases, when, limits, on_progress or (lambda _done, _of: None))
        saved, hidden = desk.obs.flush(_FLUSH_S), masked(desk.obs)
    shown = max(cases, key=_worth_a_look).number
    return DemoReport(
        sessions=sessions,
        seconds=time.perf_counter() - began,
        requests=model.served,
        instrumented=instrumented,
        incidents=dict(Counter(incident.value for case in cases for incident in sorted(case.incidents))),
        outcomes=dict(Counter(contact.outcome for contact in contacts)),
        store=settings.store_path if settings.backend in {"embedded", "both"} else None,
        trace_id=contacts[shown].trace_id,
        session_id=contacts[shown].session_id,
        masked=hidden,
        lowest_limits=limits.by_provider,
        warnings=tuple(warnings.messages),
        saved=saved,
        seed=seed,
    )


def _worth_a_look(case: Case) -> tuple[bool, int, bool]:
    """The higher, the more there is to see in a case."""
    return Incident.RUNAWAY in case.incidents, len(case.incidents), case.topic.task_type == "refund"


@contextmanager
def _desk(settings: Settings, clock: DemoClock, model: Model) -> Iterator[tuple[Desk, tuple[str, ...]]]:
    """Everything that runs meanwhile: platform, provider, clients."""
    with (
        FakeProvider(model) as provider,
        ObservabilityPlatform(settings, clock=clock.wall, monotonic=clock.monotonic) as obs,
    ):
        clients = connect(provider.url)
        instrumented = tuple(obs.auto_instrument())
        try:
            with captured_logs(obs, clock):
                yield Desk(obs, clock, model, clients), instrumented
        finally:
            obs.auto_uninstrument()
            clients.close()


def _times(cases: list[Case], backend: str, scenario: Scenario) -> Callable[[Case], tuple[int, bool]]:
    """When each contact comes, in nanoseconds since the epoch, and whether the worse prompt is deployed by then."""
    now = time.time_ns()
    if scenario is Scenario.REGRESSION:
        before = ordinary_count(cases)
        return lambda case: (
            now - round(seconds_ago(cases, case.number, _LAST_STARTS_BEFORE_S) * 1e9), case.number >= before
        )  # fmt: skip
    alone = backend == "embedded"
    spread_s = DAYS * 86_400 if alone else max(_STACK_SPREAD_S, len(cases) * _LONGEST_CASE_S)
    last_ns = (now // _BUCKET_NS - 2) * _BUCKET_NS if alone else now - _LAST_STARTS_BEFORE_S * 10**9
    return lambda case: (last_ns - round((1 - (case.number + 1) / len(cases)) * spread_s * 1e9), False)


def _all(
    desk: Desk,
    cases: list[Case],
    when: Callable[[Case], tuple[int, bool]],
    limits: LowestLimits,
    on_progress: Callable[[int, int], None],
) -> list[Contact]:
    """Handle the cases one after another, each at its own time; what is late is flushed before time moves."""
    contacts = []
    for case in cases:
        at_ns, desk.release.worse = when(case)
        desk.clock.jump_to(at_ns)
        contacts.append(handle(desk, case))
        desk.obs.flush(_FLUSH_S)
        limits.look(desk.obs)
        on_progress(case.number + 1, len(cases))
    return contacts
