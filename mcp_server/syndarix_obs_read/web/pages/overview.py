"""How is it all going? Cost, calls, errors, sessions, the dearest agents and models, alerts, the pipeline itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar

from syndarix_obs_read import formats as f
from syndarix_obs_read.amounts import Cost
from syndarix_obs_read.answers.agents import AgentList, get_agents
from syndarix_obs_read.answers.alerts import AlertList, list_alerts
from syndarix_obs_read.answers.base import Answer
from syndarix_obs_read.answers.costs import CostSummary, summarise_costs
from syndarix_obs_read.answers.errors import ErrorList, group_errors
from syndarix_obs_read.answers.health import HealthReport, check_health
from syndarix_obs_read.answers.over_time import OverTime, get_over_time
from syndarix_obs_read.answers.previews import previewed_sessions, previewed_traces
from syndarix_obs_read.answers.sessions import SessionList, list_sessions
from syndarix_obs_read.answers.traces import TraceList, search_traces
from syndarix_obs_read.backends.filters import Filter
from syndarix_obs_read.backends.rows import Dimension
from syndarix_obs_read.timerange import TimeRange, parse_range
from syndarix_obs_read.web.asked import Asked, Failure, Got, attempt
from syndarix_obs_read.web.html import Child, Html, el, joined
from syndarix_obs_read.web.pages import agents as agents_page
from syndarix_obs_read.web.pages import costs as costs_page
from syndarix_obs_read.web.pages import sessions as sessions_page
from syndarix_obs_read.web.pages import traces as traces_page
from syndarix_obs_read.web.parts import charts, common, tables, trends
from syndarix_obs_read.web.view import Page, View

A = TypeVar("A", bound=Answer)

_DAYS: Final = 14
_TOP: Final = 6
_SESSIONS: Final = 6
_SHARES = tables.columns("model*", ">share", ">cost")
_AGENTS = tables.columns("agent*", ">success", ">p95", ">failed?", ">tokens?", ">cost")
_ERRORS = tables.columns(">times", "error*", ">last seen")


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that the page is made of."""

    days: Got[CostSummary]
    models: Got[CostSummary]
    agents: Got[AgentList]
    running: Got[SessionList]
    sessions: Got[SessionList]
    errors: Got[ErrorList]
    health: Got[HealthReport]
    alerts: Got[AlertList]
    traces: Got[TraceList]
    over_time: Got[OverTime]

    def by_name(self) -> Mapping[str, Got[Answer]]:
        """The answers by name."""
        return {
            "cost_by_day": self.days, "cost_by_model": self.models, "agents": self.agents,
            "running_sessions": self.running, "sessions": self.sessions, "errors": self.errors,
            "health": self.health, "alerts": self.alerts, "traces": self.traces, "over_time": self.over_time,
        }  # fmt: skip


async def ask(asked: Asked) -> View:
    """Ten questions at once."""
    period, stalled, backend = asked.period(), asked.settings.stalled_after, asked.backend
    lately = parse_range(f"{_DAYS - 1}d", zone=asked.zone)
    (days, models, agents, errors, over_time), (running, sessions, health, alerts, traces) = await asyncio.gather(
        asyncio.gather(
            _costs(asked, lately, "day"),
            _costs(asked, period, "model"),
            attempt(get_agents(backend, Filter(), period)),
            attempt(group_errors(backend, Filter(), period, _TOP)),
            attempt(get_over_time(backend, backend.name, Filter(), period)),
        ),
        asyncio.gather(
            attempt(list_sessions(backend, Filter(status="running"), lately, 1, stalled_after_s=stalled)),
            _last_sessions(asked, period),
            attempt(check_health(backend)),
            attempt(list_alerts(backend, {}, "active", _TOP)),
            _traces(asked, period),
        ),
    )
    found = Found(days, models, agents, running, sessions, errors, health, alerts, traces, over_time)
    return View("Overview", found.by_name(), lambda: _draw(asked, found))


async def _traces(asked: Asked, period: TimeRange) -> Got[TraceList]:
    found = await attempt(search_traces(asked.backend, Filter(), period, _SESSIONS))
    return found if isinstance(found, Failure) else await previewed_traces(asked.backend, found)


