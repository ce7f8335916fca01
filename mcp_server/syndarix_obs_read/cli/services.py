"""`syndarix-obs services`: the command and its drawing."""

from __future__ import annotations

from syndarix_obs_read import formats as f
from syndarix_obs_read.answers import services as services_answer
from syndarix_obs_read.answers.services import ServiceList, ServiceStatistics, ServiceVersion
from syndarix_obs_read.cli.asking import ask
from syndarix_obs_read.cli.options import Common, When, Who
from syndarix_obs_read.cli.screen import Screen, headers


def services(common: Common, when: When, who: Who) -> None:
    """Show what each service did, and each version of its agents: sessions, calls, failures, tokens, cost."""
    ask(
        common,
        lambda asker, backend: services_answer.get_services(
            backend, asker.filter(who), asker.period(when), asker.zone
        ),
        draw_services,
    )  # fmt: skip


def draw_services(screen: Screen, answer: ServiceList) -> None:
    """Services, then the versions of each."""
    screen.heading("Services", answer)
    if not answer.services:
        return
    screen.line()
    columns = headers("service*", "environment*", ">versions", ">tokens", ">cost")
    screen.table(columns, ((_service(each), "") for each in answer.services))
    screen.legend(each.cost for each in answer.services)
    screen.line()
    columns = headers("service*", "agent*", "version*", ">runs", ">ok", ">llm", ">tools", ">err", "first", "last")
    rows = ((_version(screen, each, version), "") for each in answer.services for version in each.versions)
    screen.table(columns, rows)
    screen.success_legend(answer.failed_outcomes)


def _service(each: ServiceStatistics) -> list[str]:
    environments = ", ".join(each.environments) or f.NOTHING
    return [each.service, environments, f.count(len(each.versions)), f.count(each.tokens.total), f.cost(each.cost)]


def _version(screen: Screen, service: ServiceStatistics, each: ServiceVersion) -> list[str]:
    return [
        service.service, each.agent or f.NOTHING, each.version or f.NOTHING, f.count(each.sessions),
        f.percent(each.success_rate), f.count(each.requests), f.count(each.tool_calls), f.count(each.failed),
        f.moment(each.first, screen.zone), f.moment(each.last, screen.zone),
    ]  # fmt: skip
