"""What did each service do, and each version of its agents?"""

from __future__ import annotations

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers.services import ServiceList, ServiceStatistics, ServiceVersion, get_services
from syndarix_obs_read.web.asked import Asked, attempt
from syndarix_obs_read.web.html import Child, el, joined
from syndarix_obs_read.web.parts import charts, common, filters, tables
from syndarix_obs_read.web.view import Page, View

_WORDS = ("agent", "project")
_SERVICES = tables.columns("service", "environment*", ">versions", ">tokens", ">cost")
_VERSIONS = tables.columns(
    "service", "agent", "version*", ">sessions", ">success", ">requests", ">tool calls", ">failed", "first", "last"
)


async def ask(asked: Asked) -> View:
    """The services."""
    found = await attempt(get_services(asked.backend, asked.filter(*_WORDS), asked.period(), asked.zone))
    return View("Services", {"services": found}, lambda: joined((
        filters.form(asked, *_WORDS), common.shown(found, lambda answer: _draw(asked, answer)),
    )))  # fmt: skip


def _draw(asked: Asked, answer: ServiceList) -> Child:
    if not answer.services:
        return common.empty(answer, "services")
    versions = ((_version(asked, each, version), "") for each in answer.services for version in each.versions)
    return (
        tables.table(_SERVICES, ((_service(each), "") for each in answer.services), caption="Services by name"),
        tables.table(_VERSIONS, versions, caption="Versions, the newest first"),
        common.hints(answer),
    )


def _service(each: ServiceStatistics) -> list[Child]:
    environments = ", ".join(each.environments) or f.NOTHING
    return [
        each.service,
        environments,
        f.count(len(each.versions)),
        f.count(each.tokens.total),
        common.money(each.cost),
    ]


def _version(asked: Asked, service: ServiceStatistics, each: ServiceVersion) -> list[Child]:
    return [
        service.service,
        el("a", each.agent, href=asked.to("/traces", agent=each.agent), cls="row") if each.agent else f.NOTHING,
        common.name(each.version),
        f.count(each.sessions),
        charts.rate(each.success_rate),
        f.count(each.requests),
        f.count(each.tool_calls),
        f.count(each.failed) if each.failed else f.NOTHING,
        common.moment(each.first, asked.zone),
        common.moment(each.last, asked.zone),
    ]


PAGE = Page("/services", "Services", ask)