async def _last_sessions(asked: Asked, period: TimeRange) -> Got[SessionList]:
    stalled = asked.settings.stalled_after
    found = await attempt(list_sessions(asked.backend, Filter(), period, _SESSIONS, stalled_after_s=stalled))
    return found if isinstance(found, Failure) else await previewed_sessions(asked.backend, found)


async def _costs(asked: Asked, period: TimeRange, by: Dimension) -> Got[CostSummary]:
    settings = asked.settings
    return await attempt(
        summarise_costs(
            asked.backend, Filter(), period, (by,), zone=asked.zone, daily_budget=settings.daily_budget_usd,
            monthly_budget=settings.monthly_budget_usd,
        )
    )  # fmt: skip


def _draw(asked: Asked, found: Found) -> Html:
    def part(title: str, inside: Child, more: Child) -> Html:
        return common.section(title, inside, aside=more)

    def way(text: str, path: str, **words: str) -> Html:
        return el("a", text, href=asked.to(path, **words))

    health = (_of(found.health, _health), _alerts(found.alerts))
    return joined((
        _problems(found),
        _tiles(asked, found),
        part("Over time", _of(found.over_time, trends.draw), way("by agent", "/agents")),
        el("div",
           el("div",
              part("Last sessions", _of(found.sessions, lambda a: _sessions(asked, a)),
                   way("all sessions", "/sessions")),
              part("Last traces", _of(found.traces, lambda a: traces_page.brief(asked, a)),
                   way("all traces", "/traces")),
              part(f"Cost, last {_DAYS} days", _of(found.days, lambda a: _days(asked, a)), way("all costs", "/costs")),
              part("Agents", _of(found.agents, lambda a: _agents(asked, a)), way("all agents", "/agents"))),
           el("div",
              part("Health", health, way("every part", "/health")),
              part("Tokens by model", _of(found.models, lambda a: trends.tokens_by_model(asked, a)),
                   way("by model", "/costs", by="model")),
              part("Models", _of(found.models, lambda a: _models(asked, a)), way("by model", "/costs", by="model")),
              part("Errors", _of(found.errors, lambda a: _errors(asked, a)), way("all errors", "/errors"))),
           cls="beside"),
    ))  # fmt: skip


def _of(found: Got[A], draw: Callable[[A], Child]) -> Child:
    """An answer, drawn; what is wrong stands above, once."""
    return el("p", "No answer, see above.", cls="dim") if isinstance(found, Failure) else draw(found)


def _problems(found: Found) -> Html | None:
    """What is wrong, each thing once; alerts that need the stack are no problem."""
    failures = {each.message: each for each in found.by_name().values() if isinstance(each, Failure)}
    troubles = [common.trouble(each) for each in failures.values() if each.status != 400]
    return joined(troubles) if troubles else None


def _tiles(asked: Asked, found: Found) -> Html:
    days, models, errors, running = found.days, found.models, found.errors, found.running
    period = "" if isinstance(models, Failure) or models.period is None else models.period.text
    none = common.dim(f.NOTHING)
    calls = none if isinstance(models, Failure) else f.count(models.cost.calls)
    failed = none if isinstance(errors, Failure) else f.count(errors.errors)
    live = none if isinstance(running, Failure) else f.count(running.total or len(running.sessions))
    return el(
        "div",
        common.tile("today", none) if isinstance(days, Failure)
        else costs_page.budget("today", days.today, href=asked.to("/day", day="today")),
        common.tile("yesterday", none) if isinstance(days, Failure) else _yesterday(asked, days),
        common.tile("this month", none) if isinstance(days, Failure)
        else costs_page.budget("this month", days.month_to_date, href=asked.to("/forecast")),
        common.tile("cost", none if isinstance(models, Failure) else common.money(models.cost), period,
                    href=asked.to("/costs")),
        common.tile("model calls", calls, period, href=asked.to("/traces")),
        common.tile("failures", failed, period, href=asked.to("/errors"),
                    tone="is-error" if not isinstance(errors, Failure) and errors.errors else ""),
        common.tile("sessions running", live, _last(asked, found), href=asked.to("/sessions", status="running")),
        cls="tiles",
    )  # fmt: skip


def _yesterday(asked: Asked, answer: CostSummary) -> Html:
    """What yesterday cost and how much more that is than the day before; a click says why."""
    known = {each.key["day"]: each.cost for each in answer.groups}
    today = datetime.now(asked.zone).date()
    one, other = (known.get((today - timedelta(days=back)).isoformat(), Cost()) for back in (2, 1))
    more = (other.total_usd or Decimal(0)) - (one.total_usd or Decimal(0))
    note = f"{f.difference(more)}: why?" if more else "as the day before"
    return common.tile("yesterday", common.money(other), note, href=asked.to("/day", day="yesterday"),
                       tone="is-warning" if one.total_usd and more > one.total_usd else "")  # fmt: skip


def _last(asked: Asked, found: Found) -> Child:
    if isinstance(found.sessions, Failure) or not found.sessions.sessions:
        return None
    return "last ", common.moment(found.sessions.sessions[0].started, asked.zone)


def _days(asked: Asked, answer: CostSummary) -> Child:
    known = {each.key["day"]: each.cost for each in answer.groups}
    today = datetime.now(asked.zone).date()
    names = [(today - timedelta(days=back)).isoformat() for back in reversed(range(_DAYS))]
    costs = [(name, known.get(name, Cost())) for name in names]
    return charts.days(costs, lambda day: asked.to("/day", day=day))


def _health(report: HealthReport) -> Child:
    bad = [each for each in report.checks if each.state != "ok"]
    if not bad:
        return el("p", f"All {len(report.checks)} parts of the pipeline are fine.", cls="dim")
    return el("ul", (el("li", common.badge(each.state, each.name), " ", each.finding) for each in bad), cls="findings")


def _alerts(found: Got[AlertList]) -> Child:
    if isinstance(found, Failure):
        return None if found.status != 400 else el("p", "Alerts need the stack.", cls="dim")
    if not found.alerts:
        return el("p", "No alert fires.", cls="dim")
    return el("ul", (el("li", common.badge("error" if each.severity == "critical" else "warning", each.name), " ",
                        each.annotations.get("summary", "")) for each in found.alerts), cls="findings")  # fmt: skip


def _agents(asked: Asked, answer: AgentList) -> Child:
    if not answer.agents:
        return common.empty(answer, "agents")
    dearest = sorted(answer.agents, key=lambda each: -(each.cost.total_usd or 0))[:_TOP]
    rows = (
        (
            (
                el("a", each.agent, href=asked.to("/traces", agent=each.agent), cls="row"), agents_page.success(each),
                f.seconds(each.latency.p95), f.count(each.request_errors), f.count(each.tokens.total),
                common.money(each.cost),
            ),
            "",
        )
        for each in dearest
    )  # fmt: skip
    return tables.table(_AGENTS, rows, caption="The dearest agents")


def _models(asked: Asked, answer: CostSummary) -> Child:
    if not answer.groups:
        return common.empty(answer, "model calls")
    rows = (
        (
            (
                el("a", name, href=asked.to("/traces", model=name), cls="row") if name else common.name(None),
                charts.rate(each.share), common.money(each.cost),
            ),
            "",
        )
        for each in answer.groups[:_TOP]
        for name in (each.key["model"],)
    )  # fmt: skip
    return tables.table(_SHARES, rows, caption="The dearest models")


def _sessions(asked: Asked, answer: SessionList) -> Child:
    if not answer.sessions:
        return common.empty(answer, "sessions")
    return sessions_page.table(asked, answer.sessions, brief=True)


def _errors(asked: Asked, answer: ErrorList) -> Child:
    if not answer.groups:
        return el("p", "Nothing failed.", cls="dim")
    rows = (
        (
            (
                f"{each.count:,}",
                el("span", common.trace_link(asked, each.example_trace, f.error_name(each.error_type) or "failed",
                                             step=each.example_span), " ", each.where, cls="cut-line"),
                el("time", f.day_minute(each.last_seen, asked.zone), datetime=each.last_seen.isoformat(),
                   data_form="minute"),
            ),
            "",
        )
        for each in answer.groups
    )  # fmt: skip
    return tables.table(_ERRORS, rows, caption="The most frequent errors")


PAGE = Page("/", "Overview", ask, since="7d", live=True)
